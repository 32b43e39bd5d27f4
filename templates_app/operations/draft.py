"""A template as somebody wants it: read from JSON, checked, not stored."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

from jobs.masking import restored
from jobs.operations.fields import FieldProblem, Fields
from jobs.operations.limits import MAX_NAME
from templates_app.models import Misfire, OnClosed, Overlap, Template
from templates_app.models.template import DEFAULT_GRACE, DEFAULT_LIMIT, DEFAULT_WINDOW
from templates_app.operations.faults import recurrence_problem
from templates_app.operations.job_part import JOB_PART, WORK, check_payload, read_job_part
from templates_app.operations.reading import read_calendar_ids, read_description
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

MISFIRE_TIMES = frozenset({"misfire_window", "misfire_grace"})
SCHEDULE = frozenset({"recurrence", "avoid", "keep_to", "on_closed"})


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A template that may be stored: its columns."""

    columns: Mapping[str, Any]


def read_draft(data: Any, *, merchant: Merchant, template_id: UUID, now: datetime) -> Draft:
    """Return what a whole template's JSON asks for. Raises InvalidFields with every fault."""
    fields = Fields(data, TEMPLATE_FIELDS)
    columns = read_columns(
        fields, TEMPLATE_FIELDS, merchant=merchant, template_id=template_id, now=now
    )
    _refuse_ended(fields, columns, str(template_id), now)
    fields.raise_problems()
    return Draft(columns=columns)


def read_change(template: Template, data: Any, *, now: datetime) -> Draft:
    """Return a stored template as it would be with this change. Raises InvalidFields.

    Only what `data` names is checked, and what depends on that: whatever has become of the rest, a
    template can be renamed and switched off.
    """
    fields = Fields(data, TEMPLATE_FIELDS)
    if not fields.problems and not fields.data:
        fields.refuse(None, "nothing_to_change", "names nothing to change.")
    fields.raise_problems()
    named = set(fields.data)
    merged = document_of(template) | dict(fields.data)
    if "payload" in named:
        merged["payload"] = restored(fields.data["payload"], template.payload)
    if named & WORK:
        named |= WORK
    whole = Fields(merged, TEMPLATE_FIELDS)
    read = read_columns(whole, named, merchant=template.merchant, template_id=template.id, now=now)
    if "recurrence" in named:
        _refuse_ended(whole, read, str(template.id), now)
    whole.raise_problems()
    stored = {name: getattr(template, name) for name in TEMPLATE_FIELDS}
    return Draft(columns=stored | read)


def document_of(template: Template) -> dict[str, Any]:
    """Return a stored template as the JSON that `read_draft` takes."""
    document = {name: getattr(template, name) for name in TEMPLATE_FIELDS}
    for name in ("avoid", "keep_to"):
        document[name] = [str(one) for one in document[name]]
    return document


