"""How fast a lane does its work, and how long what waits will take. Pure.

Measured, never guessed. What ended of late says most: it knows how busy the machines are, which run
times do not (a no-op of a millisecond takes a hundred times as long to fetch and to record). Where
attempts end too seldom to count them, they take long, and then their run times say it.
"""

from dataclasses import dataclass

# Seconds of the two spans in which ended attempts are counted, and how many make a rate.
JUST_NOW = 10.0
LATELY = 60.0
ENOUGH_JUST_NOW = 100
ENOUGH_LATELY = 10
# A group of endings is written at once: less than this says nothing about a second.
SHORTEST = 1.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Attempts that ended within one of the spans, and the seconds since the first of them."""

    attempts: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.attempts / max(self.seconds, SHORTEST)


@dataclass(frozen=True, kw_only=True)
class Places:
    """What a lane's live workers run at once, and the seconds of their slowest work; 0 unknown."""

    capacity: int
    run_time: float = 0.0


def drain_rate(*, just_now: Ended, lately: Ended, places: Places) -> float | None:
    """Return how many attempts a second the lane ends; None when nobody has measured it."""
    if just_now.attempts >= ENOUGH_JUST_NOW:
        return just_now.rate
    if lately.attempts >= ENOUGH_LATELY:
        return lately.rate
    if places.run_time > 0 and places.capacity > 0:
        return places.capacity / places.run_time
    return None


def drain_seconds(waiting: int, rate: float | None) -> float | None:
    """Return how long `waiting` jobs will take; 0 when there are none, None when it is unknown."""
    if not waiting:
        return 0.0
    return waiting / rate if rate else None
