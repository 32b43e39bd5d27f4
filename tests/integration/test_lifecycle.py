"""The guarded verbs of jobs.lifecycle on a real PostgreSQL."""

from dataclasses import replace

import pytest

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import DeadLetter, Execution, Job
from jobs.outcomes import Failure, Outcome, Result
from jobs.rows import Replacement
from jobs.states import FINAL
from jobs.verdict import verdict
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine()


def queue(limit: int = 100, lane: str = "async"):
    return lifecycle.queue_due(lane=lane, now=NOW, limit=limit, lease=60)


def claim_all(queued, worker):
    return lifecycle.claim(
        tickets=[(job.job_id, job.ticket) for job in queued], worker_id=worker.id, engine=ENGINE
    )


def ending(attempt, **changes):
    outcome = Outcome(**{"result": Result.SUCCEEDED, "output": {"ok": True}, **changes})
    return verdict(attempt, outcome, poison_losses=3)


def started(**overrides):
    """Return a claimed attempt of a fresh job."""
    job = make_job(scheduled_at=NOW - 3600 * SECOND, **overrides)
    (queued,) = [q for q in queue() if q.job_id == job.id]
    (attempt,) = claim_all([queued], make_worker())
    return job, attempt


def test_due_jobs_are_queued_and_the_rest_is_left_alone():
    due = [make_job(), make_job(status="retryable")]
    others = [
        make_job(scheduled_at=NOW + SECOND),
        make_job(status="queued"),
        make_job(status="running"),
        make_job(status="blocked"),
        make_job(lane="process"),
        make_job(merchant=make_merchant(active=False)),
        make_job(expires_at=NOW),
        *(make_job(status=status) for status in FINAL),
    ]
    before = {job.id: Job.objects.values().get(id=job.id) for job in others}

    queued = queue()

    assert {job.job_id for job in queued} == {job.id for job in due}
    assert all(Job.objects.get(id=job.id).status == "queued" for job in due)
    assert {job.id: Job.objects.values().get(id=job.id) for job in others} == before


def test_higher_priority_and_then_earlier_jobs_are_queued_first():
    late_high = make_job(priority=9, scheduled_at=NOW - SECOND)
    early_high = make_job(priority=9, scheduled_at=NOW - 2 * SECOND)
    normal = make_job(priority=5, scheduled_at=NOW - 9 * SECOND)
    make_job(priority=0, scheduled_at=NOW - 99 * SECOND)

    assert [q.job_id for q in queue(limit=3)] == [early_high.id, late_high.id, normal.id]


def test_every_queueing_draws_a_new_ticket():
    job = make_job()
    (first,) = queue()
    lifecycle.unqueue([(first.job_id, first.ticket)])
    (second,) = queue()

    assert first.ticket != second.ticket
    assert lifecycle.unqueue([(job.id, first.ticket)]) == []


@pytest.mark.parametrize("setting", ["hashjoin", "mergejoin", "sort", "material", "memoize"])
def test_a_hostile_plan_never_queues_more_than_the_limit(setting):
    from django.db import connection

    for _ in range(30):
        make_job()
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_{setting} = off")
    assert len(queue(limit=7)) == 7
    assert Job.objects.filter(status="queued").count() == 7


def test_a_claim_counts_the_attempt_and_names_the_worker():
    worker = make_worker()
    job = make_job(max_attempts=4, timeout=5)
    (attempt,) = claim_all(queue(), worker)

    job.refresh_from_db()
    assert (attempt.number, attempt.round, attempt.max_attempts) == (1, 1, 4)
    assert (job.status, job.attempt, job.worker_id) == ("running", 1, worker.id)
    assert job.deadline_at is not None
    assert job.started_at is not None
    assert (job.deadline_at - job.started_at).total_seconds() == pytest.approx(15, abs=0.1)


def test_a_claimed_job_cannot_be_claimed_again():
    worker = make_worker()
    make_job()
    queued = queue()
    assert len(claim_all(queued, worker)) == 1
    assert claim_all(queued, worker) == []


def test_a_wrong_ticket_claims_nothing():
    worker = make_worker()
    make_job()
    (queued,) = queue()
    assert claim_all([replace(queued, ticket=queued.ticket + 1)], worker) == []


