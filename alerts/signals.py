"""The seam through which the rest of this app hears of incidents.

`incident_opened` is sent inside the transaction that opens incidents, once a batch, with `incidents`: a
sequence of OpenedIncident. What a listener writes and the incidents are committed together or not at
all; a listener that raises undoes the tick, which is tried again. `incident_resolved` is sent likewise,
inside the transaction that resolves them, with `incidents`: a sequence of ResolvedIncident.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal

incident_opened = Signal()
incident_resolved = Signal()


@dataclass(frozen=True, kw_only=True)
class OpenedIncident:
    """An incident as it was opened. `merchant_id` is None when a rule of the platform found it."""

    incident_id: UUID
    merchant_id: UUID | None
    rule_id: UUID
    rule_kind: str
    rule_name: str
    severity: str
    subject_key: str
    subject: str
    detail: str
    count: int
    first_seen: datetime
    last_seen: datetime
    example_job_id: UUID | None


def tell_opened(incidents: Sequence[OpenedIncident]) -> None:
    """Tell the listeners, here and now; what they raise is raised."""
    if incidents:
        incident_opened.send(sender=None, incidents=incidents)


@dataclass(frozen=True, kw_only=True)
class ResolvedIncident:
    """An incident that is over: by itself, by a person, or because its rule was switched off."""

    incident_id: UUID
    merchant_id: UUID | None
    rule_kind: str
    severity: str
    resolved_at: datetime


def tell_resolved(incidents: Sequence[ResolvedIncident]) -> None:
    """Tell the listeners, here and now; what they raise is raised."""
    if incidents:
        incident_resolved.send(sender=None, incidents=incidents)
