"""What expanding one template comes to, before anything is written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from jobs.rows import NewOccurrence
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.expander.blueprint import Press
from templates_app.expander.due import DueTemplate
from templates_app.expander.late_jobs import NONE_DUE, DueJobs, LateJob
from templates_app.expander.surroundings import Surroundings
from templates_app.expansion import Expansion
from templates_app.planning.misfires import judge
from templates_app.planning.plan import Plan, Run, Skip, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive
from templates_app.recurrence.parse import parse_stored

SOON = timedelta(seconds=1)
# Nothing is open for a year: look again this much later, in case a calendar was changed by its
# library.
SHUT = timedelta(days=1)
TICK = timedelta(microseconds=1)
# Occurrences that were missed too long ago are counted so far.
MOST_COUNTED = 50_000
TOO_LONG_AGO = "Missed in an outage, longer ago than the template makes up for."
UNCOUNTED = f"{TOO_LONG_AGO} Only the first {MOST_COUNTED:,} were counted."


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A missed occurrence that is not made up for (naive UTC), and its job if there is one."""

    at: datetime
    reason: str
    job_id: UUID | None


@dataclass(kw_only=True)
class Outcome:
    """Jobs to create, occurrences that do not run, and where the template stands afterwards.

    `expanded_to` and `next_expansion_at` are naive UTC.
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
    expanded_to: datetime | None = None
    next_expansion_at: datetime | None = None

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
    avoid = around.calendars_of(template.avoid)
    keep_to = around.calendars_of(template.keep_to)
    return Rules(
        recurrence=recurrence,
        seed=seed,
        opening=opening(avoid, keep_to, recurrence.zone) if avoid or keep_to else None,
        on_closed=ClosedPolicy(template.on_closed),
        windows=around.book_for(template),
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
    if template.is_fresh():
        overdue = _overdue_since(template, rules, outcome, now)
        after = min(_since(template, rules, now, withdrawn), overdue)
        planned = plan(rules, after=after, until=until, now=now)
        runs = [run for run in planned.runs if run.run_at > now or run.occurrence_at in withdrawn]
        left = {run.occurrence_at for run in runs}
        missed = [
            run
            for run in planned.runs
            if run.named.scheduled > overdue and run.occurrence_at not in left
        ]
        # Those that are due within their grace are planned as they stand.
        runs += _judged(outcome, press, replace(planned, runs=tuple(missed)), NONE_DUE, now)
        outcome.skips += [skip for skip in planned.skips if skip.last_at > overdue]
    else:
        after = _overdue_since(template, rules, outcome, now)
        planned = plan(rules, after=after, until=until, now=now)
        runs = _judged(outcome, press, planned, due_jobs, now)
        outcome.skips += planned.skips
    _press(outcome, press, rules, runs, due_jobs, now)
    outcome.expanded_to = planned.examined_to
    outcome.next_expansion_at = _next(planned, now, horizon + rules.look_ahead)
    return outcome


def _overdue_since(
    template: DueTemplate, rules: Rules, outcome: Outcome, now: datetime
) -> datetime:
    """Return from when on nothing has been decided yet; what lies too far back is counted here.

    A new template has no past, and what fell into a pause is not made up for.
    """
    if template.expanded_to is None or template.paused_at is not None:
        return now
    after = naive(template.expanded_to)
    if template.is_fresh():
        after = min(after, now)
    stale = now - max(template.misfire.window, template.misfire.grace)
    if after < stale:
        _count_stale(rules, outcome, after, stale)
        return stale
    return after


def _since(
    template: DueTemplate, rules: Rules, now: datetime, withdrawn: Collection[datetime]
) -> datetime:
    if template.expanded_to is None:
        # It is new: what lies before it is not its own.
        return now
    return rules.looking_back(min([now, *(at - TICK for at in withdrawn)]))


def _press(
    outcome: Outcome,
    press: Press,
    rules: Rules,
    runs: Sequence[Run],
    due_jobs: DueJobs,
    now: datetime,
) -> None:
    misfire = outcome.template.misfire
    fresh = outcome.template.is_fresh()
    late = {naive(job.occurrence_at) for job in due_jobs.late}
    for run in runs:
        # What a window held until it was deleted is not late: its grace begins now.
        was_held = fresh and run.occurrence_at not in late
        due = max(run.run_at, now) if was_held else run.run_at
        job = press.job(run, run_at=run.run_at, missed_at=misfire.missed_at(due))
        outcome.jobs.append(job)
        if rules.moves and run.run_at > now and not fresh:
            outcome.may_merge[job.id] = run.named.scheduled


def _count_stale(rules: Rules, outcome: Outcome, after: datetime, until: datetime) -> None:
    """Count what was missed so long ago that no policy makes up for it."""
    first = last = None
    count = 0
    reason = TOO_LONG_AGO
    for moment in rules.recurrence.moments(after):
        if moment.scheduled > until:
            break
        first, last = first or moment.scheduled, moment.scheduled
        count += moment.runs
        if count == MOST_COUNTED:
            last, reason = until, UNCOUNTED
            break
    if first is not None and last is not None:
        outcome.skips.append(Skip(first, last, max(count, 1), "missed", reason))


def _judged(
    outcome: Outcome, press: Press, planned: Plan, due_jobs: DueJobs, now: datetime
) -> list[Run]:
    """Return the runs that were not missed; deal with the others, and with late jobs."""
    misfire = press.template.misfire
    on_time = [run for run in planned.runs if not misfire.is_missed(run.run_at, now)]
    missed: list[tuple[datetime, Run | LateJob]] = [
        (run.run_at, run) for run in planned.runs if misfire.is_missed(run.run_at, now)
    ]
    missed += [(naive(job.scheduled_at), job) for job in due_jobs.late]
    missed.sort(key=lambda pair: pair[0])
    in_time = due_jobs.in_time or any(run.run_at <= now for run in on_time)
    reached = planned.examined_to if planned.full else None
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
            outcome.jobs.append(press.job(one, run_at=at, missed_at=None))
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
