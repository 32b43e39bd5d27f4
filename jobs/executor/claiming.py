"""Claims that outlast a database that is away: a message that was taken out of the broker is not dropped.

A claim whose answer got lost may have happened. The next try then finds its tickets used, and the
heartbeat hands the attempts back uncounted (Identity), two beats after their lane stopped asking for
them. To start them here would need to tell them from those that another thread, which was given the
same message by a broker that was restored, starts at this moment.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, DataError, InterfaceError, connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.handlers.registry import at_most_once
from jobs.outcomes import Attempt

logger = logging.getLogger(__name__)

Tickets = Sequence[tuple[UUID, int]]

# Seconds between two tries, from the first to the longest.
PAUSE, LONGEST_PAUSE = 0.1, 1.0


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The attempts that were claimed, as which worker, and when (of the monotonic clock)."""

    attempts: Sequence[Attempt] = ()
    worker_id: UUID | None = None
    at: float = 0.0


def claim(
    tickets: Tickets,
    *,
    whoami: Callable[[], UUID | None],
    engine: Engine,
    stops_within: Callable[[float], bool],
) -> Claimed:
    """Claim what is still good of the tickets; try again while the database is away.

    On a new connection each time, for at most `engine.queue_lease` seconds: by then the watcher has
    sent what it could. `whoami`: the worker to claim as; None while it is not registered.
    `stops_within` waits so many seconds, and tells whether the lane stops: then nothing is claimed.
    """
    until = time.monotonic() + engine.queue_lease
    pause, waited = PAUSE, False
    while True:
        worker_id = whoami()
        if worker_id is not None:
            at = time.monotonic()
            try:
                attempts = lifecycle.claim(
                    tickets=tickets,
                    worker_id=worker_id,
                    engine=engine,
                    at_most_once=at_most_once(),
                )
            except DataError:
                raise  # the message's own fault
            except (DatabaseError, InterfaceError) as error:
                if not waited:
                    logger.warning("A message waits for the database (%s)", type(error).__name__)
                waited = True
                connection.close()
            else:
                return Claimed(attempts=attempts, worker_id=worker_id, at=at)
        if stops_within(pause) or time.monotonic() > until:
            return Claimed()
        pause = min(pause * 2, LONGEST_PAUSE)


def give_back(tickets: Tickets) -> None:
    """Let go of tickets that nobody here takes. Their queue lease does that while the database is away."""
    if not tickets:
        return
    for _ in range(2):
        try:
            lifecycle.unqueue(tickets)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%d tickets not given back (%s)", len(tickets), type(error).__name__)
            connection.close()
        else:
            return
