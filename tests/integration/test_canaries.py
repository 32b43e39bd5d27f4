"""Canaries: one a live lane, made and looked after by the watcher's tick."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.async_lane import AsyncLane
from jobs.executor.running import run_attempt_in_process
from jobs.handlers.context import AttemptContext
from jobs.handlers.registry import LANES, InvalidPayload, find_kind, kind_names
from jobs.models import Canary, DeadLetter, Execution, Job, Worker
from jobs.outcomes import Result
from jobs.pulse import pulses, silent_lanes
from jobs.quota import count_unfinished
from jobs.watcher import keep_up, watch
from tenants.clock import database_now
from tenants.identifiers import new_id
from tenants.models import Merchant
from tenants.platform import PLATFORM_ID, platform_merchant
from tests.api.kit import client_of, problem
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.factories.tenants import make_member
from tests.handlers_kit import make_attempt
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3650)
ENGINE = Engine()


def at(seconds):
    return LATER + seconds * SECOND


def tick(second):
    """Tick with workers that beat a moment ago; return how many canaries were sent."""
    Worker.objects.filter(state="alive").update(heartbeat_at=at(second))
    return watch(at(second), ENGINE).canaries


def canaries(lane="async"):
    return Job.objects.filter(kind="canary", lane=lane)


def queue(lane, second):
    """Hand the lane's due jobs to the broker, as the populator does."""
    return lifecycle.queue_due(lane=lane, now=at(second), limit=10, lease=60)


def finish(job, second, status="succeeded"):
    values = {"status": status, "finalized_at": at(second), "attempt": 1}
    Job.objects.filter(pk=job.pk).update(**values)
    Execution.objects.create(
        job=job,
        merchant_id=job.merchant_id,
        number=1,
        outcome=status,
        scheduled_at=at(second),
        started_at=at(second),
        finished_at=at(second),
    )


def pulse(lane="async", second=0.0, **changes):
    [found] = pulses([lane], now=at(second), engine=replace(ENGINE, **changes))
    return found


def test_each_live_lane_gets_one_of_the_platforms_own():
    for lane in ("async", "process"):
        make_worker(lane=lane, heartbeat_at=LATER)
    make_worker(lane="command", heartbeat_at=LATER, state="stopped")
    assert tick(0) == 2
    job = canaries().get()
    assert (job.merchant_id, job.status, job.priority, job.payload) == (
        PLATFORM_ID,
        "scheduled",
        10,
        {"lane": "async"},
    )
    assert set(Canary.objects.values_list("lane", flat=True)) == {"async", "process"}


def test_dead_lane_has_one_canary_waiting_however_long_it_is_dead():
    make_worker(heartbeat_at=LATER)
    assert [tick(second) for second in range(0, 3600, 60)] == [1] + [0] * 59
    assert canaries().count() == 1


def test_next_one_comes_when_the_last_is_back_and_its_time_has_come():
    make_worker(heartbeat_at=LATER)
    bystander = make_job(status="succeeded")
    tick(0)
    first = canaries().get()
    finish(first, 2)
    assert tick(5) == 0
    assert (pulse(second=5).succeeded_at, pulse(second=5).took) == (at(2), 2.0)
    assert tick(30) == 1
    second = canaries().get()
    assert second.pk != first.pk  # the former one is forgotten, with its history
    assert not Execution.objects.filter(job_id=first.pk).exists()
    assert Job.objects.filter(pk=bystander.pk).exists()


def test_canary_with_a_dead_letter_stays_for_people():
    make_worker(heartbeat_at=LATER)
    platform = platform_merchant()
    dead = make_job(merchant=platform, kind="canary", status="failed")
    Canary.objects.create(lane="async", job_id=dead.pk, due_at=at(-60), waits=True)
    assert tick(0) == 1
    assert canaries().count() == 2
    redriven = canaries().exclude(pk=dead.pk).get()
    Job.objects.filter(pk=dead.pk).update(status="succeeded")
    Canary.objects.update(job_id=dead.pk, waits=False, due_at=at(-60))
    finish(redriven, 1)
    assert tick(30) == 1
    assert Job.objects.filter(pk=dead.pk).exists()


def test_deleted_canary_is_replaced():
    make_worker(heartbeat_at=LATER)
    tick(0)
    canaries().delete()
    assert tick(5) == 0
    assert tick(30) == 1


