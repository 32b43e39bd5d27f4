"""Planning a template again while its last plan still stands: nothing is forgotten, nothing doubled.

Three sorts of occurrences are planned, all by the rules of now: those of the last plan that were
withdrawn although they were due or their moment has passed, those that nobody had planned yet, and
those to come. What ran, and what has its row, is done with. All times are naive UTC.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from templates_app.expander.due import DueTemplate
from templates_app.expander.part import part_of
from templates_app.expander.rows import CHANGED, Told
from templates_app.planning.plan import MERGED, Plan, Run, Skip, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive

TICK = timedelta(microseconds=1)


@dataclass(kw_only=True)
class Afresh:
    """`ahead` is what was planned from now on; the rest is what becomes of the time before.

    `kept`: runs at the place of a withdrawn job, or still to come. `overdue`: runs whose time has
    passed without a job. `told`: withdrawn occurrences that do not run.
    """

    ahead: Plan
    kept: list[Run] = field(default_factory=list)
    overdue: list[Run] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    # Up to where one part was not planned whole, and its end.
    unplanned: list[tuple[datetime, datetime]] = field(default_factory=list)


def undecided(template: DueTemplate, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the stretches after each first moment that no plan has decided on, up to the second.

    The last one goes on into the future. What falls into a pause is in none; a new template has no
    past.
    """
    expanded_to = None if template.expanded_to is None else naive(template.expanded_to)
    if template.paused_at is None or template.resume_at is None:
        if expanded_to is None or (template.is_fresh() and expanded_to > now):
            return [(now, now)]
        return [(expanded_to, now)]
    paused_at, resume_at = naive(template.paused_at), naive(template.resume_at)
    last = (min(resume_at, now) - TICK, now)
    if expanded_to is None or expanded_to >= paused_at:
        return [last]
    # It could not be expanded before it was paused.
    return [(expanded_to, min(paused_at, last[0])), last]


def named_by_jobs(
    template: DueTemplate, occurrences: Collection[datetime], now: datetime
) -> dict[datetime, datetime]:
    """Return which moments the jobs were made for that are due or whose moment has passed."""
    nominal = {at: moment for moment, at in template.moved.items()}
    named = {nominal.get(at, at): at for at in occurrences}
    return {moment: at for moment, at in sorted(named.items()) if min(moment, at) <= now}


def plan_afresh(
    template: DueTemplate,
    rules: Rules,
    *,
    parts: list[tuple[datetime, datetime]],
    withdrawn: Collection[datetime],
    now: datetime,
    until: datetime,
) -> Afresh:
    """Plan `parts` of the past (see `undecided`), the withdrawn occurrences, and up to `until`.

    Raises RecurrenceError.
    """
    *earlier, (after, _) = parts
    named = named_by_jobs(template, withdrawn, now)
    # Run before its moment, because a calendar had moved it there.
    done = {
        moment
        for moment, at in template.moved.items()
        if at <= now < moment and at not in withdrawn
    }
    pieces: list[tuple[Told | None, Plan]] = []
    for moment, at in named.items():
        if moment <= after or not _names(rules, moment):
            one = Told(moment=moment, at=moment if at > now else at, **CHANGED)
            pieces.append((one, _piece(rules, moment - TICK, moment)))
    pieces += [(None, _piece(rules, start, end)) for start, end in earlier if start < end]
    ahead = plan(part_of(rules, done=done), after=after, until=until, now=now)
    result = Afresh(ahead=ahead)
    taken: set[datetime] = set()
    for told, piece in [*pieces, (None, ahead)]:
        if told is not None and not (piece.runs or piece.skips):
            result.told.append(told)
        result.skips += piece.skips
        if piece.full and piece is not ahead:
            end = next(end for start, end in earlier if start <= piece.examined_to <= end)
            result.unplanned.append((piece.examined_to, end))
        for run in piece.runs:
            if run.occurrence_at in taken:
                at = run.named.scheduled
                result.skips.append(Skip(at, at, 1, "merged", MERGED))
                continue
            taken.add(run.occurrence_at)
            in_place = run.run_at > now or run.occurrence_at in withdrawn
            (result.kept if in_place else result.overdue).append(run)
    return result


def moved_since(
    template: DueTemplate, withdrawn: Collection[datetime], now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what of the template's `moved` still tells something after a fresh plan.

    A job to come that was not withdrawn was taken away before, by a pause or a person.
    """
    for moment, at in template.moved.items():
        if at <= now and at not in withdrawn:
            yield moment, at


def _piece(rules: Rules, after: datetime, until: datetime) -> Plan:
    return plan(part_of(rules, until=until), after=after, until=until, now=until)


def _names(rules: Rules, moment: datetime) -> bool:
    found = next(rules.recurrence.moments(moment - TICK), None)
    return found is not None and found.scheduled == moment
