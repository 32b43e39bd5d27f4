"""The shapes of alerts, for the OpenAPI document; and how each is shown. No answer holds a secret."""

from typing import Any

from rest_framework import serializers as s

from alerts.models import Channel, Delivery, EscalationPolicy, Incident, Rule
from alerts.models.channel import ChannelKind
from alerts.models.delivery import DeliveryEvent, DeliveryState
from alerts.models.incident import IncidentState
from alerts.models.policy import LONGEST_REPEAT
from alerts.models.rule import Severity
from alerts.operations.channels import MAX_NAME
from alerts.operations.incidents import LONGEST_SNOOZE, MAX_NOTE
from alerts.operations.policies import LONGEST_AFTER, SHORTEST_REPEAT
from alerts.rules import RULE_KINDS, Whose
from jobs.api.representations import moment
from jobs.api.schemas import Shown

KINDS = [kind.name for kind in RULE_KINDS.values() if kind.whose != Whose.PLATFORM]
_PARAMETERS = " ".join(
    f"{kind.name}: "
    + ("; ".join(f"`{p.name}` ({p.default}): {p.explains}" for p in kind.parameters) or "none.")
    for kind in RULE_KINDS.values()
    if kind.whose != Whose.PLATFORM
)


def _id(value: Any) -> str | None:
    return None if value is None else str(value)


def channel_detail(channel: Channel) -> dict[str, Any]:
    """Return the public fields of a channel; its settings are write-only."""
    return {
        "id": str(channel.pk),
        "name": channel.name,
        "kind": channel.kind,
        "shown": channel.shown,
        "enabled": channel.enabled,
        "created_at": moment(channel.created_at),
    }


def policy_detail(policy: EscalationPolicy) -> dict[str, Any]:
    """Return the public fields of a policy."""
    return {
        "id": str(policy.pk),
        "name": policy.name,
        "steps": policy.steps,
        "repeat_after": policy.repeat_after,
        "created_at": moment(policy.created_at),
    }


def rule_detail(rule: Rule) -> dict[str, Any]:
    """Return the public fields of a rule."""
    return {
        "id": str(rule.pk),
        "name": rule.name,
        "kind": rule.kind,
        "parameters": rule.parameters,
        "template_id": _id(rule.template_id),
        "severity": rule.severity,
        "policy_id": _id(rule.policy_id),
        "enabled": rule.enabled,
        "created_at": moment(rule.created_at),
    }


def incident_detail(incident: Incident) -> dict[str, Any]:
    """Return the public fields of an incident."""
    return {
        "id": str(incident.pk),
        "rule_id": str(incident.rule_id),
        "rule": incident.rule.name,
        "kind": incident.rule.kind,
        "severity": incident.severity,
        "subject_key": incident.subject_key,
        "subject": incident.subject,
        "detail": incident.detail,
        "state": incident.state,
        "count": incident.count,
        "first_seen": moment(incident.first_seen),
        "last_seen": moment(incident.last_seen),
        "example_job_id": _id(incident.example_job_id),
        "nobody_told": incident.untold_at is not None,
        "acknowledged_at": moment(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "snoozed_until": moment(incident.snoozed_until),
        "resolved_at": moment(incident.resolved_at),
        "resolved_by": incident.resolved_by,
        "note": incident.note,
        "created_at": moment(incident.created_at),
    }


def delivery_detail(delivery: Delivery) -> dict[str, Any]:
    """Return the public fields of a delivery."""
    return {
        "id": str(delivery.pk),
        "channel_id": str(delivery.channel_id),
        "channel": delivery.channel.name,
        "event": delivery.event,
        "title": delivery.message.get("title", ""),
        "incidents": [str(one) for one in delivery.incidents],
        "state": delivery.state,
        "error": delivery.error,
        "created_at": moment(delivery.created_at),
        "ended_at": moment(delivery.ended_at),
    }


class ChannelChangeSchema(s.Serializer[Any]):
    name = s.CharField(required=False, max_length=MAX_NAME)
    enabled = s.BooleanField(required=False)
    addresses = s.ListField(
        child=s.EmailField(), required=False, help_text="Of kind email: whom to write to."
    )
    url = s.CharField(
        required=False,
        write_only=True,
        help_text="Of kinds slack and webhook: where messages go. Never shown again.",
    )
    secret = s.CharField(
        required=False,
        write_only=True,
        help_text="Of kind webhook: `whsec_` and the base64 of 24 to 64 random bytes, by which "
        "messages are signed (Standard Webhooks). Never shown again.",
    )
    routing_key = s.CharField(
        required=False,
        write_only=True,
        help_text="Of kind pagerduty: the integration key. Never shown again.",
    )


class NewChannelSchema(ChannelChangeSchema):
    name = s.CharField(max_length=MAX_NAME)
    kind = s.ChoiceField(choices=ChannelKind.choices)


class ChannelSchema(Shown):
    """A channel. What it takes to write there is never shown."""

    represent = staticmethod(channel_detail)
    id = s.UUIDField()
    name = s.CharField()
    kind = s.ChoiceField(choices=ChannelKind.choices)
    shown = s.CharField(help_text="The addresses, or the host; nothing that lets anybody send.")
    enabled = s.BooleanField()
    created_at = s.DateTimeField()


class StepSchema(s.Serializer[Any]):
    after = s.IntegerField(
        min_value=0, max_value=LONGEST_AFTER, help_text="Minutes without acknowledgement."
    )
    channels = s.ListField(child=s.UUIDField(), help_text="Whom to tell then.")


class PolicyChangeSchema(s.Serializer[Any]):
    name = s.CharField(required=False, max_length=MAX_NAME)
    steps = StepSchema(many=True, required=False)
    repeat_after = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=SHORTEST_REPEAT,
        max_value=LONGEST_REPEAT,
        help_text="Minutes after which all are told again; null: never.",
    )


