"""Messages about incidents: one for what a rule has to tell a channel at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from alerts import signals, wording
from alerts.alerting import Alerting
from alerts.models import Channel, Incident
from alerts.models.channel import ChannelKind
from alerts.rules import RULE_KINDS
from alerts.sending.outbox import Draft, dispatch

# PagerDuty keeps an alert of its own for each incident; beyond so many at once they share one.
MOST_ALONE = 20
RECOVERED = "recovered"


def tell_recovered(ids: Sequence[UUID], *, alerting: Alerting, now: datetime) -> int:
    """Tell the channels that know of these incidents, and the listeners, that they are over.

    Call it in the transaction that resolves them.
    """
    if not ids:
        return 0
    over = with_rules(ids)
    tell_listeners(over, now=now)
    told = [(one, RECOVERED, channel) for one in over if is_heard(one) for channel in one.told]
    return send(told, usable(channel for *_, channel in told), alerting=alerting, now=now)


def close_alerts(over: Iterable[Incident], *, alerting: Alerting, now: datetime) -> int:
    """Tell those channels that keep alerts of their own (PagerDuty) that incidents are over, and nobody
    else; they come with their rules and merchants. Call it in the transaction that ends them."""
    told = [(one, RECOVERED, channel) for one in over for channel in one.told]
    keepers = {
        key: channel
        for key, channel in usable(channel for *_, channel in told).items()
        if channel.kind == ChannelKind.PAGERDUTY
    }
    return send(told, keepers, alerting=alerting, now=now)


def is_heard(incident: Incident) -> bool:
    """Tell whether anybody is told of it: nobody of a suspended merchant is."""
    return incident.merchant is None or incident.merchant.active


def usable(ids: Iterable[UUID]) -> dict[UUID, Channel]:
    """Return those of the channels that are there and switched on, by their ids."""
    wanted = set(ids)
    return Channel.objects.filter(enabled=True).in_bulk(wanted) if wanted else {}


def tell_listeners(over: Iterable[Incident], *, now: datetime) -> None:
    """Tell the listeners, and no channel, that incidents are over; they come with their rules."""
    signals.tell_resolved(
        [
            signals.ResolvedIncident(
                incident_id=one.pk,
                merchant_id=one.merchant_id,
                rule_kind=one.rule.kind,
                severity=one.severity,
                resolved_at=now,
            )
            for one in over
        ]
    )


def with_rules(ids: Sequence[UUID]) -> list[Incident]:
    rows = Incident.objects.filter(pk__in=ids).select_related("rule__policy", "merchant")
    return list(rows.order_by("pk"))


def send(
    told: Iterable[tuple[Incident, str, UUID]],
    channels: Mapping[UUID, Channel],
    *,
    alerting: Alerting,
    now: datetime,
) -> int:
    """Make one message of what one rule has to tell one of `channels` in this tick."""
    grouped: dict[tuple[UUID, UUID, str], list[Incident]] = {}
    for incident, event, channel in told:
        grouped.setdefault((channel, incident.rule_id, event), []).append(incident)
    drafts = [
        Draft(
            channel=channels[channel],
            event=event,
            message=_message(event, some, alerting),
            incidents=tuple(one.pk for one in some),
        )
        for (channel, _, event), together in grouped.items()
        if channel in channels
        for some in _groups(channels[channel], together)
    ]
    return dispatch(drafts, now=now)


def _groups(channel: Channel, incidents: list[Incident]) -> list[list[Incident]]:
    if channel.kind != ChannelKind.PAGERDUTY:
        return [incidents]
    alone = [[one] for one in incidents[:MOST_ALONE]]
    return [*alone, incidents[MOST_ALONE:]] if len(incidents) > MOST_ALONE else alone


def _message(event: str, incidents: Sequence[Incident], alerting: Alerting) -> dict[str, Any]:
    rule = incidents[0].rule
    kind = RULE_KINDS.get(rule.kind)
    return wording.message_of(
        event,
        rule=rule.name,
        title=kind.title if kind else rule.kind,
        owner=str(incidents[0].merchant or "the platform"),
        incidents=[told_of(one) for one in incidents],
        public_url=alerting.public_url,
    )


def told_of(incident: Incident) -> wording.Told:
    """Return an incident as messages tell it."""
    return wording.Told(
        incident_id=incident.pk,
        subject=incident.subject,
        detail=incident.detail,
        count=incident.count,
        first_seen=incident.first_seen,
        last_seen=incident.last_seen,
        severity=incident.severity,
        example_job_id=incident.example_job_id,
        resolved_by=incident.resolved_by,
    )
