"""Celery's entry points: each translates and makes one domain call."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings

from jobs import redriver, watcher
from jobs.executor.lanes import current_lane
from tenants.clock import database_now


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
