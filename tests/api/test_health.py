"""/health: what a supervisor and a load balancer see."""

import psycopg
import pytest
from django.db import connection

from jobs.engine import POPULATOR_LOCK
from jobs.models import Canary, Watch
from taskflow import health
from tenants.clock import database_now
from tests.api.kit import ApiClient, problem
from tests.factories.jobs import SECOND, make_job, make_worker

pytestmark = pytest.mark.django_db
anyone = ApiClient()


def test_a_live_process_says_so_without_a_key():
    answer = anyone.read("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_a_platform_without_workers_and_populator_is_not_ready():
    answer = anyone.read("/health/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["database"] == {"ok": True}
    assert checks["broker"] == {"ok": True}
    assert checks["populator"] == {"ok": False}
    assert checks["workers"] == {"ok": False, "lanes": {"async": 0, "process": 0, "control": 0}}


def test_a_platform_with_everything_is_ready_and_tells_the_oldest_due_job():
    now = database_now()
    for lane in ("async", "process", "control"):
        make_worker(lane=lane, heartbeat_at=now)
    make_job(run_at=now.replace(year=now.year - 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [POPULATOR_LOCK])
        answer = anyone.read("/health/ready")
        cursor.execute("SELECT pg_advisory_unlock(%s)", [POPULATOR_LOCK])
    assert answer.status_code == 200, answer.content
    assert answer.json()["checks"]["oldest_due_job"]["age_seconds"] > 300 * 86_400


def test_a_slow_look_for_the_oldest_due_job_is_no_missing_database(database_url, monkeypatch):
    monkeypatch.setattr(health, "SECONDS", 1)
    # Only the looks for what is due ask for merchants; the first now waits until its limit.
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE tenants_merchant IN ACCESS EXCLUSIVE MODE")
        checks = anyone.read("/health/ready").json()["checks"]
    assert checks["database"] == {"ok": True}
    assert checks["populator"] == {"ok": False}
    assert checks["oldest_due_job"] == {"ok": True, "age_seconds": None, "lanes": {}}
    assert checks["queues"] == {"ok": True, "lanes": {}}


def test_queues_are_told_and_not_judged():
    now = database_now()
    for lane in ("async", "process", "control"):
        make_worker(lane=lane, heartbeat_at=now, capacity=2, run_times={"python:demo.noop": 4.0})
    for _ in range(3):
        make_job(run_at=now)
    make_job(status="queued")
    make_job(status="running", lane="process")
    make_job(run_at=now.replace(year=now.year + 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [POPULATOR_LOCK])
        answer = anyone.read("/health/ready")
        cursor.execute("SELECT pg_advisory_unlock(%s)", [POPULATOR_LOCK])
    assert answer.status_code == 200, answer.content
    empty = {"due": 0, "queued": 0, "running": 0, "parked": 0, "estimated": []}
    assert answer.json()["checks"]["queues"] == {
        "ok": True,
        "lanes": {
            "async": {**empty, "due": 3, "queued": 1, "drain_seconds": 8.0},
            "process": {**empty, "running": 1, "drain_seconds": 0.0},
        },
    }


def test_a_drain_time_that_nobody_can_know_is_null():
    make_job()
    lanes = anyone.read("/health/ready").json()["checks"]["queues"]["lanes"]
    assert (lanes["async"]["due"], lanes["async"]["drain_seconds"]) == (1, None)


def test_lane_whose_workers_take_nothing_is_not_ready():
    now = database_now()
    for lane in ("async", "process", "control"):
        make_worker(lane=lane, heartbeat_at=now, capacity=2)
    canary = make_job(status="queued", kind="canary")
    row = Canary.objects.create(
        lane="async", job_id=canary.id, due_at=now - 10 * SECOND, waits=True
    )
    Canary.objects.create(
        lane="process",
        job_id=canary.id,
        due_at=now - 20 * SECOND,
        waits=False,
        succeeded_at=now - 19 * SECOND,
        took=1.0,
    )
    told = anyone.read("/health/ready").json()["checks"]["canaries"]
    assert told["ok"]
    assert 10 <= told["lanes"]["async"]["waiting_seconds"] < 60
    assert told["lanes"]["async"]["succeeded_seconds"] is None
    assert 19 <= told["lanes"]["process"]["succeeded_seconds"] < 600
    row.due_at = now - 3600 * SECOND
    row.save()
    told = anyone.read("/health/ready").json()["checks"]["canaries"]
    assert not told["ok"]
    assert told["lanes"]["async"]["silent_seconds"] >= 3600
    assert told["lanes"]["process"]["silent_seconds"] is None


def test_lane_without_workers_is_told_by_its_workers_alone():
    now = database_now()
    make_worker(heartbeat_at=now - 3600 * SECOND)
    checks = anyone.read("/health/ready").json()["checks"]
    assert (checks["workers"]["ok"], checks["canaries"]["ok"]) == (False, True)
    assert checks["canaries"]["lanes"]["async"]["silent_seconds"] >= 3600


def test_brake_of_the_watcher_is_told_and_not_judged():
    assert anyone.read("/health/ready").json()["checks"]["watcher"] == {
        "ok": True,
        "tick_seconds": None,
        "brake": None,
    }
    now = database_now()
    Watch.objects.create(
        ticked_at=now - SECOND,
        held_after=now - 60 * SECOND,
        held_since=now - SECOND,
        held_until=now + 600 * SECOND,
        cause="together",
    )
    told = anyone.read("/health/ready").json()["checks"]["watcher"]
    assert told["ok"]
    assert told["tick_seconds"] >= 1
    assert told["brake"]["cause"] == "together"
    assert 0 < told["brake"]["seconds_left"] <= 600


def test_health_is_only_read():
    assert anyone.send("/health/ready").status_code == 405


def test_an_unknown_health_address_is_a_problem():
    problem(anyone.read("/health/secret"), 404, "unknown_address")
