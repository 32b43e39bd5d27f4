"""`dates`: an explicit list."""

from datetime import datetime

from templates_app.recurrence.document import Document, read_time
from templates_app.recurrence.kinds.built import DST, Built, Nested, not_after, wall_schedule
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.schedules import Listed, ListedWalls, Union

KNOWN = ("dates", *DST)
MOST = 5_000


def build(document: Document, seed: str, nested: Nested) -> Built:
    """Build from local times, under the DST policy, and from times with an offset, as they are."""
    zone = document.zone()
    walls: set[datetime] = set()
    instants: set[datetime] = set()
    items = document.items("dates", most=MOST, empty="Give at least one date.")
    for wall, instant in document.each(items, lambda item: read_time(item, "dates", zone)):
        if instant is None:
            walls.add(wall)
        else:
            instants.add(instant)
    named, policy = wall_schedule(document, ListedWalls(tuple(sorted(walls))), zone)
    exact = Listed(tuple(sorted(instants)), zone)
    schedule: Schedule = Union((named, exact)) if walls and instants else named if walls else exact
    shown = [wall.isoformat() for wall in sorted(walls)]
    shown += [zone.aware(instant).isoformat() for instant in exact.instants]
    origins = [not_after(min(walls), zone)] if walls else []
    return Built(
        schedule=schedule,
        zone=zone,
        canonical={"dates": shown, **policy},
        origin=min([*origins, *instants]),
        # A list of one time that the policy skips leaves nothing.
        proven=False,
    )
