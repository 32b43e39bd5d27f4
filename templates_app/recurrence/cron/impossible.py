"""The proof that a schedule can run, or the reason why it never does."""

from collections.abc import Iterable
from datetime import date

from templates_app.recurrence.cron.days import (
    SHORTEST_MONTH,
    DayMatch,
    MonthMasks,
    days_in,
    lengths_of,
    month_masks,
    months_that_match,
)
from templates_app.recurrence.cron.terms import Every, Field, LastDay, NearestWeekday
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.months import MONTH_NAMES


def why_never(
    days: Field, months: Field, weekdays: Field, years: Field | None, day_match: DayMatch
) -> RecurrenceError | None:
    """Return code `never` with the reason, or None for a schedule that runs in some year.

    Without a year field this is a proof: in the 400 years after which the Gregorian calendar
    repeats, every month begins on every weekday, February in common and in leap years.
    """
    if months_that_match(days, weekdays, day_match).isdisjoint(months.values):
        return _without_days(days, months, weekdays)
    if years is None or _runs_in(
        month_masks(days, weekdays, day_match), months.values, years.values
    ):
        return None
    return RecurrenceError(
        "never",
        "year",
        f'This schedule never runs: no date in "{years.shown}" matches the other fields.',
    )


def _runs_in(masks: MonthMasks, months: Iterable[int], years: Iterable[int]) -> bool:
    return any(
        masks[days_in(year, month) - SHORTEST_MONTH][date(year, month, 1).isoweekday() % 7]
        for year in years
        for month in months
    )


def _without_days(days: Field, months: Field, weekdays: Field) -> RecurrenceError:
    any_weekday = Field(
        kind=weekdays.kind,
        text="*",
        terms=(Every(),),
        values=tuple(range(7)),
        rules=(),
        starred=True,
    )
    if not months_that_match(days, any_weekday, "and").isdisjoint(months.values):
        return RecurrenceError(
            "never",
            "day_of_week",
            f'This schedule never runs: no day that matches "{days.shown}" is ever a '
            f'"{weekdays.shown}" as well.',
            hint="Leave one of the two day fields as *.",
        )
    names = _listed([MONTH_NAMES[month] for month in months.values], "and")
    plural = len(months.values) > 1
    wanted = sorted(
        {*days.values, *(rule.day for rule in days.rules if isinstance(rule, NearestWeekday))}
    )
    if wanted:
        reason = f"{names} {'have' if plural else 'has'} no day {_listed(wanted, 'or')}"
        hint = "Use L for the last day."
        return RecurrenceError(
            "never", "day_of_month", f"This schedule never runs: {reason}.", hint=hint
        )
    longest = max(max(lengths_of(month)) for month in months.values)
    at_most = "at most " if 2 in months.values or plural else ""
    before = min(rule.before for rule in days.rules if isinstance(rule, LastDay))
    reason = f"{names} {'have' if plural else 'has'} {at_most}{longest} days"
    return RecurrenceError(
        "never",
        "day_of_month",
        f"This schedule never runs: {reason}.",
        hint=f"Use L-{longest - 1} at most." if before >= longest else None,
    )


def _listed(items: Iterable[object], joint: str) -> str:
    texts = [str(item) for item in items]
    if len(texts) == 1:
        return texts[0]
    return f"{', '.join(texts[:-1])} {joint} {texts[-1]}"