def test_platform_that_is_switched_off_sends_none():
    make_worker(heartbeat_at=LATER)
    platform_merchant()
    Merchant.objects.filter(pk=PLATFORM_ID).update(active=False)
    assert tick(0) == 0
    assert not canaries().exists()


@pytest.mark.django_db(transaction=True)
def test_watchers_at_the_same_moment_send_one():
    make_worker(heartbeat_at=LATER)
    platform_merchant()
    rivals = [OtherSession(lambda: watch(LATER, ENGINE)) for _ in range(4)]
    assert sum(rival.result().canaries for rival in rivals) == 1
    assert canaries().count() == 1


def test_lane_whose_canary_waits_for_too_long_is_silent():
    make_worker(heartbeat_at=LATER, capacity=5)
    make_worker(lane="process", heartbeat_at=LATER)
    tick(0)
    finish(canaries("process").get(), 1)
    tick(5)
    [queued] = queue("async", 5)
    assert queued.job_id == canaries().get().pk
    tick(61)
    assert pulse(second=59).silent_since is None
    [silent] = silent_lanes(LANES, now=at(61), engine=ENGINE)
    assert (silent.lane, silent.since) == ("async", at(0))
    assert "take no jobs out of the broker" in silent.reason


def test_lane_that_is_full_of_long_jobs_is_not_silent():
    worker = make_worker(heartbeat_at=LATER, capacity=2)
    tick(0)
    deadline = at(7200)
    for _ in range(2):
        make_job(status="running", worker_id=worker.id, started_at=LATER, deadline_at=deadline)
    tick(300)
    assert pulse(second=300).silent_since is None
    Job.objects.filter(status="running").latest("id").delete()
    assert pulse(second=300).silent_since == at(0)


def test_lane_that_took_another_job_of_late_is_not_silent():
    worker = make_worker(heartbeat_at=LATER)
    tick(0)
    make_job(status="running", worker_id=worker.id, started_at=at(290), deadline_at=at(7200))
    tick(300)
    assert pulse(second=300).silent_since is None
    tick(351)
    assert pulse(second=351).silent_since == at(0)


def test_canary_that_was_taken_and_never_ends_makes_its_lane_silent():
    worker = make_worker(heartbeat_at=LATER, capacity=1)
    tick(0)
    values = {"status": "running", "attempt": 1, "ticket": 1, "worker_id": worker.id}
    canaries().update(**values, started_at=at(100), deadline_at=at(7200))
    tick(110)
    silence = pulse(second=110)
    assert silence.silent_since == at(0)
    assert "does not finish" in silence.reason


def test_canary_that_a_flow_rule_holds_makes_no_lane_silent():
    make_worker(heartbeat_at=LATER)
    tick(0)
    canaries().update(gate="parked", parked_by=PLATFORM_ID, parked_rank=LATER)
    tick(300)
    assert pulse(second=300).silent_since is None


def test_lane_without_workers_is_silent_since_the_last_one_was_heard():
    make_worker(heartbeat_at=at(-5))
    make_worker(heartbeat_at=LATER, state="stopped")
    make_worker(lane="process", heartbeat_at=at(100))
    assert pulse(second=50).silent_since is None
    [silent] = silent_lanes(["async", "process", "command"], now=at(100), engine=ENGINE)
    assert (silent.lane, silent.since) == ("async", LATER)
    assert "No worker" in silent.reason


def test_kind_is_offered_to_nobody_and_refused_to_merchants():
    kind = find_kind("canary")
    assert "canary" not in kind_names()
    kind.admit({"lane": "async"}, PLATFORM_ID)
    with pytest.raises(InvalidPayload, match="only the platform"):
        kind.admit({"lane": "async"}, make_job().merchant_id)
    for payload in ({}, {"lane": "control"}, {"lane": "async", "more": 1}, "async", None):
        with pytest.raises(InvalidPayload):
            kind.validate(payload)
    assert [kind.lane({"lane": lane}) for lane in LANES] == list(LANES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["async", "command"])
