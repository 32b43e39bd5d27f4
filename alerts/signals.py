"""The seam through which the rest of this app hears of incidents.

`incident_opened` is sent inside the transaction that opens incidents, once a batch, with `incidents`: a
sequence of OpenedIncident. What a listener writes and the incidents are committed together or not at
all; a listener that raises undoes the tick, which is tried again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal

incident_opened = Signal()


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
