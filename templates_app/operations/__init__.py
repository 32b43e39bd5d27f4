"""What people and producers decide about templates, calendars and windows. The only writers."""
