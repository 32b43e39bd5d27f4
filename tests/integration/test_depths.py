"""How deep each lane's queue is, and how long it will take."""

from datetime import timedelta

import pytest
from django.db import connection

from jobs import depth
from jobs.depth import lane_depths
from jobs.handlers.registry import LANES
from jobs.models import Execution, Job
from jobs.partitions import ensure_partitions, first_id
from jobs.statements import depths
from tenants.clock import database_now
from tenants.identifiers import new_id
from tenants.statement import execute
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.test_occurrence_plans import plan

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LEASE = 20.0


@pytest.fixture(autouse=True)
def whole_table(monkeypatch):
    """A sample reads all pages: other tests leave any number of empty ones behind."""
    monkeypatch.setattr(depth, "PAGES_SAMPLED", 10**9)


def looked(now=NOW, **values):
    """Return the depths by lane."""
    return {each.lane: each for each in lane_depths(LANES, now=now, lease=LEASE, **values)}


def states(found):
    return found.due, found.queued, found.running, found.parked


def parked(**values):
    return make_job(gate="parked", parked_by=new_id(), parked_rank=NOW, **values)


def in_line(**values):
    """Store a job that waits for others of its concurrency key."""
    return make_job(concurrency_key="account-1", concurrency_limit=1, in_line=True, **values)


def attempts(worker, number, *, now, first, outcome="succeeded"):
    """Store attempts that a worker ended, evenly from `first` seconds ago to now."""
    job = make_job(status="succeeded", lane=worker.lane)
    Execution.objects.bulk_create(
        Execution(
            job=job,
            merchant_id=job.merchant_id,
            number=turn + 1,
            outcome=outcome,
            scheduled_at=now,
            started_at=now,
            finished_at=now - (first - turn * first / number) * SECOND,
            worker_id=worker.id,
        )
        for turn in range(number)
    )


def bystanders(**values):
    """Store jobs that are in no state of a queue."""
    for status in ("blocked", "succeeded", "failed", "cancelled", "skipped"):
        make_job(status=status, **values)
    make_job(scheduled_at=NOW + SECOND, **values)
    make_job(status="retryable", scheduled_at=NOW + HOUR, **values)
    make_job(expires_at=NOW - SECOND, **values)
    make_job(missed_at=NOW - SECOND, **values)
    for gate in ("shut", "held"):
        make_job(gate=gate, overlap="wait", template_id=new_id(), **values)
    make_job(concurrency_key="account-1", concurrency_limit=1, **values)
    suspended = make_merchant(active=False)
    make_job(merchant=suspended, **values)
    parked(merchant=suspended, **values)


def test_each_state_is_counted_in_its_lane_and_nothing_else():
    bystanders()
    bystanders(lane="process")
    make_job()
    make_job(status="retryable", priority=9)
    make_job(scheduled_at=NOW - HOUR, missed_at=NOW + SECOND, expires_at=NOW + SECOND)
    for number, status in ((2, "queued"), (1, "running")):
        for _ in range(number):
            make_job(status=status)
    parked()
    make_job(lane="process")
    parked(lane="process")
    parked(lane="process")
    found = looked()
    assert states(found["async"]) == (3, 2, 1, 1)
    assert states(found["process"]) == (1, 0, 0, 2)
    assert states(found["command"]) == (0, 0, 0, 0)
    assert [each.estimated for each in found.values()] == [frozenset()] * 3


def test_more_than_is_counted_is_estimated_and_says_so():
    for _ in range(5):
        make_job()
    for _ in range(2):
        make_job(lane="process")
    parked()
    bystanders()
    found = looked(most=2)
    assert (found["async"].due, found["async"].estimated) == (5, {"due"})
    assert (found["process"].due, found["process"].estimated) == (2, frozenset())
    assert found["async"].parked == 1


def test_more_parked_jobs_than_are_counted_are_estimated_for_every_lane():
    for lane, number in (("async", 4), ("process", 2)):
        for _ in range(number):
            parked(lane=lane)
    make_job()
    found = looked(most=3)
    assert [(each.lane, each.parked) for each in found.values() if each.parked] == [
        ("async", 4),
        ("process", 2),
    ]
    assert {each.estimated for each in found.values()} == {frozenset({"parked"})}
    assert found["async"].due == 1


def test_jobs_in_the_line_of_a_key_are_parked_in_their_lanes():
    bystanders()
    bystanders(lane="process")
    make_job()
    parked()
    in_line(merchant=make_merchant(active=False))
    for lane, number in (("async", 2), ("process", 3)):
        for _ in range(number):
            in_line(lane=lane)
    found = looked()
    assert [(each.lane, each.due, each.parked) for each in found.values() if each.parked] == [
        ("async", 1, 3),
        ("process", 0, 3),
    ]
    assert [each.estimated for each in found.values()] == [frozenset()] * len(found)


def test_more_jobs_in_lines_of_keys_than_are_counted_are_estimated():
    bystanders()
    in_line(merchant=make_merchant(active=False))
    parked()
    for lane, number in (("async", 4), ("process", 2)):
        for _ in range(number):
            in_line(lane=lane)
    found = looked(most=3)
    assert (found["async"].parked, found["process"].parked) == (5, 2)
    assert {each.estimated for each in found.values()} == {frozenset({"parked"})}


def test_flood_of_a_suspended_merchant_does_not_hide_the_others():
    suspended = make_merchant(active=False)
    for _ in range(5):
        make_job(merchant=suspended, priority=10)
    for _ in range(3):
        make_job()
    assert looked(most=2)["async"].due == 3


