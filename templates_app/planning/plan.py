"""Which jobs a template's next occurrences become, and which occurrences do not run, and why.

All times are naive UTC, as in `templates_app.recurrence.moments`. Order of what decides: the clock
change policy (in the recurrence), the calendars (by the nominal local time), the maintenance
windows, then jitter.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from templates_app.calendars.openness import ClosedPolicy, Outcome
from templates_app.calendars.windows import WindowMode
from templates_app.planning.rules import Rules
from templates_app.recurrence.describe import reason
from templates_app.recurrence.moments import Moment

# What one plan holds at most; a template that needs more is planned again at once.
MOST_RUNS = 500
MOST_EXAMINED = 100_000
LONGEST_NOTE = 200
# Each occurrence that no day takes costs a search over a year.
MOST_LOST = 2_000
DAY = timedelta(days=1)
YEAR = timedelta(days=366)
MERGED = "Another occurrence runs at the same time."


@dataclass(frozen=True, slots=True)
class Run:
    """An occurrence that becomes a job.

    `occurrence_at` is its identity: after the calendars, before windows and jitter. `named` is the
    moment that the recurrence names.
    """

    occurrence_at: datetime
    run_at: datetime
    named: Moment
    note: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """Occurrences in a row that do not run, for one reason."""

    first_at: datetime
    last_at: datetime
    count: int
    cause: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was decided, up to and including `examined_to`.

    `ended`: nothing follows. `full`: a bound was reached before the horizon. `shut`: no calendar
    opens for a year.
    """

    runs: tuple[Run, ...]
    skips: tuple[Skip, ...]
    examined_to: datetime
    ended: bool = False
    full: bool = False
    shut: bool = False


@dataclass
class _Draft:
    runs: list[Run] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    taken: set[datetime] = field(default_factory=set)
    # Whether the last skip goes on: nothing has run since.
    in_a_row: bool = False

    def run(self, run: Run) -> None:
        if run.occurrence_at in self.taken:
            self.skip(run.named.scheduled, "merged", MERGED)
            return
        self.taken.add(run.occurrence_at)
        self.runs.append(run)
        self.in_a_row = False

    def skip(self, at: datetime, cause: str, why: str) -> None:
        last = self.skips[-1] if self.in_a_row else None
        if last is not None and (last.cause, last.reason) == (cause, why):
            self.skips[-1] = Skip(last.first_at, at, last.count + 1, cause, why)
        else:
            self.skips.append(Skip(at, at, 1, cause, why))
        self.in_a_row = True


def plan(
    rules: Rules, *, after: datetime, until: datetime, now: datetime, most: int = MOST_RUNS
) -> Plan:
    """Plan every occurrence scheduled after `after` and up to `until`, and on to one after `now`.

    At most `most` runs of those scheduled after `now`; what was missed before is not cut, since it
    is judged together. Raises RecurrenceError for a recurrence that cannot be searched within its
    bounds.
    """
    draft = _Draft()
    examined_to = closed_until = after
    why = ""
    past = lost = 0
    ahead = shut = False
    for examined, moment in enumerate(rules.recurrence.moments(after)):
        if moment.scheduled > until and ahead:
            return _plan(draft, examined_to)
        if shut and moment.scheduled > until + DAY:
            return _plan(draft, examined_to, shut=True)
        if len(draft.runs) - past >= most or examined >= MOST_EXAMINED or lost >= MOST_LOST:
            return _plan(draft, examined_to, full=True)
        examined_to = moment.scheduled
        if moment.scheduled < closed_until and not moment.notes:
            draft.skip(moment.scheduled, "closed", why)
            continue
        runs = len(draft.runs)
        if not _decide(rules, draft, moment):
            assert rules.opening is not None
            why = draft.skips[-1].reason
            opens = rules.opening.open_from(moment.scheduled)
            # All that follows in the closed stretch is counted without being looked at.
            if opens is None:
                closed_until, shut = moment.scheduled + YEAR, True
            elif rules.on_closed is ClosedPolicy.SKIP:
                closed_until = opens
            else:
                lost += 1
                shut = not ahead and moment.scheduled > until + YEAR
        ahead = ahead or any(run.run_at > now for run in draft.runs[runs:])
        if moment.scheduled <= now:
            past = len(draft.runs)
    return _plan(draft, examined_to, ended=True)


def _plan(
    draft: _Draft,
    examined_to: datetime,
    *,
    ended: bool = False,
    full: bool = False,
    shut: bool = False,
) -> Plan:
    return Plan(
        runs=tuple(draft.runs),
        skips=tuple(draft.skips),
        examined_to=examined_to,
        ended=ended,
        full=full,
        shut=shut,
    )


def _decide(rules: Rules, draft: _Draft, moment: Moment) -> bool:
    """Put one moment into the draft, as a run or as a skip; False when it is closed."""
    recurrence = rules.recurrence
    notes = [reason(recurrence.occurrence(moment), recurrence.zone)] if moment.notes else []
    if not moment.runs:
        draft.skip(moment.scheduled, "clock_change", notes[0] or "")
        return True
    moved = rules.moved(moment)
    at = moved.instant
    if at is None:
        draft.skip(moment.scheduled, "closed", moved.reason or "")
        return False
    if moved.outcome is Outcome.MOVED:
        notes.append(f"Moved from {moment.nominal:%a %-d %b %H:%M}: {moved.reason}.")
    run_at = at + (moment.due - moment.scheduled)
    stop = rules.windows.near(at).at(at) if rules.windows is not None else None
    if stop is not None:
        if stop.mode is WindowMode.SKIP:
            draft.skip(moment.scheduled, "window", f"Maintenance window: {stop.window.name}.")
            return True
        run_at = rules.released(at)
        notes.append(f"Held by the maintenance window {stop.window.name}.")
    draft.run(Run(at, run_at, moment, " ".join(filter(None, notes))[:LONGEST_NOTE]))
    return True
