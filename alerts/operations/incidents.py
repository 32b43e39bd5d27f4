"""What people do about incidents. Each change names the states that it leaves."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alerts.alerting import Alerting
from alerts.models import Incident
from alerts.models.incident import IncidentState
from alerts.operations.refusals import IncidentOver
from alerts.operations.trail import note, told
from alerts.sending.notices import tell_recovered
from jobs.operations.fields import Fields
from tenants.audit import Actor

MAX_NOTE = 500
LONGEST_SNOOZE = 7 * 24 * 60  # minutes


def acknowledge(incident: Incident, data: Any, *, by: Actor, now: datetime) -> Incident:
    """Say that somebody looks after it: nobody else is told until it is over. Raises InvalidFields,
    IncidentOver."""
    fields = Fields({} if data is None else data, ("note",))
    said = fields.text("note", longest=MAX_NOTE)
    fields.raise_problems()
    return _changed(
        incident,
        "acknowledge",
        by,
        state=IncidentState.ACKNOWLEDGED.value,
        acknowledged_at=now,
        acknowledged_by=by.shown,
        snoozed_until=None,
        next_notice_at=None,
        **({"note": said} if said else {}),
    )


def snooze(incident: Incident, data: Any, *, by: Actor, now: datetime) -> Incident:
    """Keep quiet for so many minutes; then the policy goes on. Raises InvalidFields, IncidentOver."""
    fields = Fields(data, ("minutes", "note"))
    if "minutes" not in fields:
        fields.refuse("minutes", "required", "is required: how long to keep quiet.")
    minutes = fields.integer("minutes", 60, minimum=1, maximum=LONGEST_SNOOZE)
    said = fields.text("note", longest=MAX_NOTE)
    fields.raise_problems()
    until = now + timedelta(minutes=minutes)
    return _changed(
        incident,
        "snooze",
        by,
        state=IncidentState.SNOOZED.value,
        acknowledged_at=now,
        acknowledged_by=by.shown,
        snoozed_until=until,
        next_notice_at=until,
        **({"note": said} if said else {}),
    )


def resolve(
    incident: Incident, data: Any, *, by: Actor, alerting: Alerting, now: datetime
) -> Incident:
    """Say that it is over, also to those who were told. What is seen of it again opens another one.

    Raises InvalidFields, IncidentOver.
    """
    fields = Fields({} if data is None else data, ("note",))
    said = fields.text("note", longest=MAX_NOTE)
    fields.raise_problems()
    with transaction.atomic():
        resolved = _changed(
            incident,
            "resolve",
            by,
            state=IncidentState.RESOLVED.value,
            resolved_at=now,
            resolved_by=by.shown,
            snoozed_until=None,
            next_notice_at=None,
            **({"note": said} if said else {}),
        )
        tell_recovered([resolved.pk], alerting=alerting, now=now)
    return resolved


def _changed(incident: Incident, verb: str, by: Actor, **columns: Any) -> Incident:
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident.pk).unresolved().update(**columns):
            raise IncidentOver("The incident is resolved already.")
        after = Incident.objects.select_related("rule", "merchant").get(pk=incident.pk)
        note(verb, after, by, before=told(incident), after=told(after))
    return after
