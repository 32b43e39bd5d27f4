"""Maintenance windows: what opens in one is kept, and told when it is over."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alerts.models import Incident
from templates_app.calendars.windows import Window
from templates_app.expander.windows_in_force import InForce, windows_in_force
from templates_app.planning.window_book import naive

# A window may be deleted, or end earlier than planned: nobody waits longer before looking again.
LOOK_AGAIN = timedelta(minutes=5)
_TEMPLATE = "template:"


class Quiet:
    """The windows that concern some incidents, read once."""

    def __init__(self, incidents: Iterable[Incident], now: datetime) -> None:
        self._now = now
        self._owners = {incident.pk: _owners(incident) for incident in incidents}
        every = set().union(*self._owners.values()) if self._owners else set()
        ids = {owner for owner in every if owner is not None}
        self._windows = windows_in_force(ids, ids, now) if self._owners else {}

    def until(self, incident: Incident) -> datetime | None:
        """Return when to look at the incident again; None when it is to be told of now."""
        ends = [
            end
            for owner in self._owners[incident.pk]
            for window in self._windows.get(owner, ())
            if (end := _end(window, naive(self._now))) is not None
        ]
        if not ends:
            return None
        return min(max(ends).replace(tzinfo=UTC), self._now + LOOK_AGAIN)


def _owners(incident: Incident) -> set[UUID | None]:
    """Return by whom windows concern it: everybody's, its merchant's, its template's."""
    owners: set[UUID | None] = {None, incident.merchant_id}
    if incident.subject_key.startswith(_TEMPLATE):
        owners.add(UUID(incident.subject_key.removeprefix(_TEMPLATE)))
    return owners


def _end(window: InForce, now: datetime) -> datetime | None:
    """Return when the window that is open at `now` ends; None when it is shut."""
    spans = (
        [window]
        if isinstance(window, Window)
        else window.spans(now - window.lasts, now + timedelta(seconds=1))
    )
    ends = [span.end for span in spans if span.start <= now < span.end]
    return max(ends, default=None)
