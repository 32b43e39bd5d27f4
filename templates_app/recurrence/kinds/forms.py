"""`daily`, `weekly`, `monthly`, `yearly`: what a merchant picks in a form."""

from datetime import date, time
from typing import Any

from templates_app.recurrence.day_times import DayTimes
from templates_app.recurrence.document import Document, read_time
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.kinds.built import DST, Built, Nested, wall_schedule
from templates_app.recurrence.kinds.interval import DEFAULT_ANCHOR
from templates_app.recurrence.months import LONGEST, MONTH_NAMES
from templates_app.recurrence.rrule import DayRule
from templates_app.recurrence.rrule.frequency import Frequency
from templates_app.recurrence.shown import quoted
from templates_app.recurrence.time_of_day import read_time_of_day
from templates_app.recurrence.zones import Zone

COMMON = ("every", "times", "anchor", *DST)
DAILY = COMMON
WEEKLY = ("weekdays", *COMMON)
MONTHLY = ("days", "nth", *COMMON)
YEARLY = ("months", "days", "nth", *COMMON)

WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
MOST_TIMES = 1_440
MOST_EVERY = 1_000
SHORT_MONTH = 28


def build_daily(document: Document, seed: str, nested: Nested) -> Built:
    """Every n days."""
    form = _Form(document)
    return form.built((form.rule(Frequency.DAILY),), {})


def build_weekly(document: Document, seed: str, nested: Nested) -> Built:
    """On weekdays of every n-th week; weeks begin on Monday."""
    form = _Form(document)
    chosen = _weekdays(document)
    byday = tuple((0, WEEKDAYS.index(name)) for name in chosen)
    return form.built((form.rule(Frequency.WEEKLY, byday=byday),), {"weekdays": chosen})


def build_monthly(document: Document, seed: str, nested: Nested) -> Built:
    """On days (from the end when negative) and nth weekdays of every n-th month."""
    form = _Form(document)
    days, nth = _days(document), _nth(document)
    rules = form.days_and_nth(Frequency.MONTHLY, days, nth)
    return form.built(rules, {"days": days, "nth": nth}, _short_months(days))


def build_yearly(document: Document, seed: str, nested: Nested) -> Built:
    """On days and nth weekdays of the months of every n-th year."""
    form = _Form(document)
    months = _numbers(document, "months", 1, 12, empty="Pick at least one month.")
    days, nth = _days(document), _nth(document)
    if days and not nth:
        _refuse_missing_days(months, days)
    rules = form.days_and_nth(Frequency.YEARLY, days, nth, bymonth=tuple(months))
    return form.built(rules, {"months": months, "days": days, "nth": nth})


