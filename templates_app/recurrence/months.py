"""The months of the Gregorian calendar, by their number from 1."""

MONTH_NAMES = (
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
SHORTEST = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Lengths in a common year; the entry 0 is none."""

LONGEST = (0, 31, 29, *SHORTEST[3:])
"""Lengths in a leap year."""
