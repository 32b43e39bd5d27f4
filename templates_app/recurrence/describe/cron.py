"""A cron expression in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from templates_app.recurrence.cron.days import both_must_match
from templates_app.recurrence.cron.expression import read_field, read_fields, read_words
from templates_app.recurrence.cron.fields import SECOND, YEAR
from templates_app.recurrence.cron.terms import (
    DayRule,
    Field,
    LastDay,
    LastWeekday,
    NearestWeekday,
)
from templates_app.recurrence.describe import days as day_words
from templates_app.recurrence.describe.chosen import chosen, chosen_times, is_chosen
from templates_app.recurrence.describe.clock import Clock, Times, times
from templates_app.recurrence.describe.wording import MONTHS, listed, ordinal

SUNDAY_FIRST = 7


@dataclass(frozen=True, slots=True)
class _Fields:
    seconds: Field
    minutes: Field
    hours: Field
    month_days: Field
    months: Field
    weekdays: Field
    years: Field
    both: bool

    @property
    def any_month_day(self) -> bool:
        """Whether the day of the month is no condition."""
        return self.month_days.whole or (not self.both and self.weekdays.whole)

    @property
    def any_weekday(self) -> bool:
        return self.weekdays.whole or (not self.both and self.month_days.whole)

    @property
    def every_day(self) -> bool:
        return self.any_month_day and self.any_weekday and self.months.whole and self.years.whole


def cron_words(expression: str, day_match: str, most: int) -> str:
    """Return the words of a valid expression; lists longer than `most` are summarised."""
    fields = _read(expression, day_match)
    said = _times(fields, most)
    days = _days(fields, most)
    if days is None:
        days = _months(fields, most)
        if said.named or said.bounded:
            every_day = "every day" + days.replace(",", "", 1)
            return f"{said.text}{' ' if said.named else ', '}{every_day}{_years(fields, most)}"
        return f"{said.text}{days}{_years(fields, most)}"
    return f"{said.text}, {days}"


def _read(expression: str, day_match: str) -> _Fields:
    read = read_fields(read_words(expression), "")
    month_days, weekdays = read["day_of_month"], read["day_of_week"]
    return _Fields(
        seconds=read.get("second") or read_field(SECOND, "0"),
        minutes=read["minute"],
        hours=read["hour"],
        month_days=month_days,
        months=read["month"],
        weekdays=weekdays,
        years=read.get("year") or read_field(YEAR, "*"),
        both=both_must_match(month_days, weekdays, "and" if day_match == "and" else "or"),
    )


def _times(fields: _Fields, most: int) -> Times:
    hours, minutes, seconds = fields.hours, fields.minutes, fields.seconds
    around = fields.every_day
    if any(map(is_chosen, (hours, minutes, seconds))):
        return chosen_times(hours, minutes, seconds, around=around, most=most)
    clock = Clock(hours.values, minutes.values, seconds.values)
    return times(clock, around=around, most=most)


def _days(fields: _Fields, most: int) -> str | None:
    """Return which days of which months and years, None where the month says it all."""
    month_days, weekdays = not fields.any_month_day, not fields.any_weekday
    if not month_days and not weekdays:
        return None
    if not month_days:
        return f"on {_weekdays(fields, most)}{_months(fields, most)}{_years(fields, most)}"
    single = _single_date(fields) if not weekdays else None
    if single is not None:
        return single
    first = f"on {_month_days(fields, most)}"
    if not weekdays:
        return first + _years(fields, most)
    if fields.both:
        return f"{first}, only if it is {_is_weekday(fields, most)}{_years(fields, most)}"
    second = f"on {_every_weekday(fields, most)}{_months(fields, most)}"
    return f"{first}, and {second}{_years(fields, most)}"


def _single_date(fields: _Fields) -> str | None:
    """Return "on 1 January 2026", for one day of one month."""
    days, months, years = fields.month_days, fields.months, fields.years
    if len(days.values) != 1 or days.rules or len(months.values) != 1:
        return None
    if is_chosen(days) or is_chosen(months):
        return None
    date = f"on {days.values[0]} {MONTHS[months.values[0] - 1]}"
    if years.whole:
        return f"{date} every year"
    return f"{date} {years.values[0]}" if len(years.values) == 1 else None


def _month_days(fields: _Fields, most: int) -> str:
    field = fields.month_days
    if is_chosen(field):
        said = chosen(field) + "".join(f" and {_rule(rule)}" for rule in field.rules)
        months = _months(fields, most)
        return said + months
    rules = [_rule(rule) for rule in dict.fromkeys(field.rules)]
    said = day_words.month_days(field.values, most, rules)
    if is_chosen(fields.months):
        return f"{said} of the month{_months(fields, most)}"
    months_named = () if fields.months.whole else fields.months.values
    return f"{said} {day_words.of_months(months_named, most)}"


def _weekdays(fields: _Fields, most: int) -> str:
    return _week(fields.weekdays, day_words.weekdays, most)


def _every_weekday(fields: _Fields, most: int) -> str:
    return _week(fields.weekdays, day_words.every_weekday, most)


def _is_weekday(fields: _Fields, most: int) -> str:
    field = fields.weekdays
    if is_chosen(field):
        return chosen(field)
    named = [day_words.is_weekday(_monday_first(field))] if field.values else []
    rules = [_rule(rule) for rule in dict.fromkeys(field.rules)]
    if len(rules) > most:
        rules = [f"one of {len(rules)} numbered weekdays"]
    ending = " of the month" if rules else ""
    return listed([*named, *rules], "or") + ending


def _week(field: Field, name: Callable[[Sequence[int]], str], most: int) -> str:
    if is_chosen(field):
        return chosen(field) + "".join(f" and {_rule(rule)}" for rule in field.rules)
    rules = [_rule(rule) for rule in dict.fromkeys(field.rules)]
    if not rules:
        return name(_monday_first(field))
    if len(rules) > most:
        rules = [f"{len(rules)} numbered weekdays"]
    if not field.values:
        return f"{listed(rules)} of the month"
    return f"{day_words.every_weekday(_monday_first(field))}, and on {listed(rules)} of the month"


def _monday_first(field: Field) -> list[int]:
    return sorted((day - 1) % SUNDAY_FIRST for day in field.values)


def _rule(rule: DayRule) -> str:
    if isinstance(rule, LastDay):
        return _last_day(rule)
    if isinstance(rule, NearestWeekday):
        return f"the weekday nearest to the {ordinal(rule.day)}"
    number = -1 if isinstance(rule, LastWeekday) else rule.nth
    return day_words.nth_weekday(number, (rule.weekday - 1) % SUNDAY_FIRST)


def _last_day(rule: LastDay) -> str:
    if not rule.before:
        return "the last weekday" if rule.nearest_weekday else "the last day"
    day = day_words.month_day(-rule.before - 1)
    return f"the weekday nearest to {day}" if rule.nearest_weekday else day


def _months(fields: _Fields, most: int) -> str:
    """Return ", in January" with its comma; "" for every month."""
    field = fields.months
    if field.whole:
        return ""
    if is_chosen(field):
        return f", in {chosen(field)}"
    return f", {day_words.in_months(field.values, most)}"


def _years(fields: _Fields, most: int) -> str:
    if fields.years.whole:
        return ""
    return f", {day_words.years(fields.years.values, most)}"