@pytest.mark.parametrize("state", ["lost", "stopped"])
def test_a_worker_that_is_not_alive_claims_nothing(state):
    worker = make_worker(state=state)
    make_job()
    assert claim_all(queue(), worker) == []


def test_cancelled_job_is_never_started():
    worker = make_worker()
    job, bystander = make_job(), make_job()
    queued = queue()
    lifecycle.cancel(job_ids=[job.id], now=NOW)

    assert [a.job_id for a in claim_all(queued, worker)] == [bystander.id]
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("cancelled", 0)


def test_a_job_past_its_deadline_is_not_claimed_but_fails_as_expired():
    worker = make_worker()
    job = make_job(expires_at=NOW + SECOND)
    assert claim_all(queue(), worker) == []

    moved = lifecycle.expire(now=NOW + 2 * SECOND, limit=10)

    assert [m.job_id for m in moved] == [job.id]
    letter = DeadLetter.objects.get(job=job)
    assert (letter.error_code, letter.attempts, letter.resolution) == ("expired", 0, "")


def test_success_writes_the_job_and_one_execution():
    job, attempt = started()
    bystander = make_job(status="running")
    (moved,) = lifecycle.finish([ending(attempt, http_status=200, log=("a", "b"))])

    job.refresh_from_db()
    execution = Execution.objects.get(job_id=job.id)
    assert moved.status == job.status == "succeeded"
    assert job.finalized_at is not None
    assert job.worker_id is None
    assert (execution.number, execution.outcome, execution.output) == (1, "succeeded", {"ok": True})
    assert (execution.http_status, execution.log) == (200, ["a", "b"])
    assert execution.worker_id is not None
    assert execution.started_at <= execution.finished_at
    bystander.refresh_from_db()
    assert bystander.status == "running"


def test_a_failure_with_attempts_left_is_retryable_later():
    job, attempt = started(max_attempts=2, backoff={"strategy": "fixed", "base": 30, "jitter": 0})
    lifecycle.finish(
        [ending(attempt, result=Result.FAILED, failure=Failure(code="http_500", message="no"))]
    )

    job.refresh_from_db()
    execution = Execution.objects.get(job_id=job.id)
    assert (job.status, job.finalized_at) == ("retryable", None)
    assert (job.scheduled_at - execution.finished_at).total_seconds() == pytest.approx(30, abs=0.1)
    assert not DeadLetter.objects.filter(job=job).exists()


@pytest.mark.parametrize(
    ("result", "max_attempts"), [(Result.FAILED, 1), (Result.TIMED_OUT, 1), (Result.REJECTED, 9)]
)
def test_the_last_attempt_and_a_permanent_failure_end_in_the_dead_letters(result, max_attempts):
    job, attempt = started(max_attempts=max_attempts)
    failure = Failure(code="http_400", message="Bad request 123", detail="answered")
    lifecycle.finish([ending(attempt, result=result, failure=failure)])

    job.refresh_from_db()
    letter = DeadLetter.objects.get(job=job)
    assert job.status == "failed"
    assert (letter.error_code, letter.error_message) == ("http_400", "Bad request 123")
    assert letter.attempts == 1
    assert len(letter.fingerprint) == 16


def test_a_zombies_result_changes_nothing():
    job, zombie = started()
    lost = verdict(zombie, Outcome(result=Result.LOST), poison_losses=3)
    lifecycle.finish([replace(lost, delay=0)])
    (queued,) = lifecycle.queue_due(
        lane="async", now=Job.objects.get(id=job.id).scheduled_at, limit=10, lease=60
    )
    (second,) = claim_all([queued], make_worker())

    assert lifecycle.finish([ending(zombie)]) == []

    job.refresh_from_db()
    assert (job.status, job.attempt, job.ticket) == ("running", 2, second.ticket)
    assert list(job.executions.values_list("number", "outcome")) == [(1, "lost")]


def test_a_job_whose_worker_is_lost_three_times_is_poison():
    job = make_job(max_attempts=10, scheduled_at=NOW - 3600 * SECOND)
    for _ in range(3):
        Job.objects.filter(id=job.id).update(scheduled_at=NOW)
        (attempt,) = claim_all(queue(), make_worker())
        lifecycle.finish([ending(attempt, result=Result.LOST)])

    job.refresh_from_db()
    assert (job.status, job.lost_count, job.attempt) == ("failed", 3, 3)
    assert DeadLetter.objects.get(job=job).error_code == "poison"


