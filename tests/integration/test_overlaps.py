"""Occurrences that fall due while a sibling is still going: each policy, at the exact moment."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.lifecycle import Settled
from jobs.models import Job
from jobs.outcomes import Ending, Result
from jobs.signals import SkippedOccurrence, occurrences_skipped
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine()
HOUR = 3600 * SECOND
GOING: dict[str, dict[str, Any]] = {
    "queued": {"status": "queued"},
    "running": {"status": "running"},
    "between attempts": {"status": "retryable", "scheduled_at": NOW + HOUR},
    "handed back": {"status": "scheduled", "attempt": 1},
    "due and not queued yet": {"status": "scheduled"},
}
NOT_GOING: dict[str, dict[str, Any]] = {
    "succeeded": {"status": "succeeded"},
    "cancelled": {"status": "cancelled"},
    "skipped": {"status": "skipped"},
    "planned": {"status": "scheduled", "scheduled_at": NOW + HOUR},
    "missed": {"status": "scheduled", "missed_at": NOW - SECOND},
    "blocked": {"status": "blocked"},
}


@pytest.fixture
def template():
    return new_id()


@pytest.fixture
def heard():
    """What listeners of `occurrences_skipped` were told."""
    told = []

    def listen(*, skipped, **_):
        told.extend(skipped)

    occurrences_skipped.connect(listen)
    yield told
    occurrences_skipped.disconnect(listen)


def occurrence(template, number=0, **overrides):
    values = {"template_id": template, "occurrence_at": NOW + number * SECOND, "origin": "template"}
    return make_job(**{**values, **overrides})


def rows_of(*jobs):
    return list(Job.objects.filter(id__in=[job.id for job in jobs]).order_by("id").values())


def settle(now=NOW, limit=100):
    return lifecycle.settle_overlaps(now=now, limit=limit)


def queue(now=NOW):
    settle(now)
    return [job.job_id for job in lifecycle.queue_due(lane="async", now=now, limit=100, lease=60)]


def stood(*jobs):
    return [Job.objects.get(id=job.id).status for job in jobs]


def end(job, status="succeeded"):
    """End an attempt of a job, whatever it was doing."""
    Job.objects.filter(id=job.id).update(
        status="running", ticket=1, worker_id=new_id(), started_at=NOW, deadline_at=NOW + HOUR
    )
    result = Ending(job_id=job.id, ticket=1, outcome=Result(status), status=status)
    return lifecycle.finish([result])


@pytest.mark.parametrize("sibling", GOING)
def test_a_due_job_is_skipped_while_a_sibling_is_going(template, sibling, heard):
    going = occurrence(template, -60, **GOING[sibling])
    job = occurrence(template, overlap="skip")
    bystanders = [
        occurrence(new_id(), overlap="skip", merchant=job.merchant),
        make_job(merchant=job.merchant),
        occurrence(template, 60, overlap="skip", scheduled_at=NOW + HOUR),
    ]

    assert settle() == Settled(opened=1, skipped=1)

    job.refresh_from_db()
    assert (job.status, job.finalized_at, job.gate) == ("skipped", NOW, "")
    assert job.skip_reason == (
        "The run of 2026-06-01T11:59:00Z had not ended when this one fell due; "
        "its template then skips."
    )
    assert stood(going, *bystanders) == [going.status, "scheduled", "scheduled", "scheduled"]
    assert heard == [
        SkippedOccurrence(
            job_id=job.id,
            merchant_id=job.merchant_id,
            template_id=template,
            occurrence_at=job.occurrence_at,
            cause="overlap",
            reason=job.skip_reason,
        )
    ]


@pytest.mark.parametrize("sibling", NOT_GOING)
@pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running", "wait"])
def test_a_due_job_runs_beside_siblings_that_are_not_going(template, overlap, sibling):
    other = occurrence(template, -60, **NOT_GOING[sibling])
    job = occurrence(template, overlap=overlap)
    assert queue() == [job.id]
    assert stood(other) == [other.status]


@pytest.mark.parametrize(
    ("overlap", "queued", "others"),
    [
        ("skip", 0, ["queued", "skipped", "skipped"]),
        ("queue_one", 0, ["queued", "scheduled", "skipped"]),
        ("wait", 0, ["queued", "scheduled", "scheduled"]),
        ("cancel_running", 2, ["cancelled", "cancelled", "queued"]),
    ],
)
def test_of_siblings_that_are_due_together_one_is_queued(template, overlap, queued, others, heard):
    jobs = [occurrence(template, number, overlap=overlap) for number in (0, 1, 2)]
    bystander = make_job()
    assert set(queue()) == {jobs[queued].id, bystander.id}
    assert stood(*jobs) == others
    ended = {job.id for job, status in zip(jobs, others, strict=True) if status[-1] == "d"}
    ended -= {jobs[queued].id} | {j.id for j in jobs if stood(j) == ["scheduled"]}
    assert {row.job_id for row in heard} == ended


@pytest.mark.parametrize("overlap", ["queue_one", "wait"])
def test_a_held_job_runs_when_the_sibling_has_ended(template, overlap):
    going = occurrence(template, -60, status="running")
    job = occurrence(template, overlap=overlap)
    assert settle() == Settled(held=1)
    assert queue() == []

    (ended,) = end(going)

    assert not ended.makes_way  # the sibling had no policy of its own: nobody is woken for it
    assert queue() == [job.id]


def test_the_end_of_a_job_with_a_policy_is_worth_waking_the_populator(template):
    with_policy = occurrence(template, status="running", overlap="wait")
    (ended,) = end(with_policy)
    (other,) = end(make_job(status="running"))
    (retried,) = end(occurrence(template, 1, status="running", overlap="wait"), "failed")
    assert (ended.makes_way, other.makes_way, retried.makes_way) == (True, False, True)


def test_a_sibling_that_fails_for_now_is_still_waited_for(template):
    going = occurrence(template, -60, status="running")
    occurrence(template, overlap="wait")
    settle()
    end_for_now = Ending(
        job_id=going.id, ticket=going.ticket, outcome=Result.FAILED, status="retryable", delay=9
    )
    (ended,) = lifecycle.finish([end_for_now])
    assert not ended.makes_way
    assert queue() == []


def test_jobs_that_wait_go_strictly_one_after_another_by_occurrence(template):
    jobs = [occurrence(template, number, overlap="wait") for number in (3, 1, 2)]
    order = []
    for _ in jobs:
        (queued,) = queue()
        assert queue() == []
        order.append(queued)
        end(Job.objects.get(id=queued))
    assert order == [jobs[1].id, jobs[2].id, jobs[0].id]
    assert queue() == []


def test_at_most_one_job_waits_by_queue_one_and_it_is_the_earliest(template, heard):
    going = occurrence(template, -60, status="running")
    first, second = occurrence(template, 1, overlap="queue_one"), occurrence(template, 2)
    Job.objects.filter(id=second.id).update(
        overlap="queue_one", gate="shut", scheduled_at=NOW + SECOND
    )
    assert settle() == Settled(held=1)
    assert settle(NOW + SECOND) == Settled(skipped=1)
    assert [row.job_id for row in heard] == [second.id]
    end(going)
    assert queue() == [first.id]


def test_cancel_running_asks_the_running_one_to_stop_and_waits_until_it_has(template, heard):
    going = occurrence(template, -60, status="running")
    stranger = make_job(status="running")
    job = occurrence(template, overlap="cancel_running")

    assert settle() == Settled(held=1, cancelled=1)

    going.refresh_from_db()
    stranger.refresh_from_db()
    assert (going.status, going.cancel_requested_at) == ("running", NOW)
    assert stranger.cancel_requested_at is None
    assert (queue(), heard) == ([], [])
    assert settle() == Settled()
    end(going, "failed")
    assert stood(going) == ["cancelled"]
    assert queue() == [job.id]


@pytest.mark.parametrize("sibling", ["queued", "between attempts", "due and not queued yet"])
def test_cancel_running_ends_what_has_not_started_and_runs_at_once(template, sibling, heard):
    going = occurrence(template, -60, **GOING[sibling])
    job = occurrence(template, overlap="cancel_running")
    assert queue() == [job.id]
    going.refresh_from_db()
    assert (going.status, going.finalized_at) == ("cancelled", NOW)
    assert going.skip_reason == (
        "The run of 2026-06-01T12:00:00Z fell due; its template then cancels what has not ended."
    )
    # What had run before is no occurrence that was not run.
    assert [row.job_id for row in heard] == ([going.id] if going.attempt == 0 else [])


def test_of_several_that_wait_for_a_cancelled_run_the_latest_stays(template):
    going = occurrence(template, -60, status="running")
    first = occurrence(template, 1, overlap="cancel_running")
    settle()
    second = occurrence(template, 2, overlap="cancel_running")
    backfilled = occurrence(template, 3, overlap="wait", origin="backfill")
    settle()
    assert stood(first, second, backfilled) == ["cancelled", "scheduled", "scheduled"]
    end(going, "failed")
    assert set(queue()) == {second.id, backfilled.id}


@pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running"])
@pytest.mark.parametrize(
    "other",
    [
        {"origin": "backfill", "overlap": "wait", "status": "running"},
        {"origin": "backfill", "status": "running"},
        {"origin": "backfill", "overlap": "wait", "gate": "held"},
        {"origin": "person", "overlap": "wait", "status": "running"},
        {"origin": "person", "overlap": "wait", "gate": "held"},
    ],
)
def test_the_schedule_looks_at_no_backfill_and_nothing_made_up_for(template, overlap, other, heard):
    # The one that is held has to wait for something.
    beside = [occurrence(template, -90, **{**other, "status": "running", "gate": ""})]
    other = occurrence(template, -60, **other)
    before = rows_of(other, *beside)
    job = occurrence(template, overlap=overlap)
    assert queue() == [job.id]
    assert (rows_of(other, *beside), heard) == (before, [])


@pytest.mark.parametrize("origin", ["template", "person", "run_now"])
def test_the_schedule_looks_at_what_people_run(template, origin):
    occurrence(template, -60, status="running", origin=origin)
    job = occurrence(template, overlap="skip")
    assert settle() == Settled(skipped=1)
    assert stood(job) == ["skipped"]


@pytest.mark.parametrize("sibling", GOING)
def test_what_is_made_up_for_yields_to_the_schedule(template, sibling):
    going = occurrence(template, -60, **GOING[sibling])
    occurrence(template, -120, status="running", origin="backfill", overlap="wait")
    job = occurrence(template, -30, origin="person", overlap="wait")
    assert settle() == Settled(held=1)
    end(going)
    assert settle().opened == 1
    assert Job.objects.get(id=job.id).gate == ""


def test_what_is_made_up_for_yields_to_what_falls_due_with_it(template):
    made_up = occurrence(template, -60, origin="person", overlap="wait")
    planned = occurrence(template, 0, overlap="queue_one")
    assert queue() == [planned.id]
    end(planned)
    assert queue() == [made_up.id]


def test_of_what_waits_for_the_same_end_the_schedule_goes_first(template):
    going = occurrence(template, -90, status="running")
    made_up = occurrence(template, -60, origin="person", overlap="wait")
    planned = occurrence(template, 0, overlap="queue_one")
    assert settle() == Settled(held=2)
    end(going)
    assert queue() == [planned.id]
    end(planned)
    assert queue() == [made_up.id]


@pytest.mark.parametrize(
    "other",
    [
        {"status": "running"},
        {"overlap": "skip", "status": "running"},
        {"overlap": "queue_one", "gate": "held"},
        {"origin": "person", "overlap": "wait", "status": "running"},
    ],
)
def test_a_backfill_looks_at_backfills_only(template, other):
    occurrence(template, -90, status="running")
    other = occurrence(template, -60, **other)
    jobs = [occurrence(template, number, origin="backfill", overlap="wait") for number in (0, 1)]
    assert queue() == [jobs[0].id]
    end(jobs[0])
    assert queue() == [jobs[1].id]
    assert stood(other) == [other.status]


def test_a_backfill_waits_for_a_backfill_that_goes_beside_the_schedule(template):
    other = occurrence(template, -60, origin="backfill", status="running")
    job = occurrence(template, origin="backfill", overlap="wait")
    assert settle() == Settled(held=1)
    end(other)
    assert queue() == [job.id]


def test_a_run_that_a_person_restarts_asks_no_policy(template):
    occurrence(template, -60, status="running")
    job = occurrence(template, overlap="skip")
    settle()
    lifecycle.restart(job_ids=[job.id], now=NOW, by="someone")
    assert queue() == [job.id]


def test_a_full_lane_delays_no_decision(template, valkey):
    make_worker(capacity=1)
    full = replace(ENGINE, queued_limit=1)
    occurrence(template, -60, status="queued")
    job = occurrence(template, overlap="skip")
    waiting = make_job()
    result = populator.populate(NOW, full)
    assert (result.queued, result.full, result.skipped) == (0, True, 1)
    assert stood(job, waiting) == ["skipped", "scheduled"]


def test_without_a_worker_the_first_waits_and_the_second_is_skipped():
    template = new_id()
    first, second = (occurrence(template, number, overlap="skip") for number in (0, 1))
    assert populator.populate(NOW, ENGINE).skipped == 1
    assert stood(first, second) == ["scheduled", "skipped"]
    assert "No worker" not in Job.objects.get(id=second.id).skip_reason


def test_an_opened_job_whose_message_is_lost_is_still_in_its_siblings_way(template):
    first = occurrence(template, overlap="wait")
    second = occurrence(template, 1, overlap="wait")
    assert queue() == [first.id]
    lifecycle.requeue_lost_messages(before=NOW + HOUR, limit=10)
    assert settle() == Settled(held=0)
    assert queue() == [first.id]
    assert stood(second) == ["scheduled"]


def test_a_suspended_merchants_jobs_are_not_decided_on(template):
    merchant = make_merchant(active=False)
    occurrence(template, -60, status="running", merchant=merchant)
    job = occurrence(template, overlap="skip", merchant=merchant)
    assert settle() == Settled()
    assert stood(job) == ["scheduled"]


def test_a_listener_that_fails_undoes_the_decision_and_holds_up_nobody_else(template, valkey):
    make_worker()
    occurrence(template, -60, status="running")
    job, other = occurrence(template, overlap="skip"), make_job()

    def fail(**_):
        raise RuntimeError("The review row could not be written.")

    occurrences_skipped.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            settle()
        result = populator.populate(NOW, ENGINE)
    finally:
        occurrences_skipped.disconnect(fail)
    assert (result.undecided, result.queued) == (True, 1)
    assert stood(job, other) == ["scheduled", "queued"]
    again = populator.populate(NOW, ENGINE)
    assert (again.undecided, again.skipped) == (False, 1)


def test_listeners_hear_of_it_inside_the_transaction(template):
    occurrence(template, -60, status="running")
    occurrence(template, overlap="skip")
    seen = []

    def look(**_):
        seen.append((connection.in_atomic_block, len(connection.savepoint_ids)))

    outside = len(connection.savepoint_ids)
    occurrences_skipped.connect(look)
    try:
        settle()
    finally:
        occurrences_skipped.disconnect(look)
    assert seen == [(True, outside + 1)]


def test_the_transition_is_announced_after_the_commit(template, django_capture_on_commit_callbacks):
    from jobs.signals import jobs_transitioned

    occurrence(template, -60, status="running")
    job = occurrence(template, overlap="skip")
    told: list[Any] = []

    def listen(*, transitions, **_):
        told.extend((t.job_id, t.verb, t.status) for t in transitions)

    jobs_transitioned.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            settle()
            assert told == []
    finally:
        jobs_transitioned.disconnect(listen)
    assert told == [(job.id, "skip", "skipped")]


def test_more_than_the_limit_is_decided_in_several_steps(template):
    occurrence(template, -60, status="running")
    for number in range(5):
        occurrence(template, number, overlap="skip")
    assert [settle(limit=2) for _ in range(3)] == [
        Settled(skipped=2, more=True),
        Settled(skipped=2, more=True),
        Settled(skipped=1),
    ]


def test_nothing_in_a_workers_hands_can_stand_behind_a_gate(template):
    job = occurrence(template, overlap="wait")
    with pytest.raises(IntegrityError, match="job_behind_gate_not_started"):
        Job.objects.filter(id=job.id).update(
            status="queued", ticket=1, queued_at=NOW, queue_lease_until=NOW
        )


def test_an_overlap_policy_is_for_templates_only():
    with pytest.raises(IntegrityError, match="job_overlap_has_template"):
        make_job(overlap="wait")


def test_the_populator_sleeps_until_a_gated_job_is_due_and_not_for_held_ones(template):
    occurrence(template, -60, status="running")
    occurrence(template, overlap="wait")
    settle()
    assert populator.next_due(NOW) is None
    occurrence(template, 9, overlap="wait", scheduled_at=NOW + 9 * SECOND)
    make_job(scheduled_at=NOW + 10 * SECOND)
    assert populator.next_due(NOW) == NOW + 9 * SECOND


def test_a_job_that_a_person_moves_is_decided_on_anew(template):
    occurrence(template, -60, status="running")
    job = occurrence(template, overlap="queue_one", missed_at=NOW + HOUR)
    settle()
    assert lifecycle.edit(job_id=job.id, changes={"run_at": NOW + HOUR})
    job.refresh_from_db()
    assert (job.gate, job.missed_at, job.scheduled_at) == ("shut", None, NOW + HOUR)
    assert settle() == Settled()
    assert settle(NOW + HOUR) == Settled(held=1)


def test_moving_an_ordinary_job_leaves_its_gate_open():
    job = make_job()
    assert lifecycle.edit(job_id=job.id, changes={"run_at": NOW - SECOND})
    assert queue() == [job.id]


def test_a_job_that_waits_for_a_sibling_cannot_be_missed(template):
    occurrence(template, -60, status="running")
    occurrence(template, overlap="wait", missed_at=NOW + SECOND)
    settle()
    assert lifecycle.find_missed(now=NOW + HOUR, limit=10) == []


def test_without_such_jobs_a_step_costs_one_probe_however_many_plans_there_are(
    template, django_assert_num_queries
):
    for number in range(20):
        occurrence(new_id(), number, overlap="wait", scheduled_at=NOW + HOUR)
    with django_assert_num_queries(1):
        assert settle() == Settled()


def test_the_number_of_statements_does_not_grow_with_the_jobs():
    def statements_for(count):
        for _ in range(count):
            template = new_id()
            occurrence(template, -60, status="running")
            occurrence(template, overlap="skip")
        with CaptureQueriesContext(connection) as executed:
            assert settle().skipped == count
        return len(executed)

    assert statements_for(1) == statements_for(50)
