"""A template as somebody wants it: read from JSON, checked, not stored."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from jobs.masking import restored
from jobs.operations.fields import Fields
from templates_app.models import Misfire, OnClosed, Overlap, Template
from templates_app.models.template import DEFAULT_GRACE, DEFAULT_LIMIT, DEFAULT_WINDOW
from templates_app.operations.job_part import JOB_PART, WORK, check_payload, read_job_part
from templates_app.operations.reading import read_calendar_ids, read_description, read_name
from templates_app.operations.recurrence_part import (
    read_recurrence,
    refuse_dense_backwards,
    refuse_ended,
    stored_recurrence,
)
from tenants.models import Merchant

LONGEST_GRACE = 86_400  # seconds
LONGEST_WINDOW = 31 * 86_400  # seconds
MOST_MADE_UP = 10_000

CALENDARS = ("avoid", "keep_to")
NOTHING_KEPT: Mapping[str, Collection[UUID]] = MappingProxyType({})
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
    refuse_ended(fields, str(template_id), now)
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
    if fields.data.get("concurrency_key") == "" and "concurrency_limit" not in named:
        merged["concurrency_limit"] = None  # it goes with the key
    whole = Fields(merged, TEMPLATE_FIELDS)
    read = read_columns(
        whole,
        named,
        merchant=template.merchant,
        template_id=template.id,
        now=now,
        kept={name: getattr(template, name) for name in CALENDARS},
    )
    if "recurrence" in named:
        refuse_ended(whole, str(template.id), now)
    whole.raise_problems()
    stored = {name: getattr(template, name) for name in TEMPLATE_FIELDS}
    return Draft(columns=stored | read)


def document_of(template: Template) -> dict[str, Any]:
    """Return a stored template as the JSON that `read_draft` takes."""
    document = {name: getattr(template, name) for name in TEMPLATE_FIELDS}
    for name in CALENDARS:
        document[name] = [str(one) for one in document[name]]
    return document


def read_columns(
    fields: Fields,
    named: Collection[str],
    *,
    merchant: Merchant,
    template_id: UUID,
    now: datetime,
    kept: Mapping[str, Collection[UUID]] = NOTHING_KEPT,
) -> dict[str, Any]:
    """Return the named columns of a template, checked; what is wrong is added to `fields`.

    Others of the fields are looked at only where a named one must fit them. `kept`: the calendars
    that the template names already, by field; they may be named again, whatever became of them.
    """
    named = set(named)
    columns = {name: read(fields) for name, read in OWN_PART.items() if name in named}
    for name in named.intersection(CALENDARS):
        columns[name] = read_calendar_ids(fields, name, merchant, kept=kept.get(name, ()))
    columns |= read_job_part(fields, named)
    if named & MISFIRE_TIMES:
        _refuse_short_window(fields, named)
    recurrence = None
    if "recurrence" in named:
        recurrence = read_recurrence(fields, str(template_id))
        columns["recurrence"] = dict(recurrence.document) if recurrence else {}
        if recurrence is None:
            return columns
    elif named & (SCHEDULE | WORK):
        recurrence = stored_recurrence(fields, str(template_id))
    if named & (WORK | {"recurrence"}) and _work_is_sound(fields):
        columns |= check_payload(
            fields, recurrence, merchant=merchant, template_id=template_id, now=now
        )
    if recurrence is not None and named & SCHEDULE:
        refuse_dense_backwards(fields, recurrence, now)
    return columns


def _work_is_sound(fields: Fields) -> bool:
    """Whether there is a kind with a payload, and nothing was said against them so far."""
    return fields.data.keys() >= WORK and not any(map(fields.is_refused, WORK))


def _active(fields: Fields) -> bool:
    active = fields.data.get("active", True)
    if not isinstance(active, bool):
        fields.refuse("active", "wrong_type", "must be true or false.")
    return bool(active)


def _grace(fields: Fields) -> int:
    return fields.integer("misfire_grace", DEFAULT_GRACE, minimum=10, maximum=LONGEST_GRACE)


def _window(fields: Fields) -> int:
    return fields.integer("misfire_window", DEFAULT_WINDOW, minimum=60, maximum=LONGEST_WINDOW)


# Readers of the fields that need no other field; each returns the default when it is absent.
OWN_PART: dict[str, Callable[[Fields], Any]] = {
    "name": lambda fields: read_name(fields, "what do people call this template?"),
    "description": read_description,
    "on_closed": lambda fields: fields.choice("on_closed", OnClosed.SKIP, options=OnClosed.values),
    "misfire": lambda fields: fields.choice("misfire", Misfire.RUN_ONCE, options=Misfire.values),
    "misfire_grace": _grace,
    "misfire_window": _window,
    "misfire_limit": lambda fields: fields.integer(
        "misfire_limit", DEFAULT_LIMIT, minimum=1, maximum=MOST_MADE_UP
    ),
    "overlap": lambda fields: fields.choice("overlap", Overlap.ALLOW, options=Overlap.values),
    "active": _active,
}
TEMPLATE_FIELDS = tuple(
    dict.fromkeys(("name", "description", "recurrence", *CALENDARS, *OWN_PART, *JOB_PART))
)


def _refuse_short_window(fields: Fields, named: Collection[str]) -> None:
    """Refuse a window in which nothing that was missed could lie."""
    if any(map(fields.is_refused, MISFIRE_TIMES)):
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
