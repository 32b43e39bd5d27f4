"""Occurrences that fall due while a sibling is still going: what each policy does."""

from typing import Any

import pytest

from jobs import lifecycle
from jobs.lifecycle import Settled
from jobs.models import Job
from jobs.outcomes import Ending, Result
from jobs.signals import SkippedOccurrence
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job
from tests.integration.overlaps.kit import GOING, HOUR, end, occurrence, queue, settle, stood

pytestmark = pytest.mark.django_db
NOT_GOING: dict[str, dict[str, Any]] = {
    "succeeded": {"status": "succeeded"},
    "cancelled": {"status": "cancelled"},
    "skipped": {"status": "skipped"},
    "planned": {"status": "scheduled", "scheduled_at": NOW + HOUR},
    "missed": {"status": "scheduled", "missed_at": NOW - SECOND},
    "blocked": {"status": "blocked"},
}


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
