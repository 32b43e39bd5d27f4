"""Celery's entry points: each translates and makes one domain call."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings

from jobs import redriver, watcher
from jobs.archiver import stepping
from jobs.executor.lanes import current_lane
from jobs.lifecycle import BEGINNING, Place
from tenants.clock import database_now

logger = logging.getLogger(__name__)

# One tick of the archiver ends after so many seconds: then other ticks of its worker have their turn.
ARCHIVER_TURN = 20.0


@shared_task(name="jobs.execute", ignore_result=True)
def execute(tickets: list[list[Any]]) -> int:
    """Run the jobs that a message names; the tickets decide which of them are still ours."""
    return current_lane().execute([(UUID(job_id), int(ticket)) for job_id, ticket in tickets])


@shared_task(name="jobs.watch", ignore_result=True)
def watch() -> None:
    """Tick the watcher."""
    watcher.watch(database_now(), settings.TASKFLOW_ENGINE)


@shared_task(name="jobs.redrive", ignore_result=True)
def redrive() -> None:
    """Tick the redriver."""
    redriver.step(database_now())


@shared_task(name="jobs.upkeep", ignore_result=False)
def upkeep() -> dict[str, int]:
    """Tick the upkeep; its result is kept for people to look at."""
    return asdict(watcher.keep_up(database_now()))


@shared_task(name="jobs.archive", ignore_result=True)
def archive(place: Sequence[str] | None = ()) -> None:
    """Tick the archiver from a place of its walk on; while there is more to do, ask for another tick.

    `place` is the end and the id of a job, nothing for the beginning, or None when the walk is over.
    """
    until = time.monotonic() + ARCHIVER_TURN
    for done in stepping.steps(settings.TASKFLOW_RETENTION, place=_place(place)):
        logger.info("Archiver: %s", done)
        if done.failure:
            logger.error("Archiver: %s", done.failure)
        if done.more and time.monotonic() > until:
            archive.apply_async(args=(_told(done.place),), queue="control")
            return


def _place(told: Sequence[str] | None) -> Place | None:
    if not told:
        return None if told is None else BEGINNING
    ended_at, job_id = told
    return Place(finalized_at=datetime.fromisoformat(ended_at), job_id=UUID(job_id))


def _told(place: Place | None) -> list[str] | None:
    return None if place is None else [place.finalized_at.isoformat(), str(place.job_id)]
