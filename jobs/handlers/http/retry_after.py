"""Retry-After (RFC 9110 section 10.2.3): how long a target asks us to wait. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

CAP = 24 * 3600.0  # seconds; a longer wish is cut to this
ABSURD = 366 * CAP  # seconds; a longer wish is a mistake and ignored

_SECONDS = re.compile(r"[0-9]{1,12}\Z")


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds to wait (at most 24 h), None when the value asks for nothing sensible.

    Ignored: what is neither seconds nor an HTTP-date, zero, the past, and more than a year.
    """
    value = value.strip()
    if _SECONDS.match(value):
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return min(seconds, CAP) if 0 < seconds <= ABSURD else None
