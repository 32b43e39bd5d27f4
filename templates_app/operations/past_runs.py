"""What a template's recurrence asked for in a past range, its calendars and windows as they are today."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from templates_app.expander.due import DueTemplate
from templates_app.expander.surroundings import look_around
from templates_app.operations.schedule import rules_around
from templates_app.planning.plan import Run, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive

MOST_AT_ONCE = 10_000
TICK = timedelta(microseconds=1)
# The last run is looked for in growing spans.
FIRST_SPAN = timedelta(hours=1)
GROWTH = 8

Range: TypeAlias = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class PastRuns:
    """The runs of a range, earliest occurrence first, and how many occurrences do not run."""

    runs: tuple[Run, ...]
    not_planned: int


class TooMuchAtOnce(Exception):
    """The range holds more than one piece may; what is wrong, and until when a piece may reach."""

    def __init__(self, what: str, *, until: datetime) -> None:
        super().__init__(what)
        self.until = until


def runs_within(template: DueTemplate, start: datetime, end: datetime) -> PastRuns:
    """Return the runs whose occurrence lies in a range (aware, both ends included).

    Raises TooMuchAtOnce, InvalidFields, RecurrenceError.
    """
    within = naive(start), naive(end)
    return _runs(_rules(template, start), within, lambda run: _in(within, run.occurrence_at))


def runs_about(template: DueTemplate, start: datetime, end: datetime, now: datetime) -> PastRuns:
    """Return the runs of a range whose ends are occurrences, or moments that the recurrence names.

    A row of what did not run holds either: what was missed long ago is counted without its calendars.
    Raises TooMuchAtOnce, InvalidFields, RecurrenceError.
    """
    within = naive(start), naive(end)
    return _runs(_rules(template, start), within, _about(within, now))


def last_run_about(
    template: DueTemplate, start: datetime, end: datetime, now: datetime
) -> PastRuns:
    """Return the last of `runs_about`, if any, however many there are. Raises the same."""
    rules = _rules(template, start)
    first, last = naive(start), naive(end)
    about = _about((first, last), now)
    span = FIRST_SPAN
    while True:
        since = last - min(span, last - first)
        found = _runs(rules, (since, last), about)
        if found.runs or since == first:
            return PastRuns(runs=found.runs[-1:], not_planned=0)
        span *= GROWTH


def _rules(template: DueTemplate, start: datetime) -> Rules:
    return rules_around(template, look_around([template], start), start)


def _about(within: Range, now: datetime) -> Callable[[Run], bool]:
    latest = naive(now)

    def about(run: Run) -> bool:
        named = _in(within, run.occurrence_at) or _in(within, run.named.scheduled)
        return named and run.occurrence_at <= latest

    return about


def _in(within: Range, moment: datetime) -> bool:
    return within[0] <= moment <= within[1]


def _runs(rules: Rules, within: Range, wanted: Callable[[Run], bool]) -> PastRuns:
    first, last = within
    # Calendars may have moved an occurrence into the range from before or after it.
    since = rules.looking_back(first) - TICK
    until = last + rules.look_ahead
    planned = plan(rules, after=since, until=until, now=first - TICK, most=MOST_AT_ONCE)
    if planned.full and planned.examined_to < until:
        many = len(planned.runs) >= MOST_AT_ONCE
        raise TooMuchAtOnce(
            f"more than {MOST_AT_ONCE:,} occurrences"
            if many
            else "more than can be looked at in one piece, most of it closed",
            until=planned.examined_to - rules.look_ahead,
        )
    runs = sorted(filter(wanted, planned.runs), key=lambda run: run.occurrence_at)
    skips = (skip for skip in planned.skips if _in(within, skip.first_at))
    return PastRuns(runs=tuple(runs), not_planned=sum(skip.count for skip in skips))
