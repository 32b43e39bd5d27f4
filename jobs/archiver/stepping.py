"""The archiver's loop: step after step until nothing is left, for the command and for the nightly tick."""

import time
from collections.abc import Iterator

from jobs.archiver import Archived, archive
from jobs.lifecycle import BEGINNING, Place
from jobs.retention import Retention
from tenants.clock import database_now

# Seconds between two tries at a table that somebody holds, and how many of them come to nothing.
PAUSE = 1.0
TRIES = 30


def steps(retention: Retention, *, place: Place | None = BEGINNING) -> Iterator[Archived]:
    """Yield what each step did; the caller stops when it has had enough."""
    tries = TRIES
    while True:
        done = archive(database_now(), retention, place=place)
        yield done
        place = done.place
        tries = tries - 1 if done.blocked else TRIES
        if not done.more or not tries:
            return
        if done.blocked and not done.moved:
            time.sleep(PAUSE)
