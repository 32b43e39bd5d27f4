"""The async lane with its real threads: places, cancels, odd handlers, claims that go wrong."""

import asyncio
import threading
import time
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.async_lane import AsyncLane
from jobs.handlers.python_functions import handler
from jobs.models import DeadLetter, Execution, Job, Worker
from jobs.outcomes import Ending, Result
from jobs.partitions import ensure_partitions, first_id
from tenants.clock import database_now
from tests.factories.jobs import make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)
ENGINE = Engine(heartbeat=0.1, worker_lease=3, deadline_grace=1)


class OddError(BaseException):
    """What some libraries raise although they should not."""


@handler("lane.odd")
async def odd(context):
    raise OddError


@handler("lane.interrupt")
async def interrupt(context):
    raise KeyboardInterrupt


@handler("lane.progress")
async def report(context, percent: float):
    context.progress(percent)
    await asyncio.sleep(30)


def until(condition, what):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture
def lane(transactional_db):
    running = AsyncLane(ENGINE)
    running.start()
    assert running.identity.wait_registered(10)
    yield running
    running.stop(patience=0)
    connection.close()


def queued(handler_name="demo.sleep", **arguments):
    if handler_name == "demo.sleep":
        arguments = {"seconds": 30}
    payload = {"handler": handler_name, "arguments": arguments}
    job = make_job(handler=handler_name, payload=payload, max_attempts=1)
    found = lifecycle.queue_due(lane="async", now=database_now(), limit=10, lease=60)
    return job, [(q.job_id, q.ticket) for q in found]


def status(job):
    return Job.objects.get(id=job.id).status


def test_a_cancel_that_comes_before_the_first_step_counts(lane):
    job, tickets = queued()
    release = threading.Event()
    lane._loop.call_soon_threadsafe(release.wait)  # a busy loop
    assert lane.execute(tickets) == 1
    lifecycle.cancel(job_ids=[job.id], now=database_now())
    until(lambda: lane.identity._last_beat > 0, "a beat")
    lane._stop_attempts(tuple(tickets))
    release.set()
    until(lambda: status(job) == "cancelled", "the job is cancelled")
    until(lane._is_idle, "its place is free again")


@pytest.mark.parametrize("name", ["lane.odd", "lane.interrupt"])
def test_whatever_a_handler_raises_ends_its_own_attempt_only(lane, name):
    neighbour, others = queued()
    lane.execute(others)
    job, tickets = queued(name)
    lane.execute(tickets)
    until(lambda: status(job) == "failed", "the attempt ends")
    assert status(neighbour) == "running"
    until(lambda: len(lane._known) == 1, "only the neighbour fills a place")


def test_progress_in_whole_and_broken_numbers_does_not_stop_the_heartbeat(lane):
    first, tickets = queued("lane.progress", percent=50)
    lane.execute(tickets)
    second, tickets = queued("lane.progress", percent=33.5)
    lane.execute(tickets)

    def shown(job):
        return Job.objects.get(id=job.id).progress

    until(lambda: (shown(first), shown(second)) == (50, 33), "both are shown")


def test_a_claim_whose_answer_was_lost_is_handed_back(lane, monkeypatch):
    job, tickets = queued()
    claim = lifecycle.claim
    asked: list[bool] = []

    def lose_the_answer(**arguments):
        found = claim(**arguments)
        asked.append(True)
        if len(asked) == 1:
            raise OperationalError("server closed the connection")
        return found

    monkeypatch.setattr(lifecycle, "claim", lose_the_answer)
    assert lane.execute(tickets) == 0
    until(lambda: status(job) == "scheduled", "the heartbeat hands it back")
    assert len(asked) == 2
    assert lane._is_idle()


def cut(claim, times):
    """Have the session of the first so many claims end under them, as when PostgreSQL restarts."""
    left = [True] * times

    def claiming(**arguments):
        if left:
            left.pop()
            with psycopg.connect(**address(), autocommit=True) as other:
                connection.ensure_connection()
                other.execute(
                    "SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid]
                )
        return claim(**arguments)

    return claiming


def test_a_message_outlasts_connections_that_are_cut(lane, monkeypatch):
    job, tickets = queued()
    monkeypatch.setattr(lifecycle, "claim", cut(lifecycle.claim, times=3))
    assert lane.execute(tickets) == 1
    assert status(job) == "running"


def test_a_stopping_lane_does_not_wait_for_the_database(lane, monkeypatch):
    job, tickets = queued()
    asked = threading.Event()

    def away(**_):
        asked.set()
        raise OperationalError("the server is away")

    monkeypatch.setattr(lifecycle, "claim", away)
    claiming = threading.Thread(target=execute_and_close, args=(lane, tickets))
    claiming.start()
    assert asked.wait(20)
    assert lane._knows(tickets[0])
    lane.stop(patience=0)
    claiming.join(20)
    assert not claiming.is_alive()
    assert status(job) == "scheduled"


