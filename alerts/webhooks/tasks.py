"""Celery's entry points of webhooks: each translates and makes one domain call."""

import time
from dataclasses import asdict

from celery import shared_task

from alerts.webhooks import crowding
from alerts.webhooks import fan_out as service
from alerts.webhooks import upkeep as keeping
from alerts.webhooks.timing import TICK
from tenants.clock import database_now


@shared_task(name="webhooks.fan_out", ignore_result=True)
def fan_out() -> int:
    """Tick the fan-out until nothing is new, or the next tick comes; hold back who takes up too many places."""
    until = time.monotonic() + TICK
    crowding.hold_back()
    handed_on = 0
    step = service.FannedOut()
    while True:
        step = service.fan_out(database_now(), after=step.after)
        handed_on += step.events
        if not step.more or time.monotonic() >= until:
            return handed_on


@shared_task(name="webhooks.upkeep", ignore_result=True)
def upkeep() -> dict[str, int]:
    """Tick the upkeep."""
    return asdict(keeping.keep_up(database_now()))
