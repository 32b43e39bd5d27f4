"""A parent ends, and what depends on it is let through, skipped, cancelled or failed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle
from jobs.models import DeadLetter, Dependency, Job
from jobs.states import FINAL, JobStatus, Needs
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant
from tests.integration.dependencies.kit import (
    HOUR,
    child_of,
    end,
    jobs_of_one_merchant,
    outcomes_of,
    settle,
    settle_all,
    stood,
)

pytestmark = pytest.mark.django_db
MET = {
    Needs.SUCCESS: [JobStatus.SUCCEEDED],
    Needs.FAILURE: [JobStatus.FAILED],
    Needs.FINISHED: list(FINAL),
}


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("needs", list(Needs))
def test_child_runs_when_its_parent_ended_as_it_needs_and_never_otherwise(needs, status):
    parent = make_job(status=status)
    child = child_of(parent, needs=needs)
    bystander = child_of(make_job(), needs=needs)
    settle()
    if status in MET[needs]:
        assert stood(child) == ["scheduled"]
    else:
        assert stood(child) == ["cancelled" if status == JobStatus.CANCELLED else "skipped"]
        reason = Job.objects.get(id=child.id).skip_reason
        assert str(parent.id) in reason
        assert f"ended as {status}" in reason
    assert (stood(bystander), outcomes_of(bystander)) == (["blocked"], ["open"])


def test_child_waits_for_all_its_parents():
    first, second = parents = jobs_of_one_merchant(2)
    child = child_of(*parents)
    end(first)
    settle()
    assert (stood(child), outcomes_of(child)) == (["blocked"], ["met", "open"])
    end(second)
    settle()
    assert (stood(child), outcomes_of(child)) == (["scheduled"], ["met", "met"])


def test_child_is_given_up_by_the_first_parent_that_fails_it():
    first, second = parents = jobs_of_one_merchant(2)
    child = child_of(*parents)
    end(first, "failed", code="x")
    settle()
    assert (stood(child), outcomes_of(child)) == (["skipped"], ["unmet", "open"])
    end(second)
    settle()
    assert (stood(child), outcomes_of(child)) == (["skipped"], ["unmet", "met"])


def test_parent_between_its_attempts_has_not_ended():
    parent = make_job()
    child = child_of(parent)
    end(parent, "retryable", code="x")
    settle()
    assert stood(child) == ["blocked"]


def expire(job):
    Job.objects.filter(id=job.id).update(expires_at=NOW)
    lifecycle.expire(now=NOW + SECOND, limit=10)


ENDS = {
    "cancelled": lambda job: lifecycle.cancel(job_ids=[job.id], now=NOW),
    "expired": expire,
    "skipped": lambda job: lifecycle.skip(reasons={job.id: "Missed."}, now=NOW),
    "failed": lambda job: end(job, "failed", code="x"),
    "cancelled while it ran": lambda job: end(job, "cancelled"),
}


@pytest.mark.parametrize("way", ENDS)
def test_every_way_to_end_reaches_all_generations(way):
    parent = make_job()
    child = child_of(parent)
    grandchild = child_of(child)
    cleaner = child_of(grandchild, needs="finished")
    ENDS[way](parent)
    settle_all()
    ended = "cancelled" if "cancelled" in way else "skipped"
    assert stood(child, grandchild, cleaner) == [ended, ended, "scheduled"]
    assert not Job.objects.filter(awaited=True, finalized_at__isnull=False).exists()


def test_opened_child_is_due_at_its_own_time_and_not_before():
    parent = make_job()
    now_due, later = child_of(parent), child_of(parent, run_at=NOW + HOUR)
    end(parent)
    settle(now=NOW + SECOND)
    due = [Job.objects.get(id=job.id).scheduled_at for job in (now_due, later)]
    assert due == [NOW + SECOND, NOW + HOUR]


def test_parent_that_is_retried_before_anybody_looked_is_waited_for_again():
    parent = make_job()
    child = child_of(parent)
    end(parent, "failed", code="x")
    lifecycle.restart(job_ids=[parent.id], now=NOW, by="test")
    settle()
    assert stood(child) == ["blocked"]
    end(parent)
    settle()
    assert stood(child) == ["scheduled"]


def test_skipped_children_of_a_parent_that_is_redriven_stay_skipped():
    parent = make_job()
    child = child_of(parent)
    end(parent, "failed", code="x")
    settle()
    lifecycle.restart(job_ids=[parent.id], now=NOW, by="test")
    end(parent)
    settle()
    assert stood(child) == ["skipped"]


def test_blocked_child_can_be_cancelled_and_stays_so():
    parent = make_job()
    child = child_of(parent)
    lifecycle.cancel(job_ids=[child.id], now=NOW)
    end(parent)
    settle()
    assert (stood(child), outcomes_of(child)) == (["cancelled"], ["met"])


def test_blocked_child_expires_at_its_deadline():
    child = child_of(make_job(), expires_at=NOW + SECOND)
    lifecycle.expire(now=NOW + HOUR, limit=10)
    assert stood(child) == ["failed"]
    assert DeadLetter.objects.get(job_id=child.id).error_code == "expired"


def test_end_of_a_parent_is_worth_waking_the_populator():
    parent, other = make_job(), make_job()
    child_of(parent)
    assert [job.makes_way for job in end(parent)] == [True]
    assert [job.makes_way for job in end(other)] == [False]


def test_parent_of_another_merchant_is_missing_and_nothing_is_stored():
    parent, mine = make_job(), make_job(merchant=make_merchant("mine"))
    with pytest.raises(lifecycle.MissingParents) as missing:
        child_of(mine, parent)
    assert missing.value.ids == {parent.id}
    assert Job.objects.count() == 2
    assert not Job.objects.filter(awaited=True).exists()


def test_settling_costs_one_probe_when_there_is_nothing_to_settle():
    child_of(make_job())
    with CaptureQueriesContext(connection) as queries:
        assert settle() == lifecycle.Resolved()
    assert len(queries) == 1


def test_expanders_plan_that_somebody_depends_on_is_not_withdrawn():
    template, merchant = new_id(), make_merchant()
    plans = [
        make_job(
            template_id=template,
            occurrence_at=NOW + number * SECOND,
            origin="template",
            merchant=merchant,
        )
        for number in range(2)
    ]
    child = child_of(plans[0])
    lifecycle.withdraw(template_ids=[template])
    assert set(Job.objects.values_list("id", flat=True)) == {plans[0].id, child.id}


@pytest.mark.parametrize("limit", [7, 100, 1000])
def test_steps_are_bounded_and_lose_nobody(limit):
    parents = jobs_of_one_merchant(10)
    children = [child_of(*parents[place : place + 3]) for place in range(8) for _ in range(3)]
    for parent in parents:
        end(parent)
    before = Dependency.objects.filter(outcome="open").count()
    first = settle(limit=limit)
    assert first.settled <= limit
    assert before == 72
    settle_all(limit=limit)
    assert set(stood(*children)) == {"scheduled"}
    assert not Job.objects.filter(awaited=True).exists()


def test_a_parent_with_many_children_leaves_room_for_one_with_few():
    flooding, other = make_job(), make_job()
    crowd = [child_of(flooding) for _ in range(20)]
    few = child_of(other)
    end(flooding)
    end(other)
    first = settle(limit=10)
    assert (first.settled, first.more) == (6, True)
    assert stood(few) == ["scheduled"]
    settle_all(limit=10)
    assert set(stood(*crowd)) == {"scheduled"}
