"""What expanding one template comes to, before anything is written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from jobs.occurrence_rows import NewOccurrence
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.expander.afresh import moved_since, plan_afresh, undecided
from templates_app.expander.blueprint import Press
from templates_app.expander.due import DueTemplate
from templates_app.expander.late_jobs import NONE_DUE, DueJobs, LateJob
from templates_app.expander.rows import in_rows
from templates_app.expander.surroundings import Surroundings
from templates_app.expander.too_late import TOO_LONG_AGO, TOO_MANY, count_missed
from templates_app.expansion import Expansion
from templates_app.planning.misfires import judge
from templates_app.planning.plan import MERGED, Plan, Run, Skip, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive
from templates_app.recurrence.parse import parse_stored

SOON = timedelta(seconds=1)
# Nothing is open for a year: look again this much later, in case a calendar was changed by its
# library.
SHUT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A missed occurrence that is not made up for (naive UTC), and its job if there is one."""

    at: datetime
    reason: str
    job_id: UUID | None


@dataclass(kw_only=True)
class Outcome:
    """Jobs to create, occurrences that do not run, and where the template stands afterwards.

    All times are naive UTC.
    """

    template: DueTemplate
    jobs: list[NewOccurrence] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    # Late jobs that run after all.
    release_jobs: list[UUID] = field(default_factory=list)
    # New jobs by id, each with the moment that its recurrence names. One that cannot be stored
    # because its place is taken was merged into the job of an earlier batch.
    may_merge: dict[UUID, datetime] = field(default_factory=dict)
    # New jobs by id that calendars moved: the moment that is named, and `occurrence_at`.
    may_move: dict[UUID, tuple[datetime, datetime]] = field(default_factory=dict)
    # What the template is to remember of earlier ones.
    moved: dict[datetime, datetime] = field(default_factory=dict)
    expanded_to: datetime | None = None
    next_expansion_at: datetime | None = None

    def add(self, job: NewOccurrence, run: Run) -> None:
        """Have a run become this job."""
        self.jobs.append(job)
        if run.occurrence_at != run.named.scheduled:
            self.may_move[job.id] = (run.named.scheduled, run.occurrence_at)

    def note_created(self, created: Collection[UUID]) -> None:
        """Remember what was moved; whatever found its place taken was merged."""
        for job_id, (moment, at) in self.may_move.items():
            if job_id in created:
                self.moved[moment] = at
        for job_id, moment in self.may_merge.items():
            if job_id not in created:
                self.skips.append(Skip(moment, moment, 1, "merged", MERGED))

    def note_missed(self, done: Collection[UUID]) -> None:
        """Turn `missed` into skips; of those with jobs, the ones whose job was skipped (`done`)."""
        row: Skip | None = None
        for one in self.missed:
            if one.job_id is not None and one.job_id not in done:
                continue
            if row is not None and row.reason == one.reason:
                row = Skip(row.first_at, one.at, row.count + 1, "missed", row.reason)
                self.skips[-1] = row
            else:
                row = Skip(one.at, one.at, 1, "missed", one.reason)
                self.skips.append(row)


def rules_of(template: DueTemplate, around: Surroundings) -> Rules:
    """Return what decides over the template's occurrences."""
    seed = str(template.id)
    recurrence = parse_stored(template.recurrence, seed=seed)
    avoid = around.calendars_of(template.avoid) if template.avoid else ()
    keep_to = around.calendars_of(template.keep_to) if template.keep_to else ()
    return Rules(
        recurrence=recurrence,
        seed=seed,
        opening=opening(avoid, keep_to, recurrence.zone) if avoid or keep_to else None,
        on_closed=ClosedPolicy(template.on_closed),
        windows=around.book_for(template),
        born=naive(template.created_at),
    )


def outcome_of(
    template: DueTemplate,
    around: Surroundings,
    *,
    now: datetime,
    expansion: Expansion,
    withdrawn: frozenset[datetime] = frozenset(),
    due_jobs: DueJobs = NONE_DUE,
) -> Outcome:
    """Plan one template. `now` is naive UTC; so are `withdrawn`, the occurrences of deleted plans.

    Raises RecurrenceError, PlaceholderError, InvalidPayload, UnknownKind.
    """
    rules = rules_of(template, around)
    outcome = Outcome(template=template)
    press = Press(template, rules.recurrence)
    horizon = timedelta(seconds=expansion.horizon)
    until = now + 2 * horizon + rules.look_ahead
    parts = _within_reach(outcome, rules, undecided(template, now), now)
    if template.is_fresh():
        planned, runs = _afresh(outcome, press, rules, parts, withdrawn, due_jobs, now, until)
    else:
        planned = plan(rules, after=parts[-1][0], until=until, now=now)
        reached = planned.examined_to if planned.full else None
        runs = _judged(outcome, press, planned.runs, due_jobs, now, reached)
        outcome.skips += planned.skips
        outcome.moved |= template.moved
    _press(outcome, press, rules, runs, withdrawn, due_jobs, now)
    outcome.expanded_to = planned.examined_to
    outcome.next_expansion_at = _next(planned, now, horizon + rules.look_ahead)
    return outcome


