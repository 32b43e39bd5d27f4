"""Handlers that must not run twice: what lanes and watcher make of their attempts."""

import asyncio
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.async_lane import AsyncLane
from jobs.executor.process_child import ProcessChild
from jobs.executor.slots import RELEASE, Slots
from jobs.handlers.python_functions import RetryLater, handler
from jobs.handlers.registry import at_most_once
from jobs.models import DeadLetter, Execution, Job
from jobs.watcher import watch
from tenants.clock import database_now
from tests.factories.jobs import NOW, SECOND, make_job, make_worker

pytestmark = pytest.mark.django_db
# Long after the test server's start, which counts as everybody's heartbeat.
LATER = NOW + timedelta(days=3650)
ENGINE = Engine(heartbeat=0.1, worker_lease=3, deadline_grace=1)
STARTED = threading.Event()


@handler("once.pay", idempotent=False)
async def pay(context, seconds: float = 0):
    context.log("paying")
    STARTED.set()
    await asyncio.sleep(seconds)


@handler("once.block", idempotent=False)
def block(context, seconds: float = 0):
    context.log("blocking")
    STARTED.set()
    time.sleep(seconds)


@handler("once.later", idempotent=False)
def later(context):
    raise RetryLater(60)


@pytest.fixture(autouse=True)
def _not_started():
    STARTED.clear()


def queued(name, lane, timeout=60.0, **arguments):
    payload = {"handler": name, "arguments": arguments}
    job = make_job(handler=name, lane=lane, payload=payload, timeout=timeout)
    found = lifecycle.queue_due(lane=lane, now=database_now(), limit=10, lease=60)
    return job, [(one.job_id, one.ticket) for one in found if one.job_id == job.id]


def claimed(name):
    job, tickets = queued(name, "async")
    worker = make_worker(heartbeat_at=LATER)
    lifecycle.claim(
        tickets=tickets, worker_id=worker.id, engine=ENGINE, at_most_once=at_most_once()
    )
    job.refresh_from_db()
    return job, worker


def end_of(job):
    job.refresh_from_db()
    execution = Execution.objects.get(job_id=job.id)
    return job.status, execution.outcome, execution.error_code


def test_claim_notes_which_handlers_must_not_run_twice():
    assert "python:once.pay" in at_most_once()
    assert claimed("once.pay")[0].at_most_once
    assert not claimed("demo.noop")[0].at_most_once


def test_lost_worker_leaves_its_attempt_ambiguous_and_its_neighbour_is_retried():
    job, worker = claimed("once.pay")
    neighbour, its_worker = claimed("demo.noop")
    for silent in (worker, its_worker):
        type(silent).objects.filter(pk=silent.pk).update(heartbeat_at=LATER - 60 * SECOND)
    Job.objects.filter(pk__in=[job.pk, neighbour.pk]).update(deadline_at=LATER + 60 * SECOND)
    watch(LATER, ENGINE)
    assert end_of(job) == ("failed", "lost", "ambiguous")
    assert end_of(neighbour) == ("retryable", "lost", "worker_lost")
    assert DeadLetter.objects.get().job_id == job.pk


def test_overdue_attempt_is_ambiguous():
    job, _ = claimed("once.pay")
    Job.objects.filter(pk=job.pk).update(deadline_at=LATER - SECOND)
    watch(LATER, ENGINE)
    assert end_of(job) == ("failed", "timed_out", "ambiguous")


def test_redriven_job_runs_again_because_a_person_says_so():
    job, _ = claimed("once.pay")
    Job.objects.filter(pk=job.pk).update(deadline_at=LATER - SECOND)
    watch(LATER, ENGINE)
    assert lifecycle.restart(job_ids=[job.pk], now=LATER, by="someone")
    job.refresh_from_db()
    assert job.status == "scheduled"


def test_lost_message_is_delivered_again():
    job, _ = queued("once.pay", "async")
    Job.objects.filter(pk=job.pk).update(queue_lease_until=LATER - SECOND)
    watch(LATER, ENGINE)
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("scheduled", 0)


@pytest.fixture
def lane(transactional_db):
    running = AsyncLane(ENGINE)
    running.start()
    assert running.identity.wait_registered(10)
    yield running
    running.stop(patience=0)
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_async_worker_that_shuts_down_leaves_its_running_attempt_ambiguous(lane):
    job, tickets = queued("once.pay", "async", seconds=60)
    assert lane.execute(tickets) == 1
    assert STARTED.wait(20)
    lane.stop(patience=0)
    assert end_of(job) == ("failed", "released", "ambiguous")
    assert Execution.objects.get(job_id=job.id).log == ["paying"]


@pytest.mark.django_db(transaction=True)
def test_async_worker_hands_back_an_attempt_that_has_not_begun(lane):
    job, tickets = queued("once.pay", "async", seconds=60)
    loop_is_free = threading.Event()
    lane._loop.call_soon_threadsafe(loop_is_free.wait)
    assert lane.execute(tickets) == 1
    lane._loop.call_soon_threadsafe(lane._release_all)
    loop_is_free.set()
    lane.stop(patience=20)
    assert end_of(job) == ("scheduled", "released", "")
    assert not STARTED.is_set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["once.pay", "once.block"])
