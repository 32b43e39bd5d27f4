"""Celery's entry points of templates: each translates and makes one domain call."""

import time
from dataclasses import asdict

from celery import shared_task
from django.conf import settings

from templates_app import expander
from templates_app.expander.refresh import Refresh
from tenants.clock import database_now

# One tick goes on for this long at most (seconds); the next one takes the rest.
LONGEST = 20.0
_refresh = Refresh()


@shared_task(name="templates.expand", ignore_result=True)
def expand() -> dict[str, int]:
    """Tick the expander until nothing is due."""
    _refresh.step(database_now())
    total = {"templates": 0, "jobs": 0, "skipped": 0, "failed": 0, "settled": 0}
    stop = time.monotonic() + LONGEST
    while time.monotonic() < stop:
        step = expander.expand(database_now(), settings.TASKFLOW_EXPANSION)
        done = asdict(step)
        total = {name: count + done[name] for name, count in total.items()}
        if not step.more:
            break
    return total
