"""What planning may cost, so that no template holds up the others or a request."""

from dataclasses import dataclass

from templates_app.calendars.openness import ClosedPolicy, Moved

# In units of what an occurrence costs that simply runs, some five microseconds: half a second.
MOST_WORK = 100_000
# Finding the open minutes of one day, asking of one day whether a time of it is open.
DAY_OPENED = 6
DAYS_ASKED = 3  # a unit
CLOSED = 3
# Nothing was found, after a search over a year.
YEAR_OPENED = 366 * DAY_OPENED
YEAR_ASKED = 366 // DAYS_ASKED
# The windows of a month, each that recurs.
MONTH_OF_WINDOWS = 150
BY_THE_MINUTE = (ClosedPolicy.SKIP, ClosedPolicy.NEXT_OPEN, ClosedPolicy.PREVIOUS_OPEN)


@dataclass(slots=True)
class Work:
    """The account of one plan: what is left of it, in units."""

    left: int = MOST_WORK

    def spend(self, units: int) -> None:
        """Note what something has cost; it may leave less than nothing."""
        self.left -= units


def cost_of(moved: Moved, policy: ClosedPolicy, days: int) -> int:
    """Return what it cost to look for another place for an occurrence, `days` away."""
    if policy in BY_THE_MINUTE:
        return CLOSED + (YEAR_OPENED if moved.instant is None else days * DAY_OPENED)
    return CLOSED + (YEAR_ASKED if moved.instant is None else days // DAYS_ASKED)