def test_a_message_is_let_go_when_its_lease_is_over(lane, monkeypatch):
    job, tickets = queued()

    def away(**_):
        raise OperationalError("the server is away")

    monkeypatch.setattr(lifecycle, "claim", away)
    lane.engine = replace(ENGINE, queue_lease=0.0)
    assert lane.execute(tickets) == 0
    assert status(job) == "scheduled"
    assert lane._is_idle()


def test_attempts_that_were_claimed_before_the_worker_stood_still_are_not_begun(lane):
    _, tickets = queued()
    loop_is_free = threading.Event()
    lane._loop.call_soon_threadsafe(loop_is_free.wait)
    assert lane.execute(tickets) == 1
    lane.identity._start_over()  # as when it was declared lost meanwhile
    loop_is_free.set()
    until(lane._is_idle, "the attempt is dropped")
    assert lane.run_times.finished == 0
    assert not Execution.objects.exclude(outcome="lost").exists()


def test_a_claim_under_way_when_the_lane_stops_is_handed_back(lane):
    job, tickets = queued()
    with psycopg.connect(**address()) as holder:
        holder.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [job.id])
        claiming = threading.Thread(target=execute_and_close, args=(lane, tickets))
        claiming.start()
        until(lambda: waits_for_a_lock(holder), "the claim waits")
        stopping = threading.Thread(target=lane.stop, kwargs={"patience": 0})
        stopping.start()
        until(lambda: lane._releasing, "the lane lets go")
    claiming.join(20)
    stopping.join(20)
    assert status(job) == "scheduled"
    assert list(Execution.objects.values_list("outcome", flat=True)) == ["released"]
    assert Worker.objects.get().state == "stopped"


def test_a_worker_that_could_not_beat_starts_over_and_its_jobs_are_found(lane):
    job, tickets = queued()
    lane.execute(tickets)
    until(lambda: status(job) == "running", "the job runs")
    former = lane.identity.worker_id
    lane.identity._last_beat -= ENGINE.worker_lease  # as after an outage
    lane.identity._fenced.set()
    lane._abandon()
    until(lambda: Worker.objects.filter(state="alive").exclude(id=former).exists(), "a new self")
    until(lane._is_idle, "the attempt is dropped")
    assert Worker.objects.get(id=former).state == "stopped"
    (stranded,) = lifecycle.find_stranded(now=database_now(), limit=10)
    assert (stranded.attempt.job_id, stranded.lost) == (job.id, True)


def test_a_stale_ending_beside_the_good_one_of_the_same_job_changes_nothing():
    _, tickets = queued()
    (attempt,) = lifecycle.claim(tickets=tickets, worker_id=make_worker().id, engine=ENGINE)
    good = Ending(
        job_id=attempt.job_id, ticket=attempt.ticket, outcome=Result.SUCCEEDED, status="succeeded"
    )
    stale = Ending(
        job_id=attempt.job_id,
        ticket=attempt.ticket + 1,
        outcome=Result.FAILED,
        status="failed",
        code="x",
        fingerprint="f",
    )
    assert len(lifecycle.finish([stale, good])) == 1
    assert Job.objects.get().status == "succeeded"
    assert Execution.objects.get().outcome == "succeeded"
    assert not DeadLetter.objects.exists()


def test_a_week_that_the_default_partition_holds_does_not_keep_others_from_being_made():
    now = database_now() + timedelta(weeks=9)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_execution (id, job_id, merchant_id, number, outcome, scheduled_at, "
            "started_at, finished_at, error_code, error_message, error_detail, log) VALUES "
            "(%s, uuidv7(), uuidv7(), 1, 'succeeded', now(), now(), now(), '', '', '', '[]')",
            [first_id(now)],
        )
    made = ensure_partitions(now)
    assert len(made) == 4
    with connection.cursor() as cursor:
        for name in made:
            cursor.execute(f"DROP TABLE {name}")


def address():
    parts = connection.settings_dict
    return {
        "host": parts["HOST"],
        "port": parts["PORT"],
        "user": parts["USER"],
        "password": parts["PASSWORD"],
        "dbname": parts["NAME"],
    }


def waits_for_a_lock(holder):
    # Not by pg_stat_activity: a transaction sees that as it was when it first looked.
    waiting = (
        "SELECT count(*) FROM pg_locks"
        " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    return holder.execute(waiting).fetchone()[0] > 0


def execute_and_close(lane, tickets):
    lane.execute(tickets)
    connection.close()
