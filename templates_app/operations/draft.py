"""A template as somebody wants it: read from JSON, checked whole, not stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

from jobs.operations.blueprint import BLUEPRINT_FIELDS, Blueprint, read_blueprint
from jobs.operations.fields import FieldProblem, Fields, InvalidFields
from jobs.operations.limits import MAX_NAME
from jobs.operations.work import check_work
from templates_app.models import Misfire, OnClosed, Overlap, Template
from templates_app.models.template import DEFAULT_GRACE, DEFAULT_LIMIT, DEFAULT_WINDOW
from templates_app.operations.faults import placeholder_problems, recurrence_problem
from templates_app.operations.reading import read_calendar_ids, read_description
from templates_app.placeholders import Context, PlaceholderError, compile_payload
from templates_app.planning.rules import BACKWARDS
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import Recurrence
from tenants.models import Merchant

LONGEST_GRACE = 86_400  # seconds
LONGEST_WINDOW = 31 * 86_400  # seconds
MOST_MADE_UP = 10_000
# Whoever moves occurrences to an earlier day has them planned five weeks ahead.
LEAST_GAP = timedelta(hours=6)
GAPS_LOOKED_AT = 50

JOB_PART = tuple(name for name in BLUEPRINT_FIELDS if name != "name")
OWN_PART = (
    "name",
    "description",
    "recurrence",
    "avoid",
    "keep_to",
    "on_closed",
    "misfire",
    "misfire_grace",
    "misfire_window",
    "misfire_limit",
    "overlap",
    "active",
)
TEMPLATE_FIELDS = (*OWN_PART, *JOB_PART)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A template that may be stored: its columns, and its recurrence as a value."""

    columns: Mapping[str, Any]
    recurrence: Recurrence


def read_draft(data: Any, *, merchant: Merchant, template_id: UUID, now: datetime) -> Draft:
    """Return what a whole template's JSON asks for. Raises InvalidFields with every fault."""
    fields = Fields(data, TEMPLATE_FIELDS)
    columns = _own_columns(fields, merchant)
    recurrence = _recurrence(fields, template_id, now)
    blueprint = _blueprint(fields)
    if recurrence is not None and blueprint is not None:
        _check_payload(fields, blueprint, recurrence, merchant, template_id, now)
    if recurrence is not None and (columns["avoid"] or columns["keep_to"]):
        _refuse_dense_backwards(fields, columns["on_closed"], recurrence, now)
    fields.raise_problems()
    assert recurrence is not None
    assert blueprint is not None
    columns |= {name: getattr(blueprint, name) for name in JOB_PART}
    columns["recurrence"] = dict(recurrence.document)
    return Draft(columns=columns, recurrence=recurrence)


def document_of(template: Template) -> dict[str, Any]:
    """Return a stored template as the JSON that `read_draft` takes."""
    document = {name: getattr(template, name) for name in TEMPLATE_FIELDS}
    for name in ("avoid", "keep_to"):
        document[name] = [str(one) for one in document[name]]
    return document


def _own_columns(fields: Fields, merchant: Merchant) -> dict[str, Any]:
    name = fields.text("name", longest=MAX_NAME)
    if not name.strip():
        fields.refuse("name", "required", "is required: what do people call this template?")
    active = fields.data.get("active", True)
    if not isinstance(active, bool):
        fields.refuse("active", "wrong_type", "must be true or false.")
    return {
        "name": name,
        "description": read_description(fields),
        "avoid": read_calendar_ids(fields, "avoid", merchant),
        "keep_to": read_calendar_ids(fields, "keep_to", merchant),
        "on_closed": fields.choice("on_closed", OnClosed.SKIP, options=OnClosed.values),
        "misfire": fields.choice("misfire", Misfire.RUN_ONCE, options=Misfire.values),
        "misfire_grace": fields.integer(
            "misfire_grace", DEFAULT_GRACE, minimum=10, maximum=LONGEST_GRACE
        ),
        "misfire_window": fields.integer(
            "misfire_window", DEFAULT_WINDOW, minimum=60, maximum=LONGEST_WINDOW
        ),
        "misfire_limit": fields.integer(
            "misfire_limit", DEFAULT_LIMIT, minimum=1, maximum=MOST_MADE_UP
        ),
        "overlap": fields.choice("overlap", Overlap.ALLOW, options=Overlap.values),
        "active": active,
    }


def _recurrence(fields: Fields, template_id: UUID, now: datetime) -> Recurrence | None:
    document = fields.data.get("recurrence")
    if document is None:
        fields.refuse("recurrence", "required", "is required: when does it happen?")
        return None
    try:
        recurrence = parse(document, seed=str(template_id))
        if recurrence.next(now) is None:
            fields.refuse("recurrence", "ended", "has no occurrence in the future.")
    except RecurrenceError as error:
        fields.problems.append(recurrence_problem(error, document, f"{fields.pointer}/recurrence"))
        return None
    return recurrence


def _blueprint(fields: Fields) -> Blueprint | None:
    part = {name: fields.data[name] for name in JOB_PART if name in fields}
    try:
        return read_blueprint(part, pointer=fields.pointer)
    except InvalidFields as error:
        fields.problems += error.problems
        return None


def _check_payload(
    fields: Fields,
    blueprint: Blueprint,
    recurrence: Recurrence,
    merchant: Merchant,
    template_id: UUID,
    now: datetime,
) -> None:
    """Fill in the placeholders for the next occurrence and see whether the kind takes that."""
    upcoming = recurrence.next(now)
    moment = upcoming.scheduled if upcoming is not None else now
    sample = Context(
        occurrence=moment,
        planned=moment,
        previous_occurrence=None,
        template_id=str(template_id),
        template_name=str(fields.data.get("name", "")),
        merchant_slug=merchant.slug,
        merchant_name=merchant.name,
        timezone=recurrence.zone.name,
    )
    try:
        payload = compile_payload(blueprint.payload).render(sample)
    except PlaceholderError as error:
        fields.problems += placeholder_problems(error, f"{fields.pointer}/payload")
        return
    check_work(blueprint.kind, payload, fields)


def _refuse_dense_backwards(
    fields: Fields, on_closed: str, recurrence: Recurrence, now: datetime
) -> None:
    if on_closed not in BACKWARDS:
        return
    found = [one.scheduled for one in islice(recurrence.occurrences(now), GAPS_LOOKED_AT)]
    if any(later - earlier < LEAST_GAP for earlier, later in pairwise(found)):
        fields.problems.append(
            FieldProblem(
                f"{fields.pointer}/on_closed",
                "too_dense",
                f'"on_closed" can be {on_closed} only when six hours or more lie between '
                "occurrences; use next_open, next_business_day or skip.",
            )
        )