class _Form:
    """What the four forms share: how often, from when on, at which times."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.zone = document.zone()
        self.every = document.integer("every", 1, most=MOST_EVERY)
        self.times = _times(document)
        self.anchor = _anchor(document, self.zone, self.every)

    def rule(self, freq: Frequency, **parts: Any) -> DayRule:
        """Return the rule of every n-th period, with the BY parts given."""
        return DayRule(freq=freq, interval=self.every, anchor=self.anchor, **parts)

    def days_and_nth(
        self, freq: Frequency, days: list[int], nth: list[str], **parts: Any
    ) -> tuple[DayRule, ...]:
        """Return a rule for the days and one for the nth weekdays: together they are a union."""
        rules = []
        if days:
            rules.append(self.rule(freq, bymonthday=tuple(days), **parts))
        if nth:
            rules.append(self.rule(freq, byday=_pairs(nth), **parts))
        return tuple(rules)

    def built(
        self,
        rules: tuple[DayRule, ...],
        own: dict[str, Any],
        cautions: tuple[Caution, ...] = (),
    ) -> Built:
        stream = DayTimes(rules, self.times)
        schedule, policy = wall_schedule(self.document, stream, self.zone)
        canonical = {"every": self.every, **{key: value for key, value in own.items() if value}}
        canonical["times"] = [_shown(at) for at in self.times]
        # Where nothing is printed, `starts_at` takes its place.
        if self.every > 1 or "anchor" in self.document:
            canonical["anchor"] = self.anchor.isoformat()
        # The impossible (31 April) is found by looking.
        return Built(
            schedule=schedule,
            zone=self.zone,
            canonical=canonical | policy,
            proven=False,
            cautions=cautions,
        )


def _anchor(document: Document, zone: Zone, every: int) -> date:
    """Return the day from which every n-th is counted and before which there is none."""
    for key in ("anchor", "starts_at") if every > 1 else ("anchor",):
        if key in document:
            wall, _ = read_time(document.content[key], key, zone)
            return wall.date()
    return DEFAULT_ANCHOR.date()


def _times(document: Document) -> tuple[time, ...]:
    items = document.items("times", most=MOST_TIMES, empty="Give at least one time of day.")
    return tuple(sorted(set(document.each(items, lambda item: read_time_of_day(item, "times")))))


def _weekdays(document: Document) -> list[str]:
    items = document.items("weekdays", most=7, empty="Pick at least one weekday.")
    chosen = document.each(items, _weekday)
    return [name for name in WEEKDAYS if name in chosen]


def _weekday(item: Any) -> str:
    if item not in WEEKDAYS:
        close = str(item)[:2].lower()
        raise RecurrenceError(
            "unknown_name",
            "weekdays",
            f"{quoted(item)} is not a weekday; use {', '.join(WEEKDAYS)}.",
            hint=f"Did you mean {close}?" if close in WEEKDAYS else None,
        )
    return str(item)


def _days(document: Document) -> list[int]:
    empty = None if "nth" in document else "Pick at least one day, or an nth weekday."
    days = _numbers(document, "days", -31, 31, empty=empty)
    if 0 in days:
        raise RecurrenceError(
            "out_of_range", "days", "0 is not a day; use 1 to 31, or -1 for the last day."
        )
    return days


def _refuse_missing_days(months: list[int], days: list[int]) -> None:
    if any(abs(day) <= LONGEST[month] for month in months for day in days):
        return
    raise RecurrenceError(
        "never",
        "days",
        f"This schedule never runs: {MONTH_NAMES[months[0]]} has no day {abs(days[0])}.",
        hint="-1 is the last day of every month.",
    )


def _numbers(
    document: Document, key: str, least: int, most: int, *, empty: str | None
) -> list[int]:
    items = document.items(key, most=62, empty=empty)
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int):
            raise RecurrenceError(
                "not_integer",
                key,
                f"{quoted(item)} is not a whole number.",
                hint=f'Write "{key}": [1], without quotation marks, from {least} to {most}.',
            )
        if not least <= item <= most:
            raise RecurrenceError(
                "out_of_range", key, f"{item} is not in {key}; use {least} to {most}."
            )
    return sorted(set(items), key=lambda number: (number < 0, number))


def _nth(document: Document) -> list[str]:
    found = []
    for item in document.items("nth", most=77):
        number, name = (item[:-2], item[-2:]) if isinstance(item, str) else ("", "")
        digits = number.removeprefix("-")
        known = name in WEEKDAYS and len(digits) == 1 and digits in "12345"
        if not known:
            raise RecurrenceError(
                "bad_value",
                "nth",
                f"{quoted(item)} is not an nth weekday.",
                hint='Write "2tu" for the second Tuesday, "-1fr" for the last Friday.',
            )
        found.append(item)
    return sorted(set(found), key=lambda item: (WEEKDAYS.index(item[-2:]), int(item[:-2])))


def _pairs(nth: list[str]) -> tuple[tuple[int, int], ...]:
    return tuple((int(item[:-2]), WEEKDAYS.index(item[-2:])) for item in nth)


def _short_months(days: list[int]) -> tuple[Caution, ...]:
    late = [day for day in days if day > SHORT_MONTH]
    if not late or -1 in days:
        return ()
    return (
        Caution(
            code="short_months",
            field="days",
            message=f"Months without a day {late[-1]} are skipped.",
            hint="-1 is the last day of every month.",
        ),
    )


def _shown(at: time) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