def test_a_released_attempt_is_recorded_but_does_not_count():
    job, attempt = started(max_attempts=1)
    lifecycle.finish([ending(attempt, result=Result.RELEASED)])
    (again,) = claim_all(queue(), make_worker())

    assert (again.number, again.round) == (2, 1)
    assert list(job.executions.values_list("number", "outcome")) == [(1, "released")]


def test_cancelling_a_running_job_asks_it_to_stop_and_a_late_failure_becomes_cancelled():
    job, attempt = started(max_attempts=5)
    (moved,) = lifecycle.cancel(job_ids=[job.id], now=NOW)
    assert moved.status == "running"

    lifecycle.finish([ending(attempt, result=Result.FAILED)])

    job.refresh_from_db()
    assert job.status == "cancelled"
    assert not DeadLetter.objects.filter(job=job).exists()


def test_a_success_that_beat_the_cancel_stays_a_success():
    job, attempt = started()
    lifecycle.cancel(job_ids=[job.id], now=NOW)
    lifecycle.finish([ending(attempt)])
    job.refresh_from_db()
    assert job.status == "succeeded"


def test_lost_messages_are_rescheduled_without_burning_an_attempt():
    lost = make_job(status="queued", queue_lease_until=NOW - SECOND)
    fresh = make_job(status="queued")
    moved = lifecycle.requeue_lost_messages(before=NOW, limit=10)

    assert [m.job_id for m in moved] == [lost.id]
    lost.refresh_from_db()
    fresh.refresh_from_db()
    assert (lost.status, lost.attempt, lost.ticket) == ("scheduled", 0, None)
    assert fresh.status == "queued"


def test_restart_gives_a_new_round_keeps_history_and_resolves_the_dead_letter():
    job = make_job(status="failed", max_attempts=5, expires_at=NOW - SECOND)
    other = make_job(status="failed")
    new = Replacement(payload={"x": 1}, lane="process", handler="h")
    lifecycle.restart(
        job_ids=[job.id, make_job(status="succeeded").id],
        now=NOW,
        by="someone",
        replacements={job.id: new},
    )

    job.refresh_from_db()
    letter = DeadLetter.objects.get(job=job)
    assert (job.status, job.attempt, job.earlier_attempts) == ("scheduled", 5, 5)
    assert (job.payload, job.lane, job.handler, job.expires_at) == ({"x": 1}, "process", "h", None)
    assert (letter.resolution, letter.resolved_by, letter.resolved_at) == (
        "redriven",
        "someone",
        NOW,
    )
    assert DeadLetter.objects.get(job=other).resolution == ""


def test_run_now_moves_a_waiting_job_and_nothing_else():
    later = make_job(scheduled_at=NOW + 3600 * SECOND)
    running = make_job(status="running")
    moved = lifecycle.advance(job_ids=[later.id, running.id], now=NOW)
    later.refresh_from_db()
    assert [m.job_id for m in moved] == [later.id]
    assert later.scheduled_at == NOW


def test_a_job_is_edited_only_while_it_waits():
    waiting, running = make_job(), make_job(status="running")
    assert lifecycle.edit(job_id=waiting.id, changes={"run_at": NOW + SECOND, "priority": 9})
    assert not lifecycle.edit(job_id=running.id, changes={"priority": 9})
    waiting.refresh_from_db()
    assert (waiting.scheduled_at, waiting.priority) == (NOW + SECOND, 9)


def test_a_group_ends_in_one_statement(django_assert_num_queries):
    worker = make_worker()
    for _ in range(50):
        make_job()
    attempts = claim_all(queue(), worker)
    with django_assert_num_queries(1):
        moved = lifecycle.finish([ending(attempt) for attempt in attempts])
    assert len(moved) == 50
    assert Execution.objects.count() == 50


def test_executions_land_in_this_weeks_partition():
    _, attempt = started()
    lifecycle.finish([ending(attempt)])
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM jobs_execution")
        (name,) = cursor.fetchone()
    assert name.startswith("jobs_execution_20")
