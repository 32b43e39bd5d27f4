"""The watcher's step: what it sets right, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import lifecycle, watcher
from jobs.engine import Engine
from jobs.liveness import live_lanes
from jobs.models import DeadLetter, Execution, IdempotencyRecord, Job, Worker
from jobs.partitions import ensure_partitions, first_id
from jobs.watcher import Watched, keep_up, watch
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
# Long after the test server's start, which counts as everybody's heartbeat.
LATER = NOW + timedelta(days=3650)
ENGINE = Engine()


def running(worker, **overrides):
    values = {"started_at": LATER - 10 * SECOND, "deadline_at": LATER + 60 * SECOND}
    return make_job(status="running", worker_id=worker.id, **{**values, **overrides})


def test_nothing_to_do_changes_nothing():
    job = running(make_worker(heartbeat_at=LATER))
    before = Job.objects.values().get(id=job.id)
    assert watch(LATER, ENGINE) == Watched(
        requeued=0,
        lost_workers=0,
        rescued=0,
        expired=0,
        abandoned=0,
        orphans=0,
        braked=False,
        canaries=1,
    )
    assert Job.objects.values().get(id=job.id) == before


def test_jobs_of_a_silent_worker_are_retried_and_its_neighbours_left_alone():
    silent = make_worker(heartbeat_at=LATER - 21 * SECOND)
    beating = make_worker(heartbeat_at=LATER - 5 * SECOND)
    lost, bystander = running(silent), running(beating)

    assert watch(LATER, ENGINE).rescued == 1

    lost.refresh_from_db()
    bystander.refresh_from_db()
    silent.refresh_from_db()
    assert (lost.status, lost.attempt, lost.lost_count) == ("retryable", 1, 1)
    assert Execution.objects.get(job_id=lost.id).error_code == "worker_lost"
    assert bystander.status == "running"
    assert silent.state == "lost"


def test_the_last_attempt_of_a_lost_worker_is_dead_lettered():
    job = running(make_worker(heartbeat_at=LATER - timedelta(minutes=1)), max_attempts=1)
    watch(LATER, ENGINE)
    job.refresh_from_db()
    assert job.status == "failed"
    assert DeadLetter.objects.get(job=job).error_code == "worker_lost"


def test_a_job_that_outlives_its_deadline_in_a_live_worker_is_taken_away():
    worker = make_worker(heartbeat_at=LATER)
    hung = running(worker, deadline_at=LATER - SECOND)
    bystander = running(worker)
    watch(LATER, ENGINE)
    hung.refresh_from_db()
    bystander.refresh_from_db()
    assert (hung.status, bystander.status) == ("retryable", "running")
    assert Execution.objects.get(job_id=hung.id).outcome == "timed_out"


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled():
    silent = make_worker(heartbeat_at=LATER - timedelta(minutes=1))
    job = running(silent, cancel_requested_at=LATER)
    watch(LATER, ENGINE)
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_messages_that_vanished_are_queued_again():
    lost = make_job(status="queued", queue_lease_until=LATER - SECOND)
    fresh = make_job(status="queued", queue_lease_until=LATER + SECOND)
    assert watch(LATER, ENGINE).requeued == 1
    lost.refresh_from_db()
    fresh.refresh_from_db()
    assert (lost.status, lost.attempt, fresh.status) == ("scheduled", 0, "queued")


def test_a_tick_shows_that_the_control_lane_works():
    assert "control" not in live_lanes(now=LATER, lease=20)
    watch(LATER - SECOND, ENGINE)
    watch(LATER, ENGINE)
    assert live_lanes(now=LATER, lease=20)["control"].workers == 1
    assert "control" not in live_lanes(now=LATER + 21 * SECOND, lease=20)


def test_step_that_fails_costs_the_tick_nothing_else(monkeypatch, caplog):
    def fail(**_):
        raise ValueError("broken")

    monkeypatch.setattr(lifecycle, "rescue_orphans", fail)
    make_worker(heartbeat_at=LATER)
    job = running(make_worker(heartbeat_at=LATER - timedelta(minutes=1)))
    found = watch(LATER, ENGINE)
    assert (found.rescued, found.orphans, found.canaries) == (1, 0, 1)
    job.refresh_from_db()
    assert job.status == "retryable"
    assert "rescue_orphans failed" in caplog.text


def test_all_that_died_together_are_taken_back_in_one_tick():
    dead = make_worker(heartbeat_at=LATER - timedelta(minutes=1))
    jobs = [running(dead) for _ in range(7)]
    messages = [make_job(status="queued", queue_lease_until=LATER - SECOND) for _ in range(5)]
    found = watch(LATER, replace(ENGINE, step_limit=2))
    assert (found.rescued, found.requeued) == (7, 5)
    ids = [job.id for job in jobs + messages]
    assert not Job.objects.filter(id__in=ids, status__in=("running", "queued")).exists()


def test_attempts_of_one_worker_are_judged_together_whatever_a_step_may_touch():
    for _ in range(3):
        dead = make_worker(heartbeat_at=LATER - timedelta(minutes=1))
        for _ in range(3):
            running(dead, lost_count=2, attempt=3, max_attempts=100)
    watch(LATER, replace(ENGINE, step_limit=2))
    assert not DeadLetter.objects.exists()
    assert Job.objects.filter(status="retryable", lost_count=3).count() == 9


def test_attempt_that_cannot_be_ended_holds_up_no_other(monkeypatch, caplog):
    dead = make_worker(heartbeat_at=LATER - timedelta(minutes=1))
    odd, other = running(dead), running(dead)
    finish = lifecycle.finish

    def refuse(decided):
        if odd.id in [ending.job_id for ending in decided]:
            raise ValueError("a listener fails")
        return finish(decided)

    monkeypatch.setattr(lifecycle, "finish", refuse)
    assert watch(LATER, ENGINE).rescued == 1
    other.refresh_from_db()
    assert other.status == "retryable"
    assert f"job {odd.id} cannot be taken back" in caplog.text


def test_two_watchers_count_a_loss_once():
    job = running(make_worker(heartbeat_at=LATER - timedelta(minutes=1)))
    assert watch(LATER, ENGINE).rescued == 1
    assert watch(LATER, ENGINE).rescued == 0
    job.refresh_from_db()
    assert job.lost_count == 1


def test_upkeep_forgets_old_keys_and_workers_and_keeps_the_rest():
    merchant = make_merchant()
    for key, age in (("old", 25), ("young", 23)):
        IdempotencyRecord.objects.create(
            merchant=merchant, key=key, request_hash="x", created_at=NOW - timedelta(hours=age)
        )
    make_worker(name="gone", state="stopped", heartbeat_at=NOW - timedelta(days=8))
    make_worker(name="recent", state="lost", heartbeat_at=NOW - timedelta(days=6))
    make_worker(name="alive", heartbeat_at=NOW - timedelta(days=8))

    kept = keep_up(NOW)

    assert (kept.idempotency_records, kept.workers) == (1, 1)
    assert IdempotencyRecord.objects.get().key == "young"
    assert set(Worker.objects.values_list("name", flat=True)) == {"recent", "alive"}


def test_upkeep_forgets_more_old_keys_than_one_step_removes(monkeypatch):
    monkeypatch.setattr(watcher, "PRUNE_LIMIT", 2)
    merchant = make_merchant()
    for number in range(6):
        age = timedelta(hours=23 if number == 5 else 25)
        IdempotencyRecord.objects.create(
            merchant=merchant, key=str(number), request_hash="x", created_at=NOW - age
        )
    assert keep_up(NOW).idempotency_records == 5
    assert IdempotencyRecord.objects.get().key == "5"


def test_upkeep_leaves_what_is_beyond_its_bound_to_the_next_one(monkeypatch):
    monkeypatch.setattr(watcher, "PRUNE_LIMIT", 1)
    monkeypatch.setattr(watcher, "PRUNE_STEPS", 2)
    merchant = make_merchant()
    for number in range(3):
        IdempotencyRecord.objects.create(
            merchant=merchant,
            key=str(number),
            request_hash="x",
            created_at=NOW - timedelta(hours=25),
        )
    assert [keep_up(NOW).idempotency_records for _ in range(3)] == [2, 1, 0]


def test_partitions_are_made_once_and_cover_the_coming_weeks():
    made = ensure_partitions(LATER)
    assert len(made) == 5
    assert ensure_partitions(LATER) == []
    assert made[0] == f"jobs_execution_{LATER - timedelta(days=LATER.weekday()):%Y%m%d}"


def test_the_first_id_of_a_moment_sorts_before_all_ids_drawn_then():
    from tenants.identifiers import new_id

    assert first_id(NOW) < new_id() < first_id(LATER)
