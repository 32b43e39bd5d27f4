"""/health/live and /health/ready: for supervisors and load balancers, without a key.

Answers carry states and counts only, never an address, a name or an error's text.
"""

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from psycopg.errors import QueryCanceled

from jobs import liveness, publishing, queries
from jobs.api.base import bounded_time
from jobs.handlers.registry import COMMAND, LANES
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

    The age of the oldest due job is told, not judged: a backlog is no reason to refuse requests.
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
    engine = settings.TASKFLOW_ENGINE
    # The control lane shows by the watcher's ticks, which may be further apart than heartbeats.
    lanes = liveness.live_lanes(now=now, lease=max(engine.worker_lease, engine.watch * 3))
    names = [lane for lane in (*LANES, liveness.CONTROL) if _is_expected(lane)]
    workers = {lane: lanes[lane].workers if lane in lanes else 0 for lane in names}
    return {
        "database": {"ok": True},
        "populator": {"ok": queries.populator_leads()},
        "workers": {"ok": all(workers.values()), "lanes": workers},
        "oldest_due_job": _oldest_due_job(now),
    }


def _is_expected(lane: str) -> bool:
    """Tell whether somebody should serve the lane: commands are off unless the operator allows some."""
    return lane != COMMAND or settings.TASKFLOW_ALLOWED_COMMANDS.is_on


def _oldest_due_job(now: datetime) -> dict[str, Any]:
    """Return the ages per lane; no age when the look took too long, which tells of a backlog."""
    try:
        with transaction.atomic():
            due = queries.oldest_due(now)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return {"ok": True, "age_seconds": None, "lanes": {}}
    ages = {lane: round((now - moment).total_seconds(), 3) for lane, moment in due.items()}
    return {"ok": True, "age_seconds": max(ages.values(), default=0.0), "lanes": ages}