def test_half_of_the_pages_give_about_the_number_of_jobs(monkeypatch):
    merchant = make_merchant()
    waiting = {"merchant": merchant, "kind": "python", "lane": "async", "status": "scheduled"}
    Job.objects.bulk_create(
        [Job(**waiting, run_at=NOW, scheduled_at=NOW) for _ in range(6_000)], batch_size=2_000
    )
    ((pages,),) = execute(depths.JOB_PAGES)
    monkeypatch.setattr(depth, "PAGES_SAMPLED", pages / 2)
    found = looked(most=10)["async"]
    assert found.estimated == {"due"}
    assert 3_600 < found.due < 8_400


def test_drain_time_follows_from_what_the_lane_ended_in_the_last_minute():
    now = database_now()
    ensure_partitions(now)
    worker = make_worker(heartbeat_at=now)
    attempts(worker, 20, now=now, first=40)
    attempts(worker, 50, now=now, first=50, outcome="lost")
    attempts(worker, 50, now=now, first=50, outcome="released")
    attempts(make_worker(heartbeat_at=now, lane="process"), 30, now=now, first=30)
    for _ in range(4):
        make_job(scheduled_at=now - SECOND)
    make_job(status="queued")
    make_job(status="running")
    found = looked(now)
    assert found["async"].rate == pytest.approx(0.5)
    assert found["async"].drain_seconds == pytest.approx(10.0)
    assert found["process"].rate == pytest.approx(1.0)
    assert found["process"].drain_seconds == 0.0


def test_what_ended_just_now_counts_more_than_the_minute():
    now = database_now()
    ensure_partitions(now)
    worker = make_worker(heartbeat_at=now)
    attempts(worker, 20, now=now, first=55)
    attempts(worker, 100, now=now, first=5)
    # Three of the slow ones ended within the span as well, the first of them 8.25 seconds ago.
    assert looked(now)["async"].rate == pytest.approx(103 / 8.25)


def test_a_lane_of_long_jobs_goes_by_its_places_and_run_times():
    make_worker(lane="process", capacity=4, run_times={"python:report": 8.0, "python:noop": 0.01})
    make_worker(lane="process", capacity=4, run_times={"python:report": 10.0})
    make_worker(lane="process", capacity=90, heartbeat_at=NOW - HOUR, run_times={"python:x": 0.1})
    for _ in range(16):
        make_job(lane="process")
    found = looked()["process"]
    assert found.rate == pytest.approx(0.8)
    assert found.drain_seconds == pytest.approx(20.0)


def test_drain_time_is_unknown_where_nothing_was_measured():
    make_worker()
    make_job()
    found = looked()
    assert (found["async"].rate, found["async"].drain_seconds) == (None, None)


def test_drain_time_is_unknown_without_live_workers_whatever_ended_before():
    now = database_now()
    ensure_partitions(now)
    attempts(make_worker(heartbeat_at=now - HOUR), 200, now=now, first=9)
    make_job(scheduled_at=now - SECOND)
    found = looked(now)
    assert (found["async"].due, found["async"].drain_seconds) == (1, None)
    assert found["process"].drain_seconds == 0.0


@pytest.fixture
def backlog():
    """A history, jobs of tomorrow, and more due and parked ones than a look of ten counts."""
    common = {"merchant": make_merchant(), "kind": "python", "run_at": NOW, "lane": "async"}
    done = {"status": "succeeded", "finalized_at": NOW, "scheduled_at": NOW - HOUR}
    behind = {"gate": "parked", "parked_by": new_id(), "parked_rank": NOW}
    of_key = {
        "concurrency_key": "account-1",
        "concurrency_limit": 1,
        "gate": "keyed",
        "in_line": True,
    }
    jobs = []
    for _ in range(1_000):
        jobs += [Job(**common, **done), Job(**common, **done)]
        jobs.append(Job(**common, status="scheduled", scheduled_at=NOW + HOUR))
        jobs.append(Job(**common, status="scheduled", scheduled_at=NOW - SECOND))
        jobs.append(Job(**common, status="retryable", scheduled_at=NOW - SECOND, **behind))
        jobs.append(Job(**common, status="scheduled", scheduled_at=NOW - SECOND, **of_key))
    Job.objects.bulk_create(jobs, batch_size=2_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")


@pytest.mark.usefixtures("backlog")
def test_a_look_reads_no_more_jobs_than_it_counts():
    used, read = plan(depths.DUE_PER_LANE, lanes=list(LANES), now=NOW, most=10)
    assert (used & {"job_due", "job_due_of_merchant"}, "Seq Scan" in used) == ({"job_due"}, False)
    assert read <= 15
    used, read = plan(depths.PARKED_PER_LANE, most=10)
    assert {"job_parked", "job_in_line"} <= used
    assert read <= 25
    used, read = plan(depths.RUNNING_PER_LANE)
    assert used <= {"job_running", "job_overdue"}
    assert read == 0


@pytest.mark.usefixtures("backlog")
def test_an_estimate_reads_the_share_of_pages_that_it_asks_for():
    used, read = plan(depths.SAMPLE, percent=20.0, lanes=list(LANES), now=NOW)
    assert "Sample Scan" in used
    assert 0 < read < 2_500


def test_the_rate_is_read_from_the_newest_attempts_only():
    now = database_now()
    ensure_partitions(now)
    attempts(make_worker(heartbeat_at=now), 3_000, now=now, first=30)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_execution")
    since = now - HOUR
    values = {"first_id": first_id(since), "lately": since, "just_now": since, "most": 100}
    ((lane, lately, *_),) = execute(depths.ENDED_LATELY, **values)
    assert (lane, lately) == ("async", 100)
    _, read = plan(depths.ENDED_LATELY, **values)
    assert read < 200
