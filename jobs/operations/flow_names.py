"""Which jobs a flow rule speaks of: the name that goes with its scope."""

from difflib import get_close_matches
from uuid import UUID

from jobs.flow import FlowScope
from jobs.handlers.registry import LANES, find_host, handler_names, kind_names
from jobs.handlers.text import shown
from jobs.operations.fields import Fields
from tenants.models import Merchant

MAX_NAME = 200
MOST_SHOWN = 20
MOST_NEAR = 3
# How like a known name another must be to be taken for a slip (difflib's ratio).
NEAR = 0.85


def read_name(fields: Fields, scope: str, merchant: Merchant | None) -> str:
    """Return the name as jobs have it; '' after adding to `fields` what is wrong with it."""
    name = fields.text("name", longest=MAX_NAME)
    if fields.is_refused("name"):
        _refuse_no_merchant(fields, scope, merchant)
        return ""
    match scope:
        case FlowScope.MERCHANT:
            if name:
                fields.refuse("name", "conflict", "is of no use here: the merchant is yours.")
            _refuse_no_merchant(fields, scope, merchant)
        case FlowScope.KIND:
            return fields.choice("name", name, options=kind_names())
        case FlowScope.LANE:
            return fields.choice("name", name, options=LANES)
        case FlowScope.TEMPLATE:
            return _template_id(fields, name)
        case FlowScope.HANDLER:
            return _handler(fields, name, merchant)
        case FlowScope.KEY:
            if not name:
                fields.refuse("name", "required", "is required: the `concurrency_key` of the jobs.")
            _refuse_no_merchant(fields, scope, merchant)
            return name
    return ""


def _refuse_no_merchant(fields: Fields, scope: str, merchant: Merchant | None) -> None:
    if merchant is None and scope == FlowScope.MERCHANT:
        fields.refuse("scope", "not_allowed", "needs a merchant; choose one.")
    elif merchant is None and scope == FlowScope.KEY:
        fields.refuse("scope", "not_allowed", "needs a merchant, whose keys these are.")


def _template_id(fields: Fields, name: str) -> str:
    try:
        return str(UUID(name))
    except ValueError:
        fields.refuse("name", "wrong_type", "must be the id of a template.")
        return ""


def _handler(fields: Fields, name: str, merchant: Merchant | None) -> str:
    if not name:
        fields.refuse(
            "name", "required", "is required: a function, a command, a host or a destination."
        )
        return ""
    if "/" in name:
        fields.refuse("name", "not_allowed", "is what jobs show as their `handler`: no URL.")
        return ""
    known = handler_names(merchant.pk if merchant else None)
    if name in known:
        return name
    near = get_close_matches(name.lower(), known, n=MOST_NEAR, cutoff=NEAR)
    host = find_host(name)
    # A name that ends in a dot is a host's and nothing else.
    if host is not None and (not near or name.endswith(".")):
        return host
    fields.refuse("name", "not_allowed", _nobodys(name, host, near, known))
    return ""


def _nobodys(name: str, host: str | None, near: list[str], known: list[str]) -> str:
    if near:
        meant = f"is no function, command or destination; did you mean {' or '.join(near)}?"
        if host is None:
            return meant
        return f'{meant} If it is a host, end it with a dot: "{shown(name, MAX_NAME)}.".'
    listed = ", ".join(known[:MOST_SHOWN]) + (", …" if len(known) > MOST_SHOWN else "")
    return (
        "is no function, command or destination, and no host (without port) that jobs may call; "
        f"known are {listed}."
    )
