"""Where a recurrence that was built before begins."""

from datetime import datetime

from templates_app.recurrence.day_times import DayTimes
from templates_app.recurrence.kinds.interval import DEFAULT_ANCHOR
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.rrule.ruleset import RuleSet
from templates_app.recurrence.schedules import Elapsed, Except, InZone, Listed, ListedWalls, Union
from templates_app.recurrence.timeline import LONGEST_CHANGE, WallSchedule
from templates_app.recurrence.value import Recurrence


def beginning(schedule: Schedule) -> datetime | None:
    """Return a naive UTC instant that nothing is scheduled before, if one was given.

    None for what goes on for ever both ways, and for an interval without an anchor.
    """
    match schedule:
        case Recurrence():
            return schedule.starts_at or beginning(schedule.schedule)
        case Elapsed():
            default = schedule.zone.instant(DEFAULT_ANCHOR)
            return None if schedule.anchor == default else schedule.anchor
        case Listed():
            return schedule.instants[0]
        case WallSchedule():
            wall = _first_wall(schedule)
            # A time in a gap may run before the instant that it names.
            return None if wall is None else schedule.zone.instant(wall) - LONGEST_CHANGE
        case InZone():
            return beginning(schedule.part)
        case Except():
            return beginning(schedule.source)
        case Union():
            found = [beginning(part) for part in schedule.parts]
            known = [at for at in found if at is not None]
            return min(known) if len(known) == len(found) else None
    return None


def _first_wall(schedule: WallSchedule) -> datetime | None:
    match schedule.stream:
        case RuleSet() as rules:
            return min((rules.dtstart, *rules.rdates[:1]))
        case ListedWalls() as listed:
            return listed.times[0]
        case DayTimes() as days:
            return None if days.earliest == DEFAULT_ANCHOR else days.earliest
    return None