class NewPolicySchema(PolicyChangeSchema):
    name = s.CharField(max_length=MAX_NAME)
    steps = StepSchema(many=True)


class PolicySchema(Shown):
    """An escalation policy."""

    represent = staticmethod(policy_detail)
    id = s.UUIDField()
    name = s.CharField()
    steps = StepSchema(many=True)
    repeat_after = s.IntegerField(allow_null=True)
    created_at = s.DateTimeField()


class RuleChangeSchema(s.Serializer[Any]):
    name = s.CharField(required=False, max_length=MAX_NAME)
    parameters = s.DictField(child=s.IntegerField(), required=False, help_text=_PARAMETERS)
    template_id = s.UUIDField(
        required=False, allow_null=True, help_text="Only this template; null: all of them."
    )
    severity = s.ChoiceField(choices=Severity.choices, required=False)
    policy_id = s.UUIDField(required=False, allow_null=True, help_text="Who is told; null: nobody.")
    enabled = s.BooleanField(required=False)


class NewRuleSchema(RuleChangeSchema):
    name = s.CharField(max_length=MAX_NAME)
    kind = s.ChoiceField(choices=KINDS)


class RuleSchema(Shown):
    """What counts as trouble, and who is told."""

    represent = staticmethod(rule_detail)
    id = s.UUIDField()
    name = s.CharField()
    kind = s.ChoiceField(choices=KINDS)
    parameters = s.DictField(child=s.IntegerField())
    template_id = s.UUIDField(allow_null=True)
    severity = s.ChoiceField(choices=Severity.choices)
    policy_id = s.UUIDField(allow_null=True)
    enabled = s.BooleanField()
    created_at = s.DateTimeField()


class NoteSchema(s.Serializer[Any]):
    note = s.CharField(required=False, allow_blank=True, max_length=MAX_NOTE)


class SnoozeSchema(NoteSchema):
    minutes = s.IntegerField(min_value=1, max_value=LONGEST_SNOOZE)


class IncidentSchema(Shown):
    """Trouble with one subject. There is one unresolved incident a rule and subject."""

    represent = staticmethod(incident_detail)
    id = s.UUIDField()
    rule_id = s.UUIDField()
    rule = s.CharField(help_text="The rule's name.")
    kind = s.ChoiceField(choices=KINDS, help_text="The rule's kind.")
    severity = s.ChoiceField(choices=Severity.choices)
    subject_key = s.CharField()
    subject = s.CharField()
    detail = s.CharField(allow_blank=True)
    state = s.ChoiceField(choices=IncidentState.choices)
    count = s.IntegerField()
    first_seen = s.DateTimeField()
    last_seen = s.DateTimeField()
    example_job_id = s.UUIDField(allow_null=True)
    nobody_told = s.BooleanField(help_text="Every message about it failed for good.")
    acknowledged_at = s.DateTimeField(allow_null=True)
    acknowledged_by = s.CharField(allow_blank=True)
    snoozed_until = s.DateTimeField(allow_null=True)
    resolved_at = s.DateTimeField(allow_null=True)
    resolved_by = s.CharField(allow_blank=True, help_text="Empty: it was over by itself.")
    note = s.CharField(allow_blank=True)
    created_at = s.DateTimeField()


class DeliverySchema(Shown):
    """One message to one channel."""

    represent = staticmethod(delivery_detail)
    id = s.UUIDField()
    channel_id = s.UUIDField()
    channel = s.CharField(help_text="The channel's name.")
    event = s.ChoiceField(choices=DeliveryEvent.choices)
    title = s.CharField()
    incidents = s.ListField(child=s.UUIDField())
    state = s.ChoiceField(choices=DeliveryState.choices)
    error = s.CharField(allow_blank=True)
    created_at = s.DateTimeField()
    ended_at = s.DateTimeField(allow_null=True)
