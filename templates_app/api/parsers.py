"""iCalendar files as request bodies."""

from typing import Any, Final

from jobs.api.parsers import StrictJSONParser

# The file itself may have 2 MiB (`calendars.ics_lines`); as a JSON text it is longer.
IMPORT_BODY: Final = 5 * 1024 * 1024  # bytes


class CalendarFileParser(StrictJSONParser):
    """Reads a file sent as text/calendar into the object that JSON would send: {"ics": text}."""

    media_type = "text/calendar"

    def value_of(self, raw: bytes) -> Any:
        """Return the file as a text from which its very bytes can be had again."""
        return {"ics": raw.decode("utf-8", "surrogateescape")}
