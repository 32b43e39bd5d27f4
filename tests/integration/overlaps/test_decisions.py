"""How overlaps are decided on: who hears of it, in which steps, and at what cost."""

from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle, populator
from jobs.lifecycle import Settled
from jobs.models import Job
from jobs.signals import occurrences_skipped
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_worker
from tests.integration.overlaps.kit import ENGINE, HOUR, occurrence, queue, settle, stood

pytestmark = pytest.mark.django_db


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