def test_attempt_that_times_out_on_the_loop_is_ambiguous_and_keeps_its_log(lane, name):
    job, tickets = queued(name, "async", timeout=0.2, seconds=2)
    lane.execute(tickets)
    lane.stop(patience=20)
    assert end_of(job) == ("failed", "timed_out", "ambiguous")
    assert Execution.objects.get(job_id=job.id).log[0] in ("paying", "blocking")


@pytest.fixture
def slots(transactional_db):
    before = signal.getsignal(signal.SIGALRM)
    shared = Slots(1)
    worker = make_worker(lane="process")
    shared.claim_as(worker.id)
    yield shared
    signal.signal(signal.SIGALRM, before)


@pytest.mark.django_db(transaction=True)
def test_attempt_that_times_out_in_a_process_is_ambiguous_and_keeps_its_log(slots):
    job, tickets = queued("once.block", "process", timeout=0.2, seconds=60)
    ProcessChild(slots, ENGINE, index=0).execute(tickets)
    assert end_of(job) == ("failed", "timed_out", "ambiguous")
    assert Execution.objects.get(job_id=job.id).log == ["blocking"]


@pytest.mark.django_db(transaction=True)
def test_process_that_is_told_to_hand_back_leaves_its_running_attempt_ambiguous(slots):
    job, tickets = queued("once.block", "process", seconds=60)
    child = ProcessChild(slots, ENGINE, index=0)
    main = threading.get_ident()

    def order():
        assert STARTED.wait(20)
        slots.order(slots.occupied()[0], RELEASE)
        signal.pthread_kill(main, signal.SIGALRM)

    thread = threading.Thread(target=order)
    thread.start()
    child.execute(tickets)
    thread.join()
    assert end_of(job) == ("failed", "released", "ambiguous")


@pytest.mark.django_db(transaction=True)
def test_process_that_stops_between_claim_and_start_hands_back(slots, monkeypatch):
    job, tickets = queued("once.block", "process", seconds=60)
    child = ProcessChild(slots, ENGINE, index=0)
    occupy = slots.occupy

    def occupied_and_stopping(*place, **told):
        occupy(*place, **told)
        slots.stop()

    monkeypatch.setattr(slots, "occupy", occupied_and_stopping)
    child.execute(tickets)
    assert end_of(job) == ("scheduled", "released", "")
    assert not STARTED.is_set()


@pytest.mark.django_db(transaction=True)
def test_handler_that_asks_to_be_run_later_and_one_that_is_gone_are_repeated(slots):
    execute = ProcessChild(slots, ENGINE, index=0).execute
    asks, tickets = queued("once.later", "process")
    execute(tickets)
    assert end_of(asks) == ("retryable", "failed", "retry_later")
    gone, tickets = queued("once.gone", "process")
    execute(tickets)
    assert end_of(gone) == ("retryable", "failed", "unknown_handler")


@handler("once.report", lane="process")
def report(context):
    context.progress(10, "begun")
    context.progress(90, "nearly done")


@pytest.mark.django_db(transaction=True)
def test_last_of_several_quick_reports_of_a_process_is_the_one_shown(slots, monkeypatch):
    job, tickets = queued("once.report", "process")
    seen: list[tuple[int, str] | None] = []
    vacate = slots.vacate

    def look_and_vacate(index):
        seen.extend(slots.progress(slot) for slot in slots.occupied())
        vacate(index)

    monkeypatch.setattr(slots, "vacate", look_and_vacate)
    ProcessChild(slots, ENGINE, index=0).execute(tickets)
    assert end_of(job) == ("succeeded", "succeeded", "")
    assert seen == [(90, "nearly done")]


@pytest.mark.django_db(transaction=True)
def test_message_of_a_process_outlasts_connections_that_are_cut(slots, monkeypatch):
    job, tickets = queued("once.report", "process")
    claim = lifecycle.claim
    left = [True, True]

    def cut(**arguments):
        if left:
            left.pop()
            connection.ensure_connection()
            connection.connection.close()
        return claim(**arguments)

    monkeypatch.setattr(lifecycle, "claim", cut)
    assert ProcessChild(slots, ENGINE, index=0).execute(tickets) == 1
    assert end_of(job) == ("succeeded", "succeeded", "")
    assert not left


@pytest.mark.django_db(transaction=True)
def test_process_that_is_another_worker_since_its_claim_begins_nothing(slots, monkeypatch):
    job, tickets = queued("once.block", "process", seconds=60)
    claim = lifecycle.claim

    def claimed_and_lost(**arguments):
        found = claim(**arguments)
        slots.claim_as(None)
        return found

    monkeypatch.setattr(lifecycle, "claim", claimed_and_lost)
    ProcessChild(slots, ENGINE, index=0).execute(tickets)
    job.refresh_from_db()
    assert job.status == "running"  # the watcher's to take
    assert not STARTED.is_set()
    assert slots.occupied() == []
