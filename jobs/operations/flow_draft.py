"""What a body says of a flow rule."""

from dataclasses import dataclass
from typing import Any

from jobs.flow import FlowScope
from jobs.models import Flow
from jobs.operations.fields import Fields
from jobs.operations.flow_names import read_name
from tenants.models import Merchant

LIMIT_FIELDS = ("most_active", "rate", "burst")
FLOW_FIELDS = ("scope", "name", *LIMIT_FIELDS, "paused", "note")
RATE_FIELDS = ("jobs", "per")
PERIODS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
MOST_ACTIVE = 100_000
MOST_RATE = 1_000_000
MAX_NOTE = 500


@dataclass(frozen=True, kw_only=True)
class FlowDraft:
    """What a body asks for: the columns of its rule, and whether it begins paused."""

    columns: dict[str, Any]
    paused: bool


def read_flow(data: Any, *, merchant: Merchant | None) -> FlowDraft:
    """Return what a new rule is to be. Raises InvalidFields with every fault."""
    fields = Fields(data, FLOW_FIELDS)
    columns: dict[str, Any] = {"scope": "", "name": ""}
    if "scope" not in fields:
        fields.refuse("scope", "required", f"is required: one of {', '.join(FlowScope)}.")
    else:
        columns["scope"] = fields.choice("scope", "", options=list(FlowScope))
        columns["name"] = read_name(fields, columns["scope"], merchant)
    columns |= _limits(fields)
    paused = _paused(fields)
    note = fields.text("note", longest=MAX_NOTE)
    if note and not paused:
        fields.refuse("note", "conflict", 'says why a rule is paused; it goes with "paused".')
    if not paused and not fields.problems and _says_nothing(columns):
        fields.refuse(None, "required", 'must have "most_active", "rate" or "paused".')
    fields.raise_problems()
    return FlowDraft(columns=columns | {"pause_note": note}, paused=paused)


def read_flow_change(flow: Flow, data: Any) -> dict[str, Any]:
    """Return the columns that an edit changes. Raises InvalidFields with every fault."""
    fields = Fields(data, LIMIT_FIELDS)
    if not fields.data and not fields.problems:
        fields.refuse(None, "nothing_to_change", f"must name one of {', '.join(LIMIT_FIELDS)}.")
    read = _limits(fields)
    columns = {name: value for name, value in read.items() if _names(fields, name)}
    wanted = {name: columns.get(name, getattr(flow, name)) for name in read}
    if wanted["burst"] is not None and wanted["rate"] is None and not fields.problems:
        fields.refuse("burst", "conflict", 'goes with "rate"; without one, leave it empty.')
    if flow.paused_at is None and not fields.problems and _says_nothing(wanted):
        fields.refuse(None, "required", 'must leave "most_active" or "rate"; else delete the rule.')
    fields.raise_problems()
    if columns.keys() & {"rate", "rate_period", "burst"}:
        columns |= {"tokens": None, "tokens_at": None}
    return columns


def _names(fields: Fields, column: str) -> bool:
    return ("rate" if column == "rate_period" else column) in fields


def _says_nothing(columns: dict[str, Any]) -> bool:
    return columns.get("most_active") is None and columns.get("rate") is None


def _paused(fields: Fields) -> bool:
    value = fields.data.get("paused", False)
    if not isinstance(value, bool):
        fields.refuse("paused", "wrong_type", "must be true or false.")
        return False
    return value


def _limits(fields: Fields) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "most_active": _number(fields, "most_active", MOST_ACTIVE),
        "burst": _number(fields, "burst", MOST_RATE),
        **_rate(fields),
    }
    if columns["burst"] is not None and "rate" in fields and columns["rate"] is None:
        fields.refuse("burst", "conflict", 'goes with "rate"; without one, leave it empty.')
    return columns


def _number(fields: Fields, name: str, most: int) -> int | None:
    if fields.data.get(name) is None:
        return None
    return fields.integer(name, 1, minimum=1, maximum=most)


def _rate(fields: Fields) -> dict[str, Any]:
    asked = fields.data.get("rate")
    if asked is None:
        return {"rate": None, "rate_period": 1}
    if not isinstance(asked, dict):
        fields.refuse("rate", "wrong_type", 'must be an object: {"jobs": 100, "per": "minute"}.')
        return {"rate": None, "rate_period": 1}
    inner = Fields(asked, RATE_FIELDS, f"{fields.pointer}/rate")
    if "jobs" not in inner:
        inner.refuse("jobs", "required", "is required: how many may start.")
    rate = inner.integer("jobs", 1, minimum=1, maximum=MOST_RATE)
    period = PERIODS[inner.choice("per", "second", options=list(PERIODS))]
    fields.problems += inner.problems
    return {"rate": rate, "rate_period": period}
