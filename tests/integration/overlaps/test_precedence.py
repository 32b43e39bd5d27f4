"""Which runs of a template stand in one another's way, and which of them goes first."""

from dataclasses import replace

import pytest

from jobs import lifecycle, populator
from jobs.lifecycle import Settled
from jobs.models import Job
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, make_job, make_merchant, make_worker
from tests.integration.overlaps.kit import (
    ENGINE,
    GOING,
    HOUR,
    end,
    occurrence,
    queue,
    settle,
    stood,
)

pytestmark = pytest.mark.django_db


def rows_of(*jobs):
    return list(Job.objects.filter(id__in=[job.id for job in jobs]).order_by("id").values())


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
