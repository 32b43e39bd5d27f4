"""Calendars and maintenance windows: which times are open, and why not. Pure Python, no Django."""
