"""What a body says of an endpoint."""

from typing import Any
from uuid import UUID

from django.conf import settings

from alerts.webhooks.events import SUBSCRIBABLE
from jobs.engine import Engine
from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.target import InvalidTarget, host_of, parse_target
from jobs.handlers.registry import kind_names
from jobs.operations.fields import FieldProblem, Fields
from templates_app.models import Template
from tenants.models import Merchant

MAX_URL = 2_048
MAX_DESCRIPTION = 200
MOST_EVENTS = len(SUBSCRIBABLE)
ENDPOINT_FIELDS = ("url", "events", "kind", "template_id", "description", "active")
REQUIRED = {"url": "where to send events", "events": "which events to send"}


def read_endpoint(data: Any, *, merchant: Merchant) -> dict[str, Any]:
    """Return the columns of a new endpoint. Raises InvalidFields with every fault."""
    fields = Fields(data, ENDPOINT_FIELDS)
    for name in REQUIRED:
        if isinstance(data, dict) and name not in fields:
            fields.refuse(name, "required", f"is required: {REQUIRED[name]}.")
    columns = _read(fields, merchant)
    fields.raise_problems()
    return columns


def read_change(data: Any, *, merchant: Merchant) -> dict[str, Any]:
    """Return the columns that an edit changes. Raises InvalidFields with every fault."""
    fields = Fields(data, ENDPOINT_FIELDS)
    if not fields.data and not fields.problems:
        fields.refuse(None, "nothing_to_change", f"must name one of {', '.join(ENDPOINT_FIELDS)}.")
    columns = _read(fields, merchant)
    fields.raise_problems()
    return columns


def _read(fields: Fields, merchant: Merchant) -> dict[str, Any]:
    readers = {
        "url": _url,
        "events": _events,
        "kind": _kind,
        "template_id": lambda read: _template(read, merchant),
        "description": lambda read: {
            "description": read.text("description", longest=MAX_DESCRIPTION)
        },
        "active": _active,
    }
    columns: dict[str, Any] = {}
    for name, read in readers.items():
        if name in fields:
            columns |= read(fields)
    return columns


def _url(fields: Fields) -> dict[str, Any]:
    url = fields.text("url", longest=MAX_URL)
    if fields.is_refused("url"):
        return {}
    engine: Engine = settings.TASKFLOW_ENGINE
    try:
        parse_target(url, AddressPolicy(engine.http_allow_networks))
    except InvalidTarget as error:
        fields.refuse("url", "invalid_url", str(error))
    except AddressDenied as error:
        fields.refuse("url", "address_denied", str(error))
    return {"url": url, "host": host_of(url)}


def _events(fields: Fields) -> dict[str, Any]:
    events = fields.texts("events", most=MOST_EVENTS, longest=64)
    if not events and not fields.is_refused("events"):
        fields.refuse("events", "required", "must name at least one event.")
    known = ", ".join(SUBSCRIBABLE)
    for place, name in enumerate(events):
        if name not in SUBSCRIBABLE:
            pointer = f"{fields.pointer}/events/{place}"
            sentence = f'An item of "events" must be one of {known}.'
            fields.problems.append(FieldProblem(pointer, "not_allowed", sentence))
    return {"events": events}


def _kind(fields: Fields) -> dict[str, Any]:
    if not fields.data["kind"]:
        return {"kind": ""}
    return {"kind": fields.choice("kind", "", options=kind_names())}


def _template(fields: Fields, merchant: Merchant) -> dict[str, Any]:
    value = fields.data["template_id"]
    if value is None:
        return {"template_id": None}
    try:
        wanted = UUID(value)
    except (ValueError, TypeError, AttributeError):
        fields.refuse("template_id", "invalid_id", "must be the id of a template, or null.")
        return {}
    if not Template.objects.of(merchant).filter(pk=wanted).exists():
        fields.refuse("template_id", "not_found", "names no template of yours.")
    return {"template_id": wanted}


def _active(fields: Fields) -> dict[str, Any]:
    value = fields.data["active"]
    if not isinstance(value, bool):
        fields.refuse("active", "wrong_type", "must be true or false.")
        return {}
    return {"active": value}
