"""Times of day as people write them."""

from datetime import time
from typing import Any

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.shown import quoted


def read_time_of_day(value: Any, key: str) -> time:
    """Read "09:00" or "17:30:15"."""
    parts = value.split(":") if isinstance(value, str) else []
    if not (2 <= len(parts) <= 3 and all(map(_is_number, parts))):
        raise RecurrenceError(
            "bad_value", key, f"{quoted(value)} is not a time of day.", hint=_two_digits(parts)
        )
    hour, minute, second = (*map(int, parts), 0)[:3]
    if hour > 23 or minute > 59 or second > 59:
        raise RecurrenceError(
            "out_of_range",
            key,
            f"{value} is not a time of day; use 00:00 to 23:59:59.",
            hint="Midnight is 00:00." if hour == 24 else None,
        )
    return time(hour, minute, second)


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) == 2


def _two_digits(parts: list[str]) -> str:
    padded = [part.zfill(2) for part in parts]
    meant = 2 <= len(parts) <= 3 and all(map(_is_number, padded))
    return f'Write "{":".join(padded)}".' if meant else 'Write "09:00".'
