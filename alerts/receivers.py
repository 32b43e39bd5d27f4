"""What alerts do when merchants come."""

from typing import Any

from alerts.operations.default_rules import add_default_rules
from tenants.audit import Actor
from tenants.clock import database_now
from tenants.models import Merchant


def give_rules(sender: object, *, merchant: Merchant, by: Actor, **_: Any) -> None:
    """Give a new merchant the usual rules."""
    add_default_rules(merchant, now=database_now(), by=by)
