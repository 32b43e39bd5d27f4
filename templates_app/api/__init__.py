"""The REST interface to templates, calendars and maintenance windows: one domain call a request."""
