"""What a template will do: its next occurrences, and what an edit would change."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobs.operations.fields import Fields, InvalidFields
from templates_app.calendars.cautions import beyond_data
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.expander.batch import read_these
from templates_app.expander.outcome import rules_of
from templates_app.expander.surroundings import look_around, read_calendars
from templates_app.models import OnClosed, Template
from templates_app.operations.faults import recurrence_problem
from templates_app.operations.reading import read_calendar_ids
from templates_app.operations.templates import TemplateGone, read_edit
from templates_app.planning.plan import Plan, Run, Skip, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive
from templates_app.recurrence.describe import sentence
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import END
from tenants.models import Merchant

MOST_PREVIEWED = 1_000
DEFAULT_PREVIEWED = 20
EDIT_HORIZON = timedelta(days=30)
MOST_COMPARED = 1_000


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Runs and skips to come, in order; times are naive UTC, `rules.recurrence.zone` is the zone."""

    sentence: str
    cautions: tuple[Caution, ...]
    rules: Rules
    runs: tuple[Run, ...]
    skips: tuple[Skip, ...]
    ended: bool


@dataclass(frozen=True, kw_only=True)
class EditPreview:
    """What an edit changes within the horizon: each list is sorted; moved pairs are old and new."""

    rules: Rules
    added: tuple[Run, ...]
    removed: tuple[Run, ...]
    moved: tuple[tuple[Run, Run], ...]
    kept: int
    until: datetime
    complete: bool


def preview_template(template: Template, *, count: int, start: datetime) -> Preview:
    """Return the next runs of a stored template. Raises TemplateGone."""
    rules, phrases = _stored_rules(template, start)
    return _preview(rules, phrases, count, start)


def preview_draft(data: Any, *, merchant: Merchant, now: datetime) -> Preview:
    """Return the next runs of a schedule that is not stored. Raises InvalidFields."""
    fields = Fields(data, ("recurrence", "avoid", "keep_to", "on_closed", "count", "from"))
    count = fields.integer("count", DEFAULT_PREVIEWED, minimum=1, maximum=MOST_PREVIEWED)
    start = fields.moment("from") or now
    on_closed = fields.choice("on_closed", OnClosed.SKIP, options=OnClosed.values)
    avoid = read_calendar_ids(fields, "avoid", merchant)
    keep_to = read_calendar_ids(fields, "keep_to", merchant)
    document = fields.data.get("recurrence")
    if document is None:
        fields.refuse("recurrence", "required", "is required: when does it happen?")
    fields.raise_problems()
    try:
        rules, phrases = _draft_rules(document, avoid, keep_to, on_closed)
        return _preview(rules, phrases, count, start)
    except RecurrenceError as error:
        raise InvalidFields([recurrence_problem(error, document, "/recurrence")]) from error


def preview_edit(template: Template, data: Any, *, now: datetime) -> EditPreview:
    """Return which runs of the next 30 days an edit adds, removes and moves; nothing is stored.

    Raises InvalidFields, TemplateGone.
    """
    draft = read_edit(template, data, now=now)
    before, _ = _stored_rules(template, now)
    columns = draft.columns
    after, _ = _draft_rules(
        dict(draft.recurrence.document),
        columns["avoid"],
        columns["keep_to"],
        columns["on_closed"],
        seed=str(template.id),
    )
    after = Rules(
        recurrence=after.recurrence,
        seed=before.seed,
        opening=after.opening,
        on_closed=after.on_closed,
        windows=before.windows,
    )
    going, will_go = template.state == "active", bool(columns["active"]) and not template.paused_at
    until = naive(now) + EDIT_HORIZON
    old = _upcoming(before, naive(now), until) if going else _nothing(now)
    new = _upcoming(after, naive(now), until) if will_go else _nothing(now)
    return _compared(after, old, new, until)


def _compared(rules: Rules, old: Plan, new: Plan, until: datetime) -> EditPreview:
    # Beyond what either plan reached nothing can be compared.
    reached = min([until, *(one.examined_to for one in (old, new) if one.full)])
    before = {run.named.scheduled: run for run in old.runs if run.run_at <= reached}
    after = {run.named.scheduled: run for run in new.runs if run.run_at <= reached}
    both = [(before[at], after[at]) for at in sorted(before.keys() & after.keys())]
    return EditPreview(
        rules=rules,
        added=tuple(after[at] for at in sorted(after.keys() - before.keys())),
        removed=tuple(before[at] for at in sorted(before.keys() - after.keys())),
        moved=tuple(pair for pair in both if pair[0].run_at != pair[1].run_at),
        kept=sum(1 for pair in both if pair[0].run_at == pair[1].run_at),
        until=reached,
        complete=reached == until,
    )


def _preview(rules: Rules, phrases: "_Phrases", count: int, start: datetime) -> Preview:
    after = naive(start)
    planned = plan(rules, after=after, until=END, now=after, most=count)
    runs = sorted(planned.runs, key=lambda run: run.run_at)[:count]
    return Preview(
        sentence=sentence(
            rules.recurrence.document, phrases.avoid, phrases.keep_to, rules.on_closed.value
        ),
        cautions=(*rules.recurrence.cautions, *_beyond_known_holidays(rules, runs)),
        rules=rules,
        runs=tuple(runs),
        skips=planned.skips,
        ended=planned.ended,
    )


def _beyond_known_holidays(rules: Rules, runs: list[Run]) -> tuple[Caution, ...]:
    if rules.opening is None or not runs:
        return ()
    calendars = (*rules.opening.avoid, *rules.opening.keep_to)
    return beyond_data((one.definition for one in calendars), runs[-1].run_at.year)


def _upcoming(rules: Rules, now: datetime, until: datetime) -> Plan:
    return plan(rules, after=now, until=until, now=now, most=MOST_COMPARED)


def _nothing(now: datetime) -> Plan:
    return Plan(runs=(), skips=(), examined_to=naive(now))


@dataclass(frozen=True)
class _Phrases:
    avoid: tuple[str, ...]
    keep_to: tuple[str, ...]


def _stored_rules(template: Template, start: datetime) -> tuple[Rules, _Phrases]:
    rows = read_these([template.id])
    if template.id not in rows:
        raise TemplateGone("The template was deleted.")
    row = rows[template.id]
    around = look_around([row], start)
    phrases = _Phrases(
        tuple(one.describe() for one in around.calendars_of(row.avoid)),
        tuple(one.describe() for one in around.calendars_of(row.keep_to)),
    )
    return rules_of(row, around), phrases


def _draft_rules(
    document: Any, avoid: list[UUID], keep_to: list[UUID], on_closed: str, *, seed: str = ""
) -> tuple[Rules, _Phrases]:
    recurrence = parse(document, seed=seed)
    calendars = read_calendars({*avoid, *keep_to})
    avoided = tuple(calendars[one] for one in avoid if one in calendars)
    kept_to = tuple(calendars[one] for one in keep_to if one in calendars)
    rules = Rules(
        recurrence=recurrence,
        seed=seed,
        opening=opening(avoided, kept_to, recurrence.zone) if avoided or kept_to else None,
        on_closed=ClosedPolicy(on_closed),
    )
    phrases = _Phrases(
        tuple(one.describe() for one in avoided), tuple(one.describe() for one in kept_to)
    )
    return rules, phrases
