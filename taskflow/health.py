"""/health/live and /health/ready: for supervisors and load balancers, without a key.

Answers carry states and counts only, never an address, a name or an error's text.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from jobs import braking, publishing, queries
from jobs.api.base import bounded_time
from jobs.braking import Vigil
from jobs.depth import LaneDepth
from jobs.pulse import Pulse
from taskflow import vitals
from tenants.clock import database_now

logger = logging.getLogger(__name__)
SECONDS = 2


@csrf_exempt
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 while this process serves requests; looks at nothing else."""
    return JsonResponse({"status": "live"})


@csrf_exempt
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when a job created now would run, 503 otherwise; the checks say what is missing.

    The queues, the age of the oldest due job and the watcher's brake are told, not judged: a backlog
    is no reason to refuse requests.
    """
    checks: dict[str, dict[str, Any]] = {"broker": {"ok": publishing.ping()}}
    try:
        with bounded_time(SECONDS):
            checks |= _database_checks()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Not ready: %s", type(error).__name__)
        checks["database"] = {"ok": False}
    is_ready = all(check["ok"] for check in checks.values())
    status = "ready" if is_ready else "not_ready"
    response = JsonResponse({"status": status, "checks": checks}, status=200 if is_ready else 503)
    # Django logs every 5xx as an error; here 503 is an answer, asked for again and again.
    setattr(response, "_has_been_logged", True)  # noqa: B010
    return response


def _database_checks() -> dict[str, dict[str, Any]]:
    now = database_now()
    workers = vitals.live_workers(now)
    checks: dict[str, dict[str, Any]] = {
        "database": {"ok": True},
        "populator": {"ok": queries.populator_leads()},
        "workers": {"ok": all(workers.values()), "lanes": workers},
        "canaries": _canaries(vitals.in_time(vitals.pulses, now) or [], now),
        "watcher": _watcher(braking.vigil(now), now),
    }
    # In this order: counting is bounded, and when even that takes too long, so will the other look.
    depths = vitals.in_time(vitals.queue_depths, now)
    due = vitals.in_time(queries.oldest_due, now) if depths is not None else None
    return checks | {"queues": _queues(depths or []), "oldest_due_job": _oldest_due_job(due, now)}


def _canaries(pulses: list[Pulse], now: datetime) -> dict[str, Any]:
    """Tell whether workers take and finish jobs; a lane without workers is told by them alone."""
    silent = [pulse.lane for pulse in pulses if pulse.silent_since and pulse.workers]
    lanes = {
        pulse.lane: {
            "succeeded_seconds": _age(pulse.succeeded_at, now),
            "waiting_seconds": _age(pulse.waits_since, now),
            "silent_seconds": _age(pulse.silent_since, now),
        }
        for pulse in pulses
    }
    return {"ok": not silent, "lanes": lanes}


def _watcher(vigil: Vigil, now: datetime) -> dict[str, Any]:
    brake = vigil.hold and {
        "cause": vigil.hold.cause.value,
        "seconds_left": round((vigil.hold.until - now).total_seconds(), 1),
    }
    return {"ok": True, "tick_seconds": _age(vigil.ticked_at, now), "brake": brake}


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round((now - moment).total_seconds(), 1)


def _queues(depths: list[LaneDepth]) -> dict[str, Any]:
    """Return the depths per lane; none when the look took too long, which tells of a backlog."""
    return {"ok": True, "lanes": {depth.lane: _queue(depth) for depth in depths}}


def _queue(depth: LaneDepth) -> dict[str, Any]:
    seconds = depth.drain_seconds
    return {
        "due": depth.due,
        "queued": depth.queued,
        "running": depth.running,
        "parked": depth.parked,
        "estimated": sorted(depth.estimated),
        "drain_seconds": None if seconds is None else round(seconds, 1),
    }


def _oldest_due_job(due: dict[str, datetime] | None, now: datetime) -> dict[str, Any]:
    """Return the ages per lane; no age when the look took too long, which tells of a backlog."""
    if due is None:
        return {"ok": True, "age_seconds": None, "lanes": {}}
    ages = {lane: round((now - moment).total_seconds(), 3) for lane, moment in due.items()}
    return {"ok": True, "age_seconds": max(ages.values(), default=0.0), "lanes": ages}
