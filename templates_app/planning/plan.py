"""Which jobs a template's next occurrences become, and which occurrences do not run, and why.

All times are naive UTC, as in `templates_app.recurrence.moments`. Order of what decides: the clock
change policy (in the recurrence), the calendars (by the nominal local time), the maintenance
windows, then jitter.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from templates_app.calendars.openness import ClosedPolicy, Moved
from templates_app.calendars.windows import WindowMode
from templates_app.planning.rules import Rules
from templates_app.planning.work import DAY_OPENED, MOST_WORK, YEAR_OPENED, Work
from templates_app.recurrence.describe import reason
from templates_app.recurrence.moments import Moment

# What one plan holds at most; a template that needs more is planned again at once.
MOST_RUNS = 500
LONGEST_NOTE = 200
DAY = timedelta(days=1)
YEAR = timedelta(days=366)
# However far a plan is to reach: calendars that have not opened by then are not waited for.
LONGEST_SHUT = timedelta(days=3_653)
LAST = datetime.max  # noqa: DTZ901 - naive UTC
MERGED = "Another occurrence runs at the same time."


class Run(NamedTuple):
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


@dataclass(frozen=True, kw_only=True, slots=True)
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


def plan(
    rules: Rules,
    *,
    after: datetime,
    until: datetime,
    now: datetime,
    most: int = MOST_RUNS,
    work: int = MOST_WORK,
) -> Plan:
    """Plan every occurrence scheduled after `after` and up to `until`, and on to one after `now`.

    At most `most` runs of those scheduled after `now`; what was missed before is not cut, since it
    is judged together. `work` bounds what it may cost (`planning.work`). Raises RecurrenceError for
    a recurrence that cannot be searched within its bounds.
    """
    draft = _Draft(rules, after, min(until, _later(after, LONGEST_SHUT)), work)
    runs, account = draft.runs, draft.work
    plain = rules.opening is None and rules.windows is None
    examined_to = after
    past = 0
    for moment in rules.recurrence.moments(after):
        scheduled = moment.scheduled
        if scheduled > until and draft.ahead:
            return draft.plan(examined_to)
        if draft.shut and scheduled > draft.shut_until:
            return draft.plan(examined_to, shut=True)
        if len(runs) - past >= most or account.left <= 0:
            return draft.plan(examined_to, full=True, shut=draft.shut)
        account.left -= 1
        examined_to = scheduled
        if moment.notes:
            draft.decide(moment)
        elif plain:
            runs.append(Run(scheduled, moment.due, moment))
        elif scheduled < draft.alike_until:
            draft.skip(scheduled, *draft.alike)
        else:
            draft.decide(moment)
        if scheduled <= now:
            past = len(runs)
        if not draft.ahead and runs:
            draft.ahead = runs[-1].run_at > now
    return draft.plan(examined_to, ended=True)


class _Draft:
    """A plan in the making. `until` is how long calendars that do not open are put up with."""

    def __init__(self, rules: Rules, after: datetime, until: datetime, work: int) -> None:
        self.rules = rules
        self.until = until
        self.work = Work(work)
        self.runs: list[Run] = []
        # Whether one of them lies ahead.
        self.ahead = False
        self._skips: list[list[Any]] = []
        # How many runs there were at the last skip: when there are as many now, it goes on.
        self._runs_then = -1
        self._taken: set[datetime] = set()
        # What follows until then goes as `alike` (cause and reason), without being looked at.
        self.alike_until = after
        self.alike = ("", "")
        # Whether nothing is open for a year, and until when a plan goes on nevertheless.
        self.shut = False
        self.shut_until = _later(until, DAY)

    def plan(
        self, examined_to: datetime, *, ended: bool = False, full: bool = False, shut: bool = False
    ) -> Plan:
        """Return the plan as it stands."""
        skips = tuple(Skip(*row) for row in self._skips)
        return Plan(
            runs=tuple(self.runs),
            skips=skips,
            examined_to=examined_to,
            ended=ended,
            full=full,
            shut=shut,
        )

    def skip(self, at: datetime, cause: str, why: str) -> None:
        """Add an occurrence that does not run, in a row with the one before if it can be."""
        if self._runs_then == len(self.runs) and self._skips[-1][3:] == [cause, why]:
            row = self._skips[-1]
            row[1] = at
            row[2] += 1
        else:
            self._skips.append([at, at, 1, cause, why])
            self._runs_then = len(self.runs)

    def decide(self, moment: Moment) -> None:
        """Add one moment, as a run or as a skip."""
        rules, at = self.rules, moment.scheduled
        recurrence = rules.recurrence
        notes = [reason(recurrence.occurrence(moment), recurrence.zone)] if moment.notes else []
        if not moment.runs:
            self.skip(at, "clock_change", notes[0] or "")
            return
        moved = rules.moved(moment, self.work)
        if moved is not None:
            if moved.instant is None:
                self._closed(moment, moved)
                return
            at = moved.instant
            if rules.born is not None and at <= rules.born:
                self.skip(moment.scheduled, "closed", _too_early(moved))
                return
            notes.append(f"Moved from {moment.nominal:%a %-d %b %H:%M}: {moved.reason}.")
        run_at = at + (moment.due - moment.scheduled)
        stop = rules.stop(at, self.work)
        if stop is not None:
            if stop.mode is WindowMode.SKIP:
                name = f"Maintenance window: {stop.window.name}."
                self.skip(moment.scheduled, "window", name)
                return
            run_at = rules.released(at, self.work)
            notes.append(f"Held by the maintenance window {stop.window.name}.")
        note = " ".join(filter(None, notes))[:LONGEST_NOTE] if notes else ""
        self._run(Run(at, run_at, moment, note))

    def _run(self, run: Run) -> None:
        rules, at = self.rules, run.occurrence_at
        self.shut = False
        if not rules.moves:
            self.runs.append(run)
            return
        if rules.on_closed is ClosedPolicy.NEXT_OPEN and at > run.named.scheduled:
            # All that is closed until then moves there, too.
            self.alike_until, self.alike = at, ("merged", MERGED)
        if at in self._taken:
            self.skip(run.named.scheduled, "merged", MERGED)
        else:
            self._taken.add(at)
            self.runs.append(run)

    def _closed(self, moment: Moment, moved: Moved) -> None:
        """Skip a moment that has no place, and what follows in the closed stretch with it."""
        assert self.rules.opening is not None
        at, why = moment.scheduled, moved.reason or ""
        self.skip(at, "closed", why)
        opens = self.rules.opening.open_from(at)
        if opens is None:
            self.work.spend(YEAR_OPENED)
            self.alike_until, self.alike = _later(at, YEAR), ("closed", why)
            self.shut = True
            return
        self.work.spend((opens - at).days * DAY_OPENED)
        if self.rules.on_closed is ClosedPolicy.SKIP:
            self.alike_until, self.alike, self.shut = opens, ("closed", why), False
        else:
            self.shut = not self.ahead and at > _later(self.until, YEAR)


def _too_early(moved: Moved) -> str:
    assert moved.local is not None
    return f"{moved.reason}; moved to {moved.local:%a %-d %b %H:%M}, before the template was made"


def _later(moment: datetime, span: timedelta) -> datetime:
    """Add, without leaving the calendar."""
    return moment + min(span, LAST - moment)
