"""What expanding one template comes to, before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from jobs.rows import Missed, NewOccurrence
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.expander.blueprint import Press
from templates_app.expander.due import DueTemplate
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
# More missed occurrences than this are counted in the next batch.
MOST_COUNTED = 50_000


@dataclass(kw_only=True)
class Outcome:
    """Jobs to create, occurrences that do not run, and where the template stands afterwards.

    `expanded_to` and `next_expansion_at` are naive UTC.
    """

    template: DueTemplate
    jobs: list[NewOccurrence] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    # Jobs that exist and were missed: skipped by reason, or let run after all.
    skip_jobs: dict[str, list[UUID]] = field(default_factory=dict)
    release_jobs: list[UUID] = field(default_factory=list)
    expanded_to: datetime | None = None
    next_expansion_at: datetime | None = None


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
    late: Sequence[Missed] = (),
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
        after = rules.looking_back(min([now, *(at - TICK for at in withdrawn)]))
        planned = plan(rules, after=after, until=until, now=now)
        runs = [run for run in planned.runs if run.run_at > now or run.occurrence_at in withdrawn]
        outcome.skips += [skip for skip in planned.skips if skip.last_at > now]
    else:
        assert template.expanded_to is not None
        after = naive(template.expanded_to)
        stale = now - max(template.misfire.window, template.misfire.grace)
        if after < stale and _count_stale(rules, outcome, after, stale):
            return outcome
        after = max(after, outcome.expanded_to or after)
        planned = plan(rules, after=after, until=until, now=now)
        runs = _judged(outcome, press, planned.runs, late, now)
        outcome.skips += planned.skips
    misfire = template.misfire
    outcome.jobs += [
        press.job(run, run_at=run.run_at, missed_at=misfire.missed_at(run.run_at)) for run in runs
    ]
    outcome.expanded_to = planned.examined_to
    outcome.next_expansion_at = _next(planned, now, horizon + rules.look_ahead)
    return outcome


def _count_stale(rules: Rules, outcome: Outcome, after: datetime, until: datetime) -> bool:
    """Count what was missed so long ago that no policy makes up for it; True when there is more."""
    first = last = None
    count = 0
    for moment in rules.recurrence.moments(after):
        if moment.scheduled > until or count == MOST_COUNTED:
            break
        first, last = first or moment.scheduled, moment.scheduled
        count += moment.runs
    if first is None or last is None:
        return False
    reason = "Missed in an outage, longer ago than the template makes up for."
    outcome.skips.append(Skip(first, last, max(count, 1), "missed", reason))
    outcome.expanded_to = last
    outcome.next_expansion_at = until
    return count == MOST_COUNTED


def _judged(
    outcome: Outcome, press: Press, runs: Sequence[Run], late: Sequence[Missed], now: datetime
) -> list[Run]:
    """Return the runs that were not missed; deal with the others, and with late jobs."""
    misfire = press.template.misfire
    on_time = [run for run in runs if not misfire.is_missed(run.run_at, now)]
    missed: list[tuple[datetime, Run | Missed]] = [
        (run.run_at, run) for run in runs if misfire.is_missed(run.run_at, now)
    ]
    missed += [(naive(job.scheduled_at), job) for job in late]
    missed.sort(key=lambda pair: pair[0])
    if missed:
        settle(outcome, press, missed, now=now, another_due=any(r.run_at <= now for r in on_time))
    return on_time


def settle(
    outcome: Outcome,
    press: Press | None,
    missed: Sequence[tuple[datetime, Run | Missed]],
    *,
    now: datetime,
    another_due: bool,
) -> None:
    """Apply the template's misfire policy to occurrences without a job and to late jobs."""
    verdict = judge(
        outcome.template.misfire, [at for at, _ in missed], now=now, another_due=another_due
    )
    for index, (at, one) in enumerate(missed):
        made_up = index in verdict.made_up
        if isinstance(one, Run):
            if made_up:
                assert press is not None
                outcome.jobs.append(press.job(one, run_at=at, missed_at=None))
            else:
                _skipped(outcome, one.named.scheduled, verdict.reason)
        elif made_up:
            outcome.release_jobs.append(one.job_id)
        else:
            outcome.skip_jobs.setdefault(verdict.reason, []).append(one.job_id)
            if one.occurrence_at is not None:
                _skipped(outcome, naive(one.occurrence_at), verdict.reason)


def _skipped(outcome: Outcome, at: datetime, reason: str) -> None:
    """Add to the last skip when it is of the same kind."""
    last = outcome.skips[-1] if outcome.skips else None
    if last is not None and (last.cause, last.reason) == ("missed", reason):
        outcome.skips[-1] = Skip(last.first_at, at, last.count + 1, "missed", reason)
    else:
        outcome.skips.append(Skip(at, at, 1, "missed", reason))


def _next(planned: Plan, now: datetime, lead: timedelta) -> datetime | None:
    """Return when to expand again; None when nothing follows."""
    if planned.ended:
        return None
    if planned.full:
        return now
    if planned.shut:
        return now + SHUT
    return max(planned.examined_to - lead, now + SOON)