def read_columns(
    fields: Fields,
    named: Collection[str],
    *,
    merchant: Merchant,
    template_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """Return the named columns of a template, checked; what is wrong is added to `fields`.

    Others of the fields are looked at only where a named one must fit them.
    """
    named = set(named)
    columns = {name: read(fields, merchant) for name, read in OWN_PART.items() if name in named}
    columns |= read_job_part(fields, named)
    if named & MISFIRE_TIMES:
        _refuse_short_window(fields, named)
    recurrence = None
    if "recurrence" in named:
        recurrence = _recurrence(fields, str(template_id))
        columns["recurrence"] = dict(recurrence.document) if recurrence else {}
        if recurrence is None:
            return columns
    elif named & (SCHEDULE | WORK):
        recurrence = _stored_recurrence(fields, str(template_id))
    if named & (WORK | {"recurrence"}) and _work_is_sound(fields):
        check_payload(fields, recurrence, merchant=merchant, template_id=template_id, now=now)
    if recurrence is not None and named & SCHEDULE:
        _refuse_dense_backwards(fields, recurrence, now)
    return columns


def _work_is_sound(fields: Fields) -> bool:
    """Whether there is a kind with a payload, and nothing was said against them so far."""
    return fields.data.keys() >= WORK and not any(_refused(fields, name) for name in WORK)


def _name(fields: Fields, _merchant: Merchant) -> str:
    name = fields.text("name", longest=MAX_NAME)
    if not name.strip() and not _refused(fields, "name"):
        fields.refuse("name", "required", "is required: what do people call this template?")
    return name


def _description(fields: Fields, _merchant: Merchant) -> str:
    value = fields.data.get("description", "")
    if isinstance(value, str):
        return read_description(fields)
    fields.refuse("description", "wrong_type", 'must be a text; send "" for none.')
    return ""


def _active(fields: Fields, _merchant: Merchant) -> bool:
    active = fields.data.get("active", True)
    if not isinstance(active, bool):
        fields.refuse("active", "wrong_type", "must be true or false.")
    return bool(active)


def _grace(fields: Fields, _merchant: Merchant | None = None) -> int:
    return fields.integer("misfire_grace", DEFAULT_GRACE, minimum=10, maximum=LONGEST_GRACE)


def _window(fields: Fields, _merchant: Merchant | None = None) -> int:
    return fields.integer("misfire_window", DEFAULT_WINDOW, minimum=60, maximum=LONGEST_WINDOW)


# Readers of the fields that need no other field; each returns the default when it is absent.
OWN_PART: dict[str, Callable[[Fields, Merchant], Any]] = {
    "name": _name,
    "description": _description,
    "avoid": lambda fields, merchant: read_calendar_ids(fields, "avoid", merchant),
    "keep_to": lambda fields, merchant: read_calendar_ids(fields, "keep_to", merchant),
    "on_closed": lambda fields, _: fields.choice(
        "on_closed", OnClosed.SKIP, options=OnClosed.values
    ),
    "misfire": lambda fields, _: fields.choice("misfire", Misfire.RUN_ONCE, options=Misfire.values),
    "misfire_grace": _grace,
    "misfire_window": _window,
    "misfire_limit": lambda fields, _: fields.integer(
        "misfire_limit", DEFAULT_LIMIT, minimum=1, maximum=MOST_MADE_UP
    ),
    "overlap": lambda fields, _: fields.choice("overlap", Overlap.ALLOW, options=Overlap.values),
    "active": _active,
}
TEMPLATE_FIELDS = tuple(dict.fromkeys(("name", "description", "recurrence", *OWN_PART, *JOB_PART)))


def _refuse_short_window(fields: Fields, named: Collection[str]) -> None:
    """Refuse a window in which nothing that was missed could lie."""
    if any(_refused(fields, name) for name in MISFIRE_TIMES):
        return
    grace = fields.data.get("misfire_grace", DEFAULT_GRACE)
    window = fields.data.get("misfire_window", DEFAULT_WINDOW)
    if window >= grace:
        return
    if "misfire_window" in named and "misfire_window" in fields:
        fields.refuse(
            "misfire_window",
            "out_of_range",
            f'must not be shorter than "misfire_grace", {grace:,} s: nothing that was missed would '
            "be made up for. Make it longer, or the grace shorter.",
        )
    else:
        fields.refuse(
            "misfire_grace",
            "out_of_range",
            f'must not be longer than "misfire_window", {window:,} s: nothing that was missed would '
            "be made up for. Make it shorter, or the window longer.",
        )


def _recurrence(fields: Fields, seed: str) -> Recurrence | None:
    document = fields.data.get("recurrence")
    if document is None:
        fields.refuse("recurrence", "required", "is required: when does it happen?")
        return None
    try:
        return parse(document, seed=seed)
    except RecurrenceError as error:
        _refuse_recurrence(fields, error)
        return None


def _stored_recurrence(fields: Fields, seed: str) -> Recurrence | None:
    """Return a recurrence that is not to be changed; None when this release cannot read it."""
    try:
        return parse(fields.data.get("recurrence"), seed=seed)
    except RecurrenceError:
        return None


def _refuse_recurrence(fields: Fields, error: RecurrenceError) -> None:
    document = fields.data.get("recurrence")
    fields.problems.append(recurrence_problem(error, document, f"{fields.pointer}/recurrence"))


def _refuse_ended(fields: Fields, columns: Mapping[str, Any], seed: str, now: datetime) -> None:
    if not columns["recurrence"]:
        return
    try:
        if parse(columns["recurrence"], seed=seed).next(now) is None:
            fields.refuse("recurrence", "ended", "has no occurrence in the future.")
    except RecurrenceError as error:
        _refuse_recurrence(fields, error)


def _refuse_dense_backwards(fields: Fields, recurrence: Recurrence, now: datetime) -> None:
    on_closed = fields.data.get("on_closed")
    if on_closed not in BACKWARDS or not (fields.data.get("avoid") or fields.data.get("keep_to")):
        return
    try:
        found = [one.scheduled for one in islice(recurrence.occurrences(now), GAPS_LOOKED_AT)]
    except RecurrenceError as error:
        _refuse_recurrence(fields, error)
        return
    if any(later - earlier < LEAST_GAP for earlier, later in pairwise(found)):
        fields.problems.append(
            FieldProblem(
                f"{fields.pointer}/on_closed",
                "too_dense",
                f'"on_closed" can be {on_closed} only when six hours or more lie between '
                "occurrences; use next_open, next_business_day or skip.",
            )
        )


def _refused(fields: Fields, name: str) -> bool:
    return any(one.pointer == f"{fields.pointer}/{name}" for one in fields.problems)
