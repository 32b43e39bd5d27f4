"""Hosts that take up too many of the workers' places: a flow rule keeps their deliveries to some of them.

A host that answers, but slowly, is given up by nobody, and a flood to it would hold the places of all other
deliveries. So whoever holds more than MOST_AT_ONCE gets a flow rule of the operators' over TaskFlow's own jobs, which
they see among the rules; it goes when the host needs it no more. What operators set for a host stays as it is.
"""

from dataclasses import dataclass

from django.db import transaction

from alerts.webhooks import upkeep_statements as statements
from alerts.webhooks.timing import MOST_AT_ONCE
from jobs import publishing
from tenants.audit import SYSTEM, record
from tenants.platform import PLATFORM_ID
from tenants.statement import Row, execute


@dataclass(frozen=True, kw_only=True)
class Thinned:
    """The hosts whose rules were made, or have gone."""

    hosts: tuple[str, ...] = ()


def hold_back() -> Thinned:
    """Make rules for hosts that hold more than MOST_AT_ONCE places. Safe in any number."""
    with transaction.atomic():
        made = execute(statements.HOLD_BACK, platform=PLATFORM_ID, most=MOST_AT_ONCE)
        return _told("create", made)


def let_go() -> Thinned:
    """Delete the rules that nobody waits for and whose hosts hold few places. Safe in any number."""
    with transaction.atomic():
        gone = execute(
            statements.LET_GO, platform=PLATFORM_ID, most=MOST_AT_ONCE, few=MOST_AT_ONCE // 4
        )
        return _told("delete", gone)


def _told(verb: str, rules: list[Row]) -> Thinned:
    for rule_id, host in rules:
        rule = {"scope": "handler", "name": host, "most_active": MOST_AT_ONCE}
        record(
            by=SYSTEM,
            verb=verb,
            object_type="flow_rule",
            object_id=rule_id,
            merchant_id=PLATFORM_ID,
            before=rule if verb == "delete" else None,
            after=rule if verb == "create" else None,
        )
    if rules:
        transaction.on_commit(publishing.wake)
    return Thinned(hosts=tuple(host for _, host in rules))
