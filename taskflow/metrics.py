"""/metrics: how the platform is, in Prometheus' text format, read from PostgreSQL at each scrape.

Any api process answers the same, since none keeps anything. Labels are lanes, states and parts, all
known beforehand: never a merchant, a handler or a host.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from jobs import braking, publishing, queries
from jobs.api.base import bounded_time
from jobs.archiver.retiring import due_weeks, retired_tables
from jobs.partitions import History, weeks_of
from taskflow import vitals
from taskflow.api_errors import problem_response
from taskflow.error_pages import nothing_here
from taskflow.metrics_access import Access, access
from tenants.clock import database_now

logger = logging.getLogger(__name__)
SECONDS = 2  # that one statement may take


@csrf_exempt
@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Answer 200 with whatever could be read; 401 or 404 to whom taskflow.metrics_access refuses."""
    match access(request):
        case Access.HIDDEN:
            return nothing_here(request)
        case Access.NO_TOKEN:
            return _asked_for_the_token(request)
    registry = CollectorRegistry()
    registry.register(Platform())
    encode, content_type = choose_encoder(request.META.get("HTTP_ACCEPT", ""))
    return HttpResponse(encode(registry), content_type=content_type)


class Platform(Collector):
    """Reads broker and PostgreSQL each time it is asked."""

    def collect(self) -> Iterable[Metric]:
        """Yield every family; those of a part that could not be read are left out, and told."""
        yield _one("taskflow_broker_up", "Whether the broker answers.", publishing.ping())
        read, is_up = _parts_read()
        yield _one("taskflow_database_up", "Whether PostgreSQL answers.", is_up)
        errors = GaugeMetricFamily(
            "taskflow_scrape_error", "Whether this part could not be read.", labels=["part"]
        )
        for part in _PARTS:
            errors.add_metric([part], part not in read)
        yield errors
        for families in read.values():
            yield from families


def _parts_read() -> tuple[dict[str, list[Metric]], bool]:
    """Return the parts that PostgreSQL answered in time, and whether it was there to the end."""
    read: dict[str, list[Metric]] = {}
    try:
        with bounded_time(SECONDS):
            now = database_now()
            for part, look in _PARTS.items():
                families = vitals.in_time(look, now)
                if families is not None:
                    read[part] = families
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Metrics are incomplete: %s", type(error).__name__)
        return read, False
    return read, True


def _workers(now: datetime) -> list[Metric]:
    workers = vitals.live_workers(now)
    return [_by_lane("taskflow_workers", "Worker processes that are alive.", workers)]


def _populator(_: datetime) -> list[Metric]:
    leads = queries.populator_leads()
    return [_one("taskflow_populator_leads", "Whether a populator queues what is due.", leads)]


def _canaries(now: datetime) -> list[Metric]:
    pulses = vitals.pulses(now)
    back = {p.lane: (now - p.succeeded_at).total_seconds() for p in pulses if p.succeeded_at}
    took = {p.lane: p.took for p in pulses if p.took is not None}
    waits = {p.lane: (now - (p.waits_since or now)).total_seconds() for p in pulses}
    silent = {p.lane: float(p.silent_since is not None) for p in pulses}
    return [
        _by_lane(
            "taskflow_canary_age_seconds",
            "Time since the lane's last canary came back; absent before the first.",
            back,
        ),
        _by_lane(
            "taskflow_canary_waiting_seconds",
            "Time since the lane's unfinished canary was due; 0 when none waits.",
            waits,
        ),
        _by_lane("taskflow_canary_took_seconds", "How long the last canary was on its way.", took),
        _by_lane("taskflow_lane_silent", "Whether the lane takes and finishes no jobs.", silent),
    ]


def _watcher(now: datetime) -> list[Metric]:
    vigil = braking.vigil(now)
    told = "How often leases that ran out together were held for one more."
    brakes = CounterMetricFamily("taskflow_watcher_brakes", told, value=vigil.brakes)
    on = _one("taskflow_watcher_brake", "Whether they are held now.", vigil.hold is not None)
    age = GaugeMetricFamily(
        "taskflow_watcher_tick_age_seconds", "Time since its last tick; absent before the first."
    )
    if vigil.ticked_at is not None:
        age.add_metric([], (now - vigil.ticked_at).total_seconds())
    return [brakes, on, age]


def _queues(now: datetime) -> list[Metric]:
    jobs = GaugeMetricFamily(
        "taskflow_jobs",
        "Jobs that are due, queued in the broker, running, or parked behind a flow rule or a key.",
        labels=["lane", "state"],
    )
    estimated = GaugeMetricFamily(
        "taskflow_jobs_estimated",
        "Whether there are so many that taskflow_jobs is an estimate.",
        labels=["lane", "state"],
    )
    drain: dict[str, float] = {}
    for depth in vitals.queue_depths(now):
        for state in ("due", "queued", "running", "parked"):
            jobs.add_metric([depth.lane, state], getattr(depth, state))
        for state in ("due", "parked"):
            estimated.add_metric([depth.lane, state], state in depth.estimated)
        if depth.drain_seconds is not None:
            drain[depth.lane] = depth.drain_seconds
    told = (
        "Time that due and queued jobs will take at the lane's measured rate; absent when unknown."
    )
    return [jobs, estimated, _by_lane("taskflow_queue_drain_seconds", told, drain)]


def _oldest_due_job(now: datetime) -> list[Metric]:
    since = queries.oldest_due(now)
    ages = {
        lane: (now - since.get(lane, now)).total_seconds()
        for lane in {*vitals.served_lanes(), *since}
    }
    told = "Time since the lane's oldest due job was to start; 0 when none is due."
    return [_by_lane("taskflow_oldest_due_job_age_seconds", told, ages)]


def _history(now: datetime) -> list[Metric]:
    weeks = GaugeMetricFamily(
        "taskflow_history_weeks", "Weeks of history that are kept.", labels=["table"]
    )
    for table in History:
        weeks.add_metric([table.name.lower()], len(weeks_of(table)))
    overdue = len(due_weeks(now, settings.TASKFLOW_RETENTION)) + len(retired_tables())
    told = "Weeks that nobody keeps any more, and that were not dropped yet."
    return [weeks, _one("taskflow_history_weeks_overdue", told, overdue)]


def _redrives(_: datetime) -> list[Metric]:
    redrives = GaugeMetricFamily(
        "taskflow_redrives", "Redrives of dead letters that are not done.", labels=["state"]
    )
    letters = GaugeMetricFamily(
        "taskflow_redrive_letters_left", "Dead letters of theirs still to come.", labels=["state"]
    )
    for state, (count, left) in queries.unfinished_redrives().items():
        redrives.add_metric([state], count)
        letters.add_metric([state], left)
    return [redrives, letters]


# In this order: what is known to be quick comes first.
_PARTS: dict[str, Callable[[datetime], list[Metric]]] = {
    "workers": _workers,
    "populator": _populator,
    "canaries": _canaries,
    "watcher": _watcher,
    "redrives": _redrives,
    "queues": _queues,
    "oldest_due_job": _oldest_due_job,
    "history": _history,
}


def _one(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))


def _by_lane(name: str, told: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=["lane"])
    for lane, value in values.items():
        family.add_metric([lane], value)
    return family


def _asked_for_the_token(request: HttpRequest) -> HttpResponse:
    response = problem_response(
        request,
        status=HTTPStatus.UNAUTHORIZED,
        code="metrics_token_needed",
        detail="Metrics are for whoever sends TASKFLOW_METRICS_TOKEN as a bearer token.",
    )
    response["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return response