def test_lane_on_a_loop_finishes_it_and_measures_nothing(name):
    lane = AsyncLane(Engine(heartbeat=0.1, worker_lease=3), lane=name, capacity=2)
    lane.start()
    try:
        assert lane.identity.wait_registered(20)
        now = database_now()
        [sent] = lifecycle.send_canaries(lanes=[name], now=now, every=30)
        found = lifecycle.queue_due(lane=name, now=database_now(), limit=10, lease=60)
        assert lane.execute([(queued.job_id, queued.ticket) for queued in found]) == 1
        with lane._room:
            assert lane._room.wait_for(lane._is_idle, 20)
    finally:
        lane.stop(patience=0)
    assert Job.objects.get(pk=sent.job_id).status == "succeeded"
    assert (lane.run_times.finished, lane.run_times.means()) == (1, {})
    assert lifecycle.send_canaries(lanes=[name], now=now, every=30) == []
    assert Canary.objects.filter(succeeded_at__gte=now).exists()


def test_job_of_another_merchant_is_rejected_wherever_it_came_from():
    attempt = make_attempt({"lane": "process"}, kind="canary")
    outcome = run_attempt_in_process(attempt, AttemptContext(attempt))
    assert outcome.result is Result.REJECTED
    assert outcome.failure is not None
    assert outcome.failure.code == "not_yours"
    own = replace(attempt, merchant_id=PLATFORM_ID)
    assert run_attempt_in_process(own, AttemptContext(own)).result is Result.SUCCEEDED


def test_upkeep_takes_the_canary_of_a_lane_that_is_given_up():
    for lane in ("async", "process"):
        make_worker(lane=lane, heartbeat_at=LATER)
    bystander = make_job(merchant=platform_merchant())
    tick(0)
    Worker.objects.filter(lane="process").update(state="lost")
    assert keep_up(at(86_300)).canaries == 0
    assert keep_up(at(86_500)).canaries == 1
    assert not canaries("process").exists()
    assert canaries("async").exists()
    assert Job.objects.filter(pk=bystander.pk).exists()
    make_worker(lane="process", heartbeat_at=LATER)
    tick(86_501)
    assert canaries("process").exists()


def test_lane_that_comes_back_takes_the_canary_that_waited():
    worker = make_worker(heartbeat_at=LATER)
    tick(0)
    waiting = canaries().get()
    Worker.objects.filter(pk=worker.pk).update(state="lost")
    assert tick(600) == 0
    assert pulse(second=600).silent_since == LATER
    make_worker(heartbeat_at=at(600))
    assert tick(605) == 0
    finish(waiting, 606)
    assert tick(610) == 1
    assert pulse(second=610).silent_since is None
    assert pulse(second=610).took == 606.0


def test_canaries_are_in_no_merchants_lists_and_numbers():
    make_worker(heartbeat_at=LATER)
    tick(0)
    assert canaries().exists()
    shop = make_merchant()
    client = client_of(shop)
    listed = client.read("/jobs")
    assert listed.status_code == 200
    assert b"canary" not in listed.content
    assert client.read(f"/jobs/{canaries().get().pk}").status_code == 404
    assert not Job.objects.visible_to(make_member(shop)).exists()
    assert count_unfinished(shop, most=10) == 0
    body = problem(
        client.send("/jobs", {"kind": "canary", "payload": {"lane": "async"}}),
        400,
        "invalid_fields",
    )
    assert "only the platform" in str(body["errors"])
    assert not Job.objects.exclude(merchant_id=PLATFORM_ID).exists()


def test_upkeep_closes_the_letters_of_canaries_once_their_lane_works_again():
    make_worker(heartbeat_at=LATER)
    platform = platform_merchant()
    dead = [
        make_job(kind="canary", lane=lane, merchant=platform, status="failed")
        for lane in ("async", "process")
    ]
    other = make_job(merchant=platform, status="failed")
    DeadLetter.objects.update(created_at=LATER)
    for lane, back in (("async", at(60)), ("process", at(-60))):
        canary = {"job_id": new_id(), "due_at": LATER, "waits": False, "succeeded_at": back}
        Canary.objects.create(lane=lane, took=1.0, **canary)
    keep_up(at(86_000))
    assert DeadLetter.objects.filter(resolution="").count() == 3
    keep_up(at(86_500))
    found = DeadLetter.objects.get(job=dead[0])
    assert (found.resolution, found.resolved_by) == ("discarded", "TaskFlow")
    left = DeadLetter.objects.filter(resolution="").values_list("job_id", flat=True)
    assert set(left) == {dead[1].pk, other.pk}
