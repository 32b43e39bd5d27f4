"""The values that a part of an RRULE may have, and what is said of one that it may not."""

from collections.abc import Mapping

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule.frequency import WEEKDAYS, Weekday
from templates_app.recurrence.shown import quoted, shortened

MOST_VALUES = 400
"""Values in one list; BYSETPOS and BYYEARDAY have 732 at most, nobody writes half of them."""


def _signed(most: int) -> dict[str, int]:
    table = {}
    for value in range(1, most + 1):
        for text in {str(value), f"{value:02}"}:
            table[text] = table["+" + text] = value
            table["-" + text] = -value
    return table


def _counted(first: int, last: int) -> dict[str, int]:
    return {text: n for n in range(first, last + 1) for text in (str(n), f"{n:02}")}


NUMBERS: Mapping[str, Mapping[str, int]] = {
    "BYSECOND": _counted(0, 60) | {"60": 59},
    "BYMINUTE": _counted(0, 59),
    "BYHOUR": _counted(0, 23),
    "BYMONTHDAY": _signed(31),
    "BYYEARDAY": _signed(366),
    "BYWEEKNO": _signed(53),
    "BYMONTH": _counted(1, 12),
    "BYSETPOS": _signed(366),
}
"""Per part: every accepted spelling of every accepted number."""

_RANGES = {
    "BYSECOND": "0 to 59 (60, a leap second, counts as 59)",
    "BYMINUTE": "0 to 59",
    "BYHOUR": "0 to 23",
    "BYMONTHDAY": "1 to 31 or -1 to -31",
    "BYYEARDAY": "1 to 366 or -1 to -366",
    "BYWEEKNO": "1 to 53 or -1 to -53",
    "BYMONTH": "1 to 12",
    "BYSETPOS": "1 to 366 or -1 to -366",
}

_DAYS: dict[str, Weekday] = {
    text + name: (nth, weekday)
    for weekday, name in enumerate(WEEKDAYS)
    for text, nth in [("", 0), *_signed(53).items()]
}


def numbers(part: str, text: str) -> tuple[int, ...]:
    """Return the sorted values of a list of numbers; raise `RecurrenceError` for a wrong one."""
    table = NUMBERS[part]
    values = table.get(text)
    if values is not None:
        return (values,)
    items = _items(part, text)
    try:
        return tuple(sorted({table[item] for item in items}))
    except KeyError:
        return tuple(sorted({_spelled_out(part, item) for item in items}))


def weekdays(text: str, most: int) -> tuple[Weekday, ...]:
    """Return the sorted values of BYDAY, numbered up to `most`: 5 in a month, 53 in a year.

    Raises `RecurrenceError` for a wrong one.
    """
    days = set()
    for item in _items("BYDAY", text):
        day = _DAYS.get(item)
        if day is None or abs(day[0]) > most:
            raise _bad_weekday(item, most)
        days.add(day)
    return tuple(sorted(days))


def weekday(part: str, text: str) -> int:
    """Return the weekday that WKST names, 0 for Monday."""
    if text not in WEEKDAYS:
        raise RecurrenceError(
            "unknown_name",
            part,
            f"{quoted(text)} is not an RRULE weekday; use {', '.join(WEEKDAYS)}.",
        )
    return WEEKDAYS.index(text)


def whole_number(part: str, text: str, most: int) -> int:
    """Return the value of INTERVAL or COUNT, from 1 to `most`."""
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if not digits.isdigit():
        raise RecurrenceError(
            "not_integer", part, f"{part} must be a whole number.", hint=f"Example: {part}=2"
        )
    if text[0] == "-" or not digits.strip("0"):
        raise RecurrenceError("out_of_range", part, f"{part} must be at least 1.")
    if len(digits) > 18 or int(digits) > most:
        raise RecurrenceError("out_of_range", part, f"{part} must be at most {most:,}.")
    return int(digits)


def _items(part: str, text: str) -> list[str]:
    items = text.split(",")
    if "" in items:
        raise RecurrenceError(
            "list_empty_item", part, f"{part} has an empty item in its list.", hint="Drop a comma."
        )
    if len(items) > MOST_VALUES:
        raise RecurrenceError(
            "list_too_long", part, f"{part} has {len(items)} values; at most {MOST_VALUES}."
        )
    return items


def _spelled_out(part: str, item: str) -> int:
    """Read a number that is in no table: one with more zeros in front, or a fault."""
    table = NUMBERS[part]
    sign = item[:1] if item[:1] in {"+", "-"} else ""
    digits = item[len(sign) :]
    if not digits.isdigit():
        raise RecurrenceError(
            "not_integer",
            part,
            f"{part}: {quoted(item)} is not a whole number; use {_RANGES[part]}.",
        )
    value = table.get(sign + (digits.lstrip("0") or "0"))
    if value is None:
        raise RecurrenceError("out_of_range", part, f"{part} must be {_RANGES[part]}.")
    return value


def _bad_weekday(item: str, most: int) -> RecurrenceError:
    number, name = item.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), item.lstrip("+-0123456789")
    if name not in WEEKDAYS:
        likely = name[:2] if name[:2] in WEEKDAYS and name.isalpha() else None
        ask = (
            f"did you mean {shortened(number)}{likely}?"
            if likely
            else f"use {', '.join(WEEKDAYS)}."
        )
        return RecurrenceError(
            "unknown_name", "BYDAY", f"{quoted(item)} is not an RRULE weekday; {ask}"
        )
    span = "month" if most == 5 else "year"
    return RecurrenceError(
        "out_of_range",
        "BYDAY",
        f"{quoted(item)}: the number must be 1 to {most} or -1 to -{most} in a {span}.",
    )
