"""The watcher's mass-expiry brake on real rows: outages, clock jumps, and deaths that are none."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import braking, liveness
from jobs.brake import Cause
from jobs.engine import Engine
from jobs.models import Execution, Job, Watch, Worker
from jobs.watcher import watch
from tenants.clock import database_now
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db
# Long after the test server's start, which counts as everybody's heartbeat.
LATER = NOW + timedelta(days=3650)
ENGINE = Engine()
LEASE = ENGINE.worker_lease


def running(worker, **overrides):
    values = {"started_at": LATER, "deadline_at": LATER + timedelta(hours=1)}
    return make_job(status="running", worker_id=worker.id, **{**values, **overrides})


def at(seconds):
    return LATER + seconds * SECOND


def ticks(*seconds):
    """Tick the watcher at these seconds after LATER; return what the last tick found."""
    found = None
    for second in seconds:
        found = watch(at(second), ENGINE)
    assert found is not None
    return found


def beat(*workers, second):
    Worker.objects.filter(id__in=[w.id for w in workers]).update(heartbeat_at=at(second))


def statuses(*jobs):
    return [Job.objects.get(id=job.id).status for job in jobs]


@pytest.fixture
def crew():
    """Five workers that beat at LATER, each with a running job."""
    workers = [make_worker(heartbeat_at=LATER) for _ in range(5)]
    return workers, [running(worker) for worker in workers]


def test_outage_of_the_database_costs_nobody_a_job_who_beats_again_within_a_lease(crew, caplog):
    workers, jobs = crew
    lone = make_merchant()
    message = make_job(merchant=lone, status="queued", queue_lease_until=at(30))
    with caplog.at_level(logging.WARNING):
        # Nothing could beat or tick for 60 s.
        found = ticks(0, 60)
    assert (found.braked, found.lost_workers, found.rescued, found.requeued) == (True, 0, 0, 0)
    assert "Brake on" in caplog.text
    beat(*workers, second=63)
    assert ticks(65, 70, 75, 79).braked
    found = ticks(81)
    assert (found.braked, found.lost_workers, found.requeued) == (False, 0, 1)
    assert statuses(*jobs, message) == ["running"] * 5 + ["scheduled"]


def test_who_does_not_come_back_within_the_lease_is_lost_with_its_first_end(crew):
    workers, jobs = crew
    ticks(0, 60)
    beat(*workers[1:], second=61)
    assert ticks(65, 75).lost_workers == 0
    assert ticks(80).lost_workers == 1
    assert statuses(*jobs) == ["retryable"] + ["running"] * 4
    assert Execution.objects.get().error_code == "worker_lost"


def test_one_of_several_workers_is_taken_at_once(crew):
    workers, jobs = crew
    ticks(0)
    for second in range(5, 21, 5):
        beat(*workers[1:], second=second)
        assert ticks(second).lost_workers == 0
    beat(*workers[1:], second=21)
    found = ticks(21)
    assert (found.braked, found.lost_workers, found.rescued) == (False, 1, 1)
    assert statuses(*jobs) == ["retryable"] + ["running"] * 4


@pytest.mark.parametrize("number", [1, 2])
def test_the_only_workers_of_a_small_installation_are_taken_at_once(number):
    jobs = [running(make_worker(heartbeat_at=LATER)) for _ in range(number)]
    found = ticks(0, 5, 10, 15, 20, 25)
    assert (found.braked, found.lost_workers) == (False, number)
    assert statuses(*jobs) == ["retryable"] * number


def test_all_workers_that_stood_still_are_given_one_lease(crew):
    workers, jobs = crew
    assert not ticks(0, 5, 10, 15, 20).braked
    assert ticks(21).braked
    beat(*workers[:3], second=23)
    found = ticks(25, 30, 35, 41)
    assert (found.braked, found.lost_workers) == (False, 2)
    assert statuses(*jobs) == ["running"] * 3 + ["retryable"] * 2


def test_clock_that_jumps_ahead_ends_no_attempts_at_once():
    workers = [make_worker(heartbeat_at=LATER) for _ in range(2)]
    overdue = [running(worker, deadline_at=at(70)) for worker in workers]
    hanging = running(workers[0], deadline_at=at(-1))
    first = watch(at(0), ENGINE)
    assert first.rescued == 1  # overdue before the clock jumped
    found = ticks(3600)
    assert (found.braked, found.rescued) == (True, 0)
    beat(*workers, second=3602)
    assert ticks(3615).rescued == 0
    assert statuses(*overdue, hanging) == ["running", "running", "retryable"]
    beat(*workers, second=3620)
    assert ticks(3620).rescued == 2


def test_what_ran_out_before_the_incident_is_not_held(crew):
    workers, _ = crew
    early = running(workers[0], deadline_at=at(-2))
    Watch.objects.create(ticked_at=at(-1))
    found = ticks(60)
    assert (found.braked, found.rescued) == (True, 1)
    assert statuses(early) == ["retryable"]


def test_clock_that_is_set_back_lets_leases_begin_anew(crew):
    workers, jobs = crew
    beat(*workers, second=3600)
    message = make_job(status="queued", queue_lease_until=at(3650))
    ticks(3600, 0)
    assert set(Worker.objects.exclude(lane="control").values_list("heartbeat_at", flat=True)) == {
        at(0)
    }
    message.refresh_from_db()
    assert message.queue_lease_until == at(ENGINE.queue_lease)
    beat(*workers[1:], second=20)
    assert ticks(5, 10, 15, 20, 21).lost_workers == 1
    assert statuses(*jobs) == ["retryable"] + ["running"] * 4


def test_brake_that_was_on_when_the_clock_was_set_back_does_not_come_again(crew):
    workers, _ = crew
    assert ticks(0, 60).braked
    found = ticks(0)
    assert not found.braked
    beat(*workers, second=60)
    assert not ticks(*range(5, 66, 5)).braked


def test_two_watchers_agree_and_one_that_starts_anew_knows(crew):
    _, jobs = crew
    assert ticks(0, 60).braked
    # Whoever ticks next has nothing but the row.
    assert braking.vigil(at(61)).hold is not None
    again = watch(at(60.2), ENGINE)
    assert (again.braked, again.lost_workers) == (True, 0)
    assert Watch.objects.get().brakes == 1
    assert statuses(*jobs) == ["running"] * 5
    hold = braking.vigil(at(61)).hold
    assert hold is not None
    assert (hold.cause, hold.until) == (Cause.LATE, at(80))
    assert braking.vigil(at(80)).hold is None


@pytest.mark.django_db(transaction=True)
def test_watchers_that_tick_at_the_same_moment_put_the_brake_on_once(crew):
    _, jobs = crew
    ticks(0)
    rivals = [OtherSession(lambda: watch(at(60), ENGINE)) for _ in range(4)]
    found = [rival.result() for rival in rivals]
    assert [each.braked for each in found] == [True] * 4
    assert sum(each.lost_workers for each in found) == 0
    assert Watch.objects.get().brakes == 1
    assert statuses(*jobs) == ["running"] * 5


@pytest.mark.parametrize("second", [59.9, 60.5])
def test_watcher_that_lost_the_race_follows_the_one_that_won(crew, monkeypatch, second):
    _, jobs = crew
    ticks(0)
    look = braking._look
    raced: list[bool] = []

    def overtaken(now, engine):
        seen = look(now, engine)
        if not raced:
            raced.append(True)
            watch(at(60), ENGINE)  # in between
        return seen

    monkeypatch.setattr(braking, "_look", overtaken)
    found = watch(at(second), ENGINE)
    assert (found.braked, found.lost_workers) == (True, 0)
    assert Watch.objects.get().brakes == 1
    assert statuses(*jobs) == ["running"] * 5


def test_watcher_that_lost_the_race_to_one_with_an_old_clock_puts_the_brake_on_itself(
    crew, monkeypatch
):
    _, jobs = crew
    ticks(0)
    look = braking._look
    raced: list[bool] = []

    def overtaken(now, engine):
        seen = look(now, engine)
        if not raced:
            raced.append(True)
            watch(at(5), ENGINE)  # read its clock before the database stood still for a minute
        return seen

    monkeypatch.setattr(braking, "_look", overtaken)
    found = watch(at(60), ENGINE)
    assert (found.braked, found.lost_workers) == (True, 0)
    assert statuses(*jobs) == ["running"] * 5


def test_watcher_that_is_always_overtaken_takes_nothing_that_ran_out_since(crew, monkeypatch):
    _, jobs = crew
    ticks(0)
    monkeypatch.setattr(braking, "_written", lambda *_, **__: False)
    found = watch(at(60), ENGINE)
    assert found.lost_workers == 0
    assert statuses(*jobs) == ["running"] * 5


def test_attempt_whose_worker_has_not_beaten_since_its_deadline_is_not_overdue_yet():
    worker = make_worker(heartbeat_at=LATER)
    job = running(worker, deadline_at=at(1))
    ticks(0)
    assert ticks(2).rescued == 0
    beat(worker, second=3)
    assert ticks(4).rescued == 1
    assert statuses(job) == ["retryable"]


def test_worker_sets_deadlines_anew_that_a_jump_of_the_clock_has_passed():
    now = database_now()
    worker = make_worker(heartbeat_at=now)
    early = now - 3600 * SECOND
    begun = {"ticket": 7, "started_at": early, "deadline_at": early + 60 * SECOND}
    vouched, hung = running(worker, **begun), running(worker, **{**begun, "ticket": 8})
    elsewhere = running(make_worker(heartbeat_at=now), **{**begun, "ticket": 9})
    left = {(vouched.id, 7): 50.0, (elsewhere.id, 9): 50.0}
    liveness.beat(worker_id=worker.id, finished=0, run_times={}, left=left, grace=10)
    for job in (vouched, hung, elsewhere):
        job.refresh_from_db()
    assert now + 55 * SECOND < vouched.deadline_at
    assert hung.deadline_at == elsewhere.deadline_at == early + 60 * SECOND
    kept = vouched.deadline_at
    liveness.beat(worker_id=worker.id, finished=0, run_times={}, left=left, grace=10)
    vouched.refresh_from_db()
    assert vouched.deadline_at == kept


def test_watcher_whose_clock_is_a_moment_late_heeds_the_brake(crew):
    _, jobs = crew
    assert ticks(0, 60).braked
    found = ticks(59.5)
    assert (found.braked, found.lost_workers) == (True, 0)
    assert Watch.objects.get().ticked_at == at(60)
    assert statuses(*jobs) == ["running"] * 5


def test_watcher_that_was_frozen_since_it_read_the_clock_changes_no_lease():
    now = database_now()
    Watch.objects.create(ticked_at=now)
    worker = make_worker(heartbeat_at=now)
    watch(now - 60 * SECOND, ENGINE)
    assert Watch.objects.get().ticked_at == now
    worker.refresh_from_db()
    assert (worker.state, worker.heartbeat_at) == ("alive", now)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    others=st.integers(0, 4),
    gaps=st.lists(st.floats(1.0, 14.0, allow_nan=False), min_size=6, max_size=30),
    wobble=st.floats(0.0, 1.0, allow_nan=False),
)
def test_lone_dead_workers_jobs_wait_for_its_lease_and_one_tick(others, gaps, wobble):
    Worker.objects.all().delete()
    Watch.objects.all().delete()
    dead = make_worker(heartbeat_at=LATER)
    living = [make_worker(heartbeat_at=LATER) for _ in range(others)]
    job = running(dead)
    second = 0.0
    for gap in [wobble, *gaps]:
        second += gap
        beat(*living, second=second - 1)
        watch(at(second), ENGINE)
        taken = statuses(job) == ["retryable"]
        assert taken == (second > LEASE)
        if taken:
            break
    assert not Watch.objects.get().brakes


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    silent=st.lists(st.floats(0.0, 60.0, allow_nan=False), min_size=1, max_size=6),
    gaps=st.lists(st.floats(0.5, 60.0, allow_nan=False), min_size=3, max_size=20),
)
def test_no_lease_is_held_for_longer_than_one_lease_whenever_ticks_come(silent, gaps):
    Worker.objects.all().delete()
    Watch.objects.all().delete()
    workers = [make_worker(heartbeat_at=at(second)) for second in silent]
    seen: dict[Any, float] = {}
    second = 0.0
    for gap in gaps:
        second += gap
        watch(at(second), ENGINE)
        for worker in Worker.objects.filter(id__in=[w.id for w in workers], state="alive"):
            if worker.heartbeat_at < at(second - LEASE):
                seen.setdefault(worker.id, second)
                assert second < seen[worker.id] + LEASE
