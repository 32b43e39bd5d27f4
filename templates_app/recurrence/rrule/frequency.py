"""The seven values of FREQ and the seven weekdays of RFC 5545 section 3.3.10."""

from enum import IntEnum


class Frequency(IntEnum):
    """FREQ, from the longest period to the shortest."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


FREQUENCIES: dict[str, Frequency] = {frequency.name: frequency for frequency in Frequency}

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""Weekday names; the index is Python's `date.weekday()`."""

Weekday = tuple[int, int]
"""One value of BYDAY: its number (0 for none) and the weekday, 0 for Monday."""
