"""The days of an RRULE in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from templates_app.recurrence.describe import days as day_words
from templates_app.recurrence.describe.wording import MONTHS, WEEKDAYS, every, listed, placed
from templates_app.recurrence.rrule.frequency import Frequency, Weekday
from templates_app.recurrence.rrule.parts import Parts

_PERIODS = ("year", "month", "week", "day", "hour", "minute", "second")
_WEEKEND = (5, 6)


@dataclass(frozen=True, slots=True)
class Condition:
    """One limit, as the only one ("on weekdays") and as one of several ("only if …")."""

    plain: str
    only: str


@dataclass(frozen=True, slots=True)
class PeriodDays:
    """The days of a monthly or yearly rule: `placed` when BYSETPOS has been said with them."""

    lead: str
    conditions: tuple[str, ...] = ()
    placed: bool = False


def condition_words(parts: Parts, most: int) -> list[Condition]:
    """Return what the BY parts of days limit in a rule that steps by days or less."""
    found = []
    if parts.byday:
        days = [day for _, day in parts.byday]
        one_of = day_words.is_weekday(days)
        found.append(Condition(f"on {day_words.weekdays(days)}", f"only if it is {one_of}"))
    if parts.bymonthday:
        named = day_words.month_days(_forward(parts.bymonthday), most)
        found.append(Condition(f"on {named} of every month", f"only on {named} of the month"))
    if parts.byyearday:
        named = _year_days(parts.byyearday, most)
        found.append(Condition(f"on {named} of every year", f"only on {named} of the year"))
    if parts.bymonth:
        months = day_words.in_months(parts.bymonth, most)
        found.append(Condition(months, f"only {months}"))
    return found


def week_words(parts: Parts, dtstart: datetime) -> tuple[str, bool]:
    """Return the weekdays of a weekly rule, and whether they are all seven."""
    days = sorted({day for _, day in parts.byday}) or [dtstart.weekday()]
    if len(days) == len(WEEKDAYS):
        return "every day", True
    return day_words.weekdays(days), False


def set_words(parts: Parts, most: int) -> str:
    """Say what BYSETPOS picks."""
    if not parts.bysetpos:
        return ""
    each = f"each {_PERIODS[parts.freq]}"
    if len(parts.bysetpos) > most:
        return f", but of these only {len(parts.bysetpos)} in {each}"
    return f", but of these only {_positions(parts.bysetpos)} in {each}"


def _positions(positions: Sequence[int]) -> str:
    return listed(f"the {placed(position)}" for position in _forward(positions))


def period_words(parts: Parts, dtstart: datetime, most: int, *, single: bool) -> PeriodDays:
    """Say the days of a monthly or yearly rule; `single` tells that each has one time."""
    if parts.freq is Frequency.YEARLY and parts.byweekno:
        found = _weeks(parts, dtstart, most)
    elif parts.byyearday:
        days = f"{_year_days(parts.byyearday, most)} of"
        found = PeriodDays(_led(parts, days, "year"), _conditions(parts, most, "byyearday"))
    elif parts.bymonthday:
        found = _month_days(parts, parts.bymonthday, most)
    elif parts.byday:
        found = _weekdays(parts, most, single=single)
    else:
        found = _taken_from(parts, dtstart, most)
    by_weekdays = parts.byweekno or (parts.byday and not (parts.bymonthday or parts.byyearday))
    if parts.skip == "OMIT" or by_weekdays:
        return found
    side = "before" if parts.skip == "BACKWARD" else "after"
    moved = f"or on the day {side} where that date does not exist"
    return PeriodDays(found.lead, (moved, *found.conditions), found.placed)


def _led(parts: Parts, days: str, period: str) -> str:
    """Write "on the 20th Monday of every year", "every 2 years on the 20th Monday of the year"."""
    if parts.interval == 1:
        return f"on {days} every {period}"
    return f"{every(parts.interval, _PERIODS[parts.freq])} on {days} the {period}"


def _led_by_months(parts: Parts, days: str, most: int) -> str:
    lead = "" if parts.interval == 1 else f"{every(parts.interval, _PERIODS[parts.freq])} "
    if parts.freq is Frequency.MONTHLY and parts.interval > 1:
        only = f", only {day_words.in_months(parts.bymonth, most)}" if parts.bymonth else ""
        return f"{lead}on {days} of the month{only}"
    return f"{lead}on {days} {day_words.of_months(parts.bymonth, most)}"


def _month_days(parts: Parts, numbers: Sequence[int], most: int) -> PeriodDays:
    if len(numbers) == len(parts.bymonth) == 1 and numbers[0] > 0 and _steps_by_years(parts):
        date = f"on {numbers[0]} {MONTHS[parts.bymonth[0] - 1]}"
        years = every(parts.interval, "year")
        lead = f"{date} every year" if parts.interval == 1 else f"{years} {date}"
        return PeriodDays(lead, _conditions(parts, most, "bymonth"))
    days = day_words.month_days(_forward(numbers), most)
    return PeriodDays(_led_by_months(parts, days, most), _conditions(parts, most, "bymonth"))


def _steps_by_years(parts: Parts) -> bool:
    return parts.freq is Frequency.YEARLY or parts.interval == 1


def _taken_from(parts: Parts, dtstart: datetime, most: int) -> PeriodDays:
    months = parts.bymonth
    if parts.freq is Frequency.YEARLY and not months:
        months = (dtstart.month,)
    return _month_days(parts._replace(bymonth=months), (dtstart.day,), most)


def _weekdays(parts: Parts, most: int, *, single: bool) -> PeriodDays:
    plain = [day for number, day in parts.byday if not number]
    numbered = [(number, day) for number, day in parts.byday if number]
    within_year = parts.freq is Frequency.YEARLY and not parts.bymonth
    one_month = parts.freq is Frequency.MONTHLY or len(parts.bymonth) == 1
    if parts.bysetpos and single and not numbered and (within_year or one_month):
        days = f"{_positions(parts.bysetpos)} {_noun(plain)}"
        if len(parts.bysetpos) <= most:
            if within_year:
                return PeriodDays(_led(parts, f"{days} of", "year"), placed=True)
            return PeriodDays(_led_by_months(parts, days, most), placed=True)
    days = _named(plain, numbered, most)
    if within_year and numbered:
        return PeriodDays(_led(parts, f"{days} of", "year"))
    if not numbered and not parts.bymonth and parts.interval == 1:
        return PeriodDays(f"on {days}")
    if within_year:
        return PeriodDays(f"{every(parts.interval, 'year')} on {days}")
    return PeriodDays(_led_by_months(parts, days, most))


def _noun(days: Sequence[int]) -> str:
    """Return what a day of these is called: weekday, day, Tuesday, "Monday or Friday"."""
    if tuple(days) == day_words.MONDAY_TO_FRIDAY:
        return "weekday"
    if len(days) == len(WEEKDAYS):
        return "day"
    if tuple(days) == _WEEKEND:
        return "Saturday or Sunday"
    return listed((WEEKDAYS[day] for day in days), "or")


def _named(plain: Sequence[int], numbered: Sequence[Weekday], most: int) -> str:
    names = [day_words.nth_weekday(*pair) for pair in _numbers_forward(numbered)]
    if len(names) > most:
        names = [f"{len(names)} numbered weekdays"]
    if len(plain) == len(WEEKDAYS):
        return "every day"
    return listed([*([day_words.every_weekday(plain)] if plain else []), *names])


def _weeks(parts: Parts, dtstart: datetime, most: int) -> PeriodDays:
    numbers = _forward(parts.byweekno)
    if len(numbers) > most:
        weeks = f"{len(numbers)} weeks"
    else:
        weeks = listed(
            f"week {number}" if number > 0 else f"the {placed(number)} week" for number in numbers
        )
    named = parts.byyearday or parts.bymonthday
    days = [day for _, day in parts.byday] or ([] if named else [dtstart.weekday()])
    which = day_words.weekdays(days) if 0 < len(days) < len(WEEKDAYS) else "every day"
    conditions = _conditions(parts._replace(byday=()), most, "byweekno")
    start = WEEKDAYS[parts.wkst]
    if parts.wkst:
        conditions = (f"weeks beginning on {start}", *conditions)
    return PeriodDays(_led(parts, f"{which} of {weeks} of", "year"), conditions)


def _conditions(parts: Parts, most: int, said: str) -> tuple[str, ...]:
    """Return the limits that remain after the part that has been said."""
    left = parts
    if said == "bymonth":
        left = left._replace(bymonth=(), bymonthday=())
    elif said == "byyearday":
        left = left._replace(byyearday=())
    plain = [day for number, day in left.byday if not number]
    numbered = [(number, day) for number, day in left.byday if number]
    found = [one.only for one in condition_words(left._replace(byday=()), most)]
    if left.byday:
        of = "year" if parts.freq is Frequency.YEARLY and not parts.bymonth else "month"
        names = [day_words.nth_weekday(*pair) for pair in _numbers_forward(numbered)]
        if len(names) > most:
            names = [f"one of {len(names)} numbered weekdays"]
        named = [*([day_words.is_weekday(plain)] if plain else []), *names]
        ending = f" of the {of}" if numbered else ""
        found.insert(0, f"only if it is {listed(named, 'or')}{ending}")
    return tuple(found)


def _year_days(numbers: Sequence[int], most: int) -> str:
    if len(numbers) > most:
        return f"{len(numbers)} days"
    return listed(
        f"day {number}" if number > 0 else f"the {placed(number)} day"
        for number in _forward(numbers)
    )


def _forward(numbers: Sequence[int]) -> list[int]:
    """Sort so that those that count from the end come last."""
    return sorted(numbers, key=lambda number: (number < 0, number))


def _numbers_forward(numbered: Sequence[Weekday]) -> list[Weekday]:
    return sorted(numbered, key=lambda pair: (pair[0] < 0, pair[0], pair[1]))
