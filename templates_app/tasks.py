"""Celery's entry points of templates: each translates and makes one domain call."""

import logging
import time
from dataclasses import asdict

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from templates_app import expander
from templates_app.expander.refresh import Refresh
from tenants.clock import database_now

logger = logging.getLogger(__name__)

# A tick ends so much (seconds) before the next one comes: other ticks of its worker get their turn.
MARGIN = 0.25
_refresh = Refresh()


@shared_task(name="templates.expand", ignore_result=True)
def expand() -> dict[str, int]:
    """Tick the expander until nothing is due, or the next tick comes.

    A full batch says that there is more: another process is asked to take a share.
    """
    until = _until()
    first = expander.expand(database_now(), settings.TASKFLOW_EXPANSION, ask_others=_ask_to_share)
    counts = _expand(first, until)
    _refresh.step(database_now())
    return counts


@shared_task(name="templates.expand_share", ignore_result=True)
def share() -> dict[str, int]:
    """Take batches beside the tick that asked; each batch is one expander's alone."""
    until = _until()
    return _expand(expander.expand(database_now(), settings.TASKFLOW_EXPANSION), until)


def _ask_to_share() -> None:
    try:
        # At once or not at all: the batch holds its templates meanwhile.
        share.apply_async(queue="control", expires=settings.TASKFLOW_EXPANSION.tick, retry=False)
    except OperationalError:
        logger.warning("The broker could not be reached; the tick expands what is due alone.")


def _expand(first: expander.Expanded, until: float) -> dict[str, int]:
    total, more = _counts(first), first.more
    while more and time.monotonic() < until:
        step = expander.expand(database_now(), settings.TASKFLOW_EXPANSION)
        total = {name: total[name] + count for name, count in _counts(step).items()}
        more = step.more
    return total


def _counts(step: expander.Expanded) -> dict[str, int]:
    return {name: count for name, count in asdict(step).items() if name != "more"}


def _until() -> float:
    return time.monotonic() + max(settings.TASKFLOW_EXPANSION.tick - MARGIN, MARGIN)
