"""The items that only the two day fields have: `L`, `LW`, `L-3`, `15W`, `MON#2`, `5L`."""

from templates_app.recurrence.cron.fields import DAY_OF_MONTH, DAY_OF_WEEK, MONTHS
from templates_app.recurrence.cron.pieces import Piece, is_number, read_value
from templates_app.recurrence.cron.terms import (
    DayRule,
    LastDay,
    LastWeekday,
    NearestWeekday,
    NthWeekday,
)
from templates_app.recurrence.shown import quoted, shortened

_MOST_DAYS_BEFORE_LAST = 30
_MOST_WEEKS = 5


def read_day_rule(piece: Piece) -> DayRule | None:
    """Return the rule that an item of a day field is; None where it is numbers only.

    Raises `RecurrenceError` for one that begins as a rule and is none.
    """
    upper = piece.text.upper()
    if "#" in upper:
        return _nth_weekday(piece)
    if upper in MONTHS:
        return None
    if piece.kind is DAY_OF_MONTH:
        if upper.startswith("L"):
            return _last_day(piece)
        if any(part.endswith("W") for part in upper.replace("-", "/").split("/")):
            return _nearest_weekday(piece)
        if upper.endswith("L") and is_number(upper[:-1]):
            raise piece.refusal(
                "not_in_field",
                f'"{piece.shown}" (last weekday of the month) works only in the weekday field.',
                "The last day of the month is L.",
            )
    elif piece.kind is DAY_OF_WEEK and "L" in upper and not upper.endswith("W"):
        return _last_weekday(piece)
    return None


def _last_day(piece: Piece) -> LastDay:
    upper = piece.text.upper()
    if "/" in upper:
        raise piece.refusal("last_with_step", f'L takes no step (in "{piece.shown}").')
    nearest = upper.endswith("W")
    body = upper[1:-1] if nearest else upper[1:]
    if not body:
        return LastDay(0, nearest)
    if body == "-":
        raise piece.refusal("range_incomplete", f'"{piece.shown}" has no number after L-.')
    if body[0] != "-" or not is_number(body[1:]):
        remedy = f"write L-{shortened(body)}." if is_number(body) else "write L."
        raise piece.refusal("bad_value", f'"{piece.shown}" is not valid; {remedy}')
    before = int(body[1:]) if len(body) < 10 else _MOST_DAYS_BEFORE_LAST + 1
    if before > _MOST_DAYS_BEFORE_LAST:
        raise piece.refusal(
            "out_of_range",
            f"{piece.shown}: no month has a day {shortened(body[1:])} days before its last; use L-1 to L-30.",
        )
    return LastDay(before, nearest)


def _nearest_weekday(piece: Piece) -> NearestWeekday:
    day = piece.cut(0, piece.text.upper().rindex("W"))
    if "-" in piece.text:
        span = piece.text.upper().replace("W", "").partition("/")[0]
        days = span.split("-")
        listed = ",".join(f"{number}W" for number in days)
        raise piece.refusal(
            "w_with_range",
            f"W takes a single day, not the range {quoted(span)}.",
            f"Write {listed}."
            if len(span) < 8 and len(days) == 2 and all(map(is_number, days))
            else None,
        )
    if "/" in piece.text:
        message = f'W takes a single day, not a step (in "{piece.shown}").'
        raise piece.refusal("w_with_step", message)
    if not is_number(day.text):
        raise piece.refusal(
            "bad_value",
            f'"{piece.shown}" is not valid: W takes a day of the month.',
            "Write 15W, or LW for the last Monday to Friday of the month.",
        )
    number = int(day.text) if len(day.text) < 10 else 99
    if not 1 <= number <= DAY_OF_MONTH.high:
        raise piece.refusal(
            "out_of_range", f"{piece.shown}: {day.shown} is not a day of the month; use 1-31."
        )
    return NearestWeekday(number)


def _nth_weekday(piece: Piece) -> NthWeekday | LastWeekday:
    """Read `MON#2`, and the last one as fugit writes it: `MON#L`, `MON#-1`."""
    text = piece.text
    if piece.kind is not DAY_OF_WEEK:
        raise piece.refusal("not_in_field", "# (nth weekday) works only in the weekday field.")
    if text.count("#") > 1:
        raise piece.refusal("nth_missing", f'"{piece.shown}" has more than one #.')
    weekday, nth = piece.split("#")
    if "/" in text:
        raise piece.refusal("nth_with_step", "# takes one weekday, not a step.")
    if weekday.text.upper().endswith("L") and weekday.text.upper() not in MONTHS:
        raise piece.refusal("last_with_nth", "Use either L (last) or # (nth), not both.")
    if "-" in weekday.text:
        raise piece.refusal("nth_with_range", "# takes one weekday, not a range.")
    if not weekday.text:
        raise piece.refusal(
            "weekday_missing", f'"{piece.shown}" has no weekday before #.', "Write MON#2."
        )
    number = read_value(weekday) % 7
    if not nth.text:
        raise piece.refusal(
            "nth_missing",
            f'"{piece.shown}" has no number after #.',
            f"Write {weekday.shown}#1 for the first {_NAMES[number]}.",
        )
    if nth.text.upper() in ("L", "-1"):
        return LastWeekday(number)
    if not is_number(nth.text) or len(nth.text) > 9 or not 1 <= int(nth.text) <= _MOST_WEEKS:
        raise nth.refusal("nth_range", f"#{nth.shown}: the nth weekday must be 1 to 5.")
    return NthWeekday(number, int(nth.text))


_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def _last_weekday(piece: Piece) -> LastWeekday | None:
    """Read `5L`, `FRIL`, and `L5` as croniter writes it."""
    upper = piece.text.upper()
    if upper == "L":
        raise piece.refusal(
            "last_without_weekday",
            "L alone does not say which weekday: some read it as Saturday, others as Sunday.",
            "Write SAT, SUN, or FRIL for the last Friday of the month.",
        )
    if "/" in upper:
        raise piece.refusal("last_with_step", f'L takes no step (in "{piece.shown}").')
    if "-" in upper:
        message = f'L takes a single weekday, not a range (in "{piece.shown}").'
        raise piece.refusal("last_with_range", message)
    if upper.endswith("L"):
        return LastWeekday(read_value(piece.cut(0, -1)) % 7)
    if upper.startswith("L"):
        return LastWeekday(read_value(piece.cut(1)) % 7)
    return None
