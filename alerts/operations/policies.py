"""Create, edit and delete escalation policies."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from alerts.models import Channel, EscalationPolicy, Rule
from alerts.models.policy import LONGEST_REPEAT
from alerts.operations.channels import required_name
from alerts.operations.refusals import InUse
from alerts.operations.storing import admit, changed, deleted, owned_by, stored
from alerts.statements import incidents, reading
from jobs.operations.fields import Fields
from tenants.audit import SYSTEM, Actor
from tenants.models import Merchant
from tenants.statement import execute

MOST_POLICIES = 50
MOST_STEPS = 10
MOST_OF_STEP = 10
LONGEST_AFTER = 7 * 24 * 60  # minutes
SHORTEST_REPEAT = 5  # minutes
POLICY_FIELDS = ("name", "steps", "repeat_after")
STEP_FIELDS = ("after", "channels")


def create_policy(
    data: Any, *, merchant: Merchant | None, now: datetime, by: Actor = SYSTEM
) -> EscalationPolicy:
    """Store a policy. Raises InvalidFields, TooManyAlerts."""
    fields = Fields(data, POLICY_FIELDS)
    policy = EscalationPolicy(merchant=merchant, created_at=now, name=required_name(fields))
    if "steps" not in fields:
        fields.refuse("steps", "required", "is required: whom to tell, and after how long.")
    _change(policy, fields)
    fields.raise_problems()
    admit(EscalationPolicy, merchant, most=MOST_POLICIES, what="escalation policies")
    return stored(policy, by=by)


def edit_policy(policy: EscalationPolicy, data: Any, *, by: Actor = SYSTEM) -> EscalationPolicy:
    """Change what `data` names; open incidents go on from where they are. Raises InvalidFields,
    AlertGone."""
    fields = Fields(data, POLICY_FIELDS)

    def change(row: EscalationPolicy) -> None:
        if "name" in fields:
            row.name = required_name(fields)
        _change(row, fields)
        fields.raise_problems()

    with transaction.atomic():
        execute(reading.LOCK)
        edited = changed(policy, change, by=by)
        execute(incidents.FOLLOW_POLICY, policy=policy.pk)
    return edited


def delete_policy(policy: EscalationPolicy, *, by: Actor = SYSTEM) -> None:
    """Delete a policy. Raises InUse when a rule names it."""
    with transaction.atomic():
        named = Rule.objects.filter(policy=policy).first()
        if named is not None:
            raise InUse(f"The rule “{named}” uses this escalation policy; change that first.")
        deleted(policy, by=by)


def _change(policy: EscalationPolicy, fields: Fields) -> None:
    if "steps" in fields:
        policy.steps = _steps(fields, policy.merchant)
    if "repeat_after" in fields:
        policy.repeat_after = (
            None
            if fields.data["repeat_after"] is None
            else fields.integer(
                "repeat_after", SHORTEST_REPEAT, minimum=SHORTEST_REPEAT, maximum=LONGEST_REPEAT
            )
        )


def _steps(fields: Fields, merchant: Merchant | None) -> list[dict[str, Any]]:
    asked = fields.data["steps"]
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_STEPS:
        fields.refuse("steps", "wrong_type", f"must be a list of 1 to {MOST_STEPS} steps.")
        return []
    steps = [_step(fields, place, one) for place, one in enumerate(asked)]
    named = {channel for step in steps for channel in step["channels"]}
    known = {
        str(pk)
        for pk in owned_by(Channel, merchant)
        .filter(pk__in=[one for one in named if _is_id(one)])
        .values_list("pk", flat=True)
    }
    if not fields.problems and named - known:
        fields.refuse("steps", "unknown_channel", "must name channels of yours by their ids.")
    return sorted(steps, key=lambda step: step["after"])


def _step(fields: Fields, place: int, asked: Any) -> dict[str, Any]:
    inner = Fields(asked, STEP_FIELDS, f"{fields.pointer}/steps/{place}")
    after = inner.integer("after", 0, minimum=0, maximum=LONGEST_AFTER)
    channels = inner.texts("channels", most=MOST_OF_STEP, longest=36)
    if not channels and not inner.problems:
        inner.refuse("channels", "required", "must name at least one channel by its id.")
    fields.problems += inner.problems
    return {"after": after, "channels": [one.lower() for one in channels]}


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
