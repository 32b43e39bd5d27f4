"""The last of a stream that can only be walked forwards."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeAlias

from templates_app.recurrence.moments import Moment

# Growing spans are looked at, from a minute to four centuries.
FIRST_SPAN = timedelta(minutes=1)
GROWTH = 16
LONGEST_SPAN = timedelta(days=146_097)
# Of what a span holds so many are walked before the rest of it is halved.
FEW = 16

Between: TypeAlias = Callable[[datetime, datetime], Iterator[Moment]]
"""Yields what is due after one instant and not after another, in order."""


def last_between(between: Between, earliest: datetime, latest: datetime) -> Moment | None:
    """Return the last moment after `earliest` and not after `latest`; None if there is none.

    Looks back four centuries at most. Walks a few hundred moments at most, however dense or remote
    they are.
    """
    span, high = FIRST_SPAN, latest
    while high > earliest and latest - high < LONGEST_SPAN:
        low = max(high - min(span, high - earliest), earliest)
        found = next(between(low, high), None)
        if found is not None:
            return _last_from(between, found, high)
        span, high = span * GROWTH, low
    return None


def _last_from(between: Between, found: Moment, high: datetime) -> Moment:
    """Return the last moment not after `high`; `found` is one."""
    while True:
        following = list(islice(between(found.due, high), FEW))
        if not following:
            return found
        found = following[-1]
        if len(following) < FEW:
            return found
        middle = found.due + (high - found.due) / 2
        later = next(between(middle, high), None)
        if later is None:
            high = middle
        else:
            found = later