def _afresh(
    outcome: Outcome,
    press: Press,
    rules: Rules,
    parts: list[tuple[datetime, datetime]],
    withdrawn: frozenset[datetime],
    due_jobs: DueJobs,
    now: datetime,
    until: datetime,
) -> tuple[Plan, list[Run]]:
    template = outcome.template
    afresh = plan_afresh(template, rules, parts=parts, withdrawn=withdrawn, now=now, until=until)
    ahead = afresh.ahead
    # Late jobs that were withdrawn come back as they were; who settles late jobs decides on them.
    beside = DueJobs(in_time=due_jobs.in_time)
    reached = ahead.examined_to if ahead.full else None
    on_time = _judged(outcome, press, afresh.overdue, beside, now, reached)
    outcome.skips += afresh.skips + in_rows(template, afresh.told)
    for after, end in afresh.unplanned:
        _count(outcome, rules, after, end, TOO_MANY)
    outcome.moved |= moved_since(template, withdrawn, now)
    return ahead, afresh.kept + on_time


def _within_reach(
    outcome: Outcome, rules: Rules, parts: list[tuple[datetime, datetime]], now: datetime
) -> list[tuple[datetime, datetime]]:
    """Count what lies too far back; return the rest."""
    misfire = outcome.template.misfire
    stale = now - max(misfire.window, misfire.grace)
    if any(after < stale for after, _ in parts):
        # Of an old moment the run may still lie ahead: held by a window, or moved by a calendar.
        stale = min(stale, rules.looking_back(now))
    for after, until in parts:
        if after < stale:
            _count(outcome, rules, after, min(stale, until), TOO_LONG_AGO)
    return [(max(after, min(stale, until)), until) for after, until in parts]


def _count(outcome: Outcome, rules: Rules, after: datetime, until: datetime, reason: str) -> None:
    row = count_missed(rules.recurrence, after, until, reason)
    if row is not None:
        outcome.skips.append(row)


def _press(
    outcome: Outcome,
    press: Press,
    rules: Rules,
    runs: Sequence[Run],
    withdrawn: Collection[datetime],
    due_jobs: DueJobs,
    now: datetime,
) -> None:
    template = outcome.template
    fresh = template.is_fresh()
    # What a policy has released runs, whatever a later one would say: its grace begins anew.
    late = {naive(job.occurrence_at) for job in due_jobs.late if not job.released}
    for run in runs:
        # What a window held until it was deleted is not late: its grace begins now.
        was_held = fresh and run.occurrence_at not in late
        due = max(run.run_at, now) if was_held else run.run_at
        job = press.job(run, run_at=run.run_at, missed_at=template.misfire.missed_at(due))
        outcome.add(job, run)
        named, at = run.named.scheduled, run.occurrence_at
        if fresh:
            # One that a person cancelled at its place was not merged.
            elsewhere = at not in (named, template.moved.get(named)) and at not in withdrawn
        else:
            elsewhere = rules.moves and run.run_at > now
        if elsewhere:
            outcome.may_merge[job.id] = named


def _judged(
    outcome: Outcome,
    press: Press,
    runs: Sequence[Run],
    due_jobs: DueJobs,
    now: datetime,
    reached: datetime | None,
) -> list[Run]:
    """Return the runs that were not missed; deal with the others, and with late jobs."""
    misfire = press.template.misfire
    on_time: list[Run] = []
    missed: list[tuple[datetime, Run | LateJob]] = []
    for run in runs:
        if misfire.is_missed(run.run_at, now):
            missed.append((run.run_at, run))
        else:
            on_time.append(run)
    missed += [(naive(job.scheduled_at), job) for job in due_jobs.late]
    if not missed:
        return on_time
    missed.sort(key=lambda pair: pair[0])
    in_time = due_jobs.in_time or any(run.run_at <= now for run in on_time)
    settle(outcome, press, missed, now=now, another_due=in_time, reached=reached)
    return on_time


def settle(
    outcome: Outcome,
    press: Press | None,
    missed: Sequence[tuple[datetime, Run | LateJob]],
    *,
    now: datetime,
    another_due: bool,
    reached: datetime | None = None,
) -> None:
    """Apply the template's misfire policy to occurrences without a job and to late jobs.

    A plan that had to stop at `reached`, before the grace: what follows was missed as well, and the
    policies make up for the latest, so for none of these.
    """
    misfire = outcome.template.misfire
    verdict = judge(misfire, [at for at, _ in missed], now=now, another_due=another_due)
    stopped = reached is not None and misfire.is_missed(reached, now)
    chosen = frozenset() if stopped else verdict.made_up
    for index, (at, one) in enumerate(missed):
        made_up = index in chosen
        if isinstance(one, LateJob):
            if not made_up:
                outcome.missed.append(
                    Missed(at=naive(one.occurrence_at), reason=verdict.reason, job_id=one.job_id)
                )
            elif not one.released:
                outcome.release_jobs.append(one.job_id)
        elif made_up:
            assert press is not None
            outcome.add(press.job(one, run_at=at, missed_at=None), one)
        else:
            outcome.missed.append(Missed(at=one.occurrence_at, reason=verdict.reason, job_id=None))


def _next(planned: Plan, now: datetime, lead: timedelta) -> datetime | None:
    """Return when to expand again; None when nothing follows."""
    if planned.full:
        return now
    if planned.shut:
        return now + SHUT
    if planned.ended:
        # It has not ended before its last run is due: until then a new calendar or window counts.
        last = max([planned.examined_to, *(run.run_at for run in planned.runs)])
        return last if last > now else None
    return max(planned.examined_to - lead, now + SOON)
