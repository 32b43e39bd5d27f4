"""What webhooks hear of the rest of the house, inside the transactions in which it happens."""

from collections.abc import Sequence
from typing import Any

from alerts.signals import OpenedIncident, ResolvedIncident, incident_opened, incident_resolved
from alerts.webhooks import health, recording, signposts
from alerts.webhooks.audience import AUDIENCE_OF_ALL
from jobs.signals import Transition, watch_moves
from templates_app.signals import occurrences_missed, templates_set_aside


def listen() -> None:
    """Connect; called once when Django is ready."""
    watch_moves(on_moves, wanted=AUDIENCE_OF_ALL.is_there, uid="alerts.webhooks.on_moves")
    occurrences_missed.connect(on_missed, dispatch_uid="alerts.webhooks.on_missed")
    templates_set_aside.connect(on_set_aside, dispatch_uid="alerts.webhooks.on_set_aside")
    incident_opened.connect(on_opened, dispatch_uid="alerts.webhooks.on_opened")
    incident_resolved.connect(on_resolved, dispatch_uid="alerts.webhooks.on_resolved")


def on_moves(transitions: Sequence[Transition], **_: Any) -> None:
    """Write the events of jobs that ended; note which endpoints answered."""
    recording.record_ends(transitions)
    health.note_attempts(transitions)


def on_missed(missed: Sequence[Any], **_: Any) -> None:
    """Write that occurrences of templates were missed."""
    recording.record(signposts.of_missed(one) for one in missed)


def on_set_aside(templates: Sequence[Any], **_: Any) -> None:
    """Write that templates are not expanded any more."""
    recording.record(signposts.of_set_aside(one) for one in templates)


def on_opened(incidents: Sequence[OpenedIncident], **_: Any) -> None:
    """Write that incidents began; those of the platform's own rules are nobody's."""
    for one in incidents:
        if one.merchant_id is not None:
            signposts.incident_opened(
                merchant_id=one.merchant_id,
                incident_id=one.incident_id,
                rule=one.rule_kind,
                severity=one.severity,
                at=one.first_seen,
            )


def on_resolved(incidents: Sequence[ResolvedIncident], **_: Any) -> None:
    """Write that incidents are over; as `on_opened`."""
    for one in incidents:
        if one.merchant_id is not None:
            signposts.incident_resolved(
                merchant_id=one.merchant_id,
                incident_id=one.incident_id,
                rule=one.rule_kind,
                severity=one.severity,
                at=one.resolved_at,
            )
