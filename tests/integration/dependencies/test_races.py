"""Two sessions at once: creation against the parent's end, populators against one another."""

import pytest
from django.db import transaction

from jobs import lifecycle
from jobs.api.new_jobs import create_all
from jobs.models import Job
from jobs.statements import depending
from tenants.statement import execute
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.integration.dependencies.kit import (
    child_of,
    end,
    jobs_of_one_merchant,
    outcomes_of,
    settle,
    settle_all,
    stood,
)
from tests.integration.sessions import (
    OtherSession,
    wait_until_it_waits_or_ends,
    wait_until_one_waits_for_a_lock,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_parent_that_ends_while_its_child_is_created_lets_it_through():
    parent = make_job()
    with transaction.atomic():
        child = child_of(parent)
        ending = OtherSession(lambda: end(parent))
        wait_until_one_waits_for_a_lock()
    ending.result()
    assert stood(parent, child) == ["succeeded", "blocked"]
    settle()
    assert stood(child) == ["scheduled"]


def test_child_that_is_created_while_its_parent_ends_sees_the_end():
    parent = make_job()
    with transaction.atomic():
        end(parent, "failed", code="x")
        creating = OtherSession(lambda: child_of(parent))
        wait_until_one_waits_for_a_lock()
    child = creating.result()
    settle()
    assert stood(child) == ["skipped"]


def test_child_that_is_created_while_others_are_settled_is_settled_next():
    parent = make_job()
    first = child_of(parent)
    end(parent)
    with transaction.atomic():
        settle()
        creating = OtherSession(lambda: child_of(parent))
        wait_until_one_waits_for_a_lock()
    second = creating.result()
    assert stood(first, second) == ["scheduled", "blocked"]
    settle()
    assert stood(second) == ["scheduled"]
    assert not Job.objects.filter(awaited=True).exists()


def test_two_populators_that_settle_the_last_two_parents_at_once_open_the_child():
    first, second = jobs_of_one_merchant(2)
    child = child_of(first, second)
    end(first)
    end(second)
    with transaction.atomic():
        # As a populator that took one parent and the child, and has not settled yet.
        assert execute(depending.FIND_ENDED, limit=1) == [(first.id,)]
        assert settle_elsewhere().settled == 1
        assert stood(child) == ["blocked"]
        settle()
        assert stood(child) == ["scheduled"]
    assert settle_elsewhere().settled == 0
    assert outcomes_of(child) == ["met", "met"]


def settle_elsewhere(limit=100):
    return OtherSession(lambda: settle(limit=limit)).result()


def test_child_that_another_populator_holds_is_left_to_the_next_step():
    first, second = jobs_of_one_merchant(2)
    child, neighbour = child_of(first, second), child_of(second)
    end(first)
    with transaction.atomic():
        settle()
        end(second)
        execute(depending.LOCK_CHILDREN, ids=[child.id])
    with transaction.atomic():
        execute(depending.LOCK_CHILDREN, ids=[child.id])
        settled = settle_elsewhere()
        assert (settled.settled, settled.more) == (1, False)
        assert stood(child, neighbour) == ["blocked", "scheduled"]
    settle()
    assert stood(child) == ["scheduled"]
    assert not Job.objects.filter(awaited=True).exists()


def test_child_that_is_cancelled_while_it_is_opened_is_either_and_stays_so():
    parent = make_job()
    child = child_of(parent)
    end(parent)
    with transaction.atomic():
        lifecycle.cancel(job_ids=[child.id], now=NOW)
        assert settle_elsewhere().settled == 0
    assert stood(child) == ["cancelled"]
    settle()
    assert (stood(child), outcomes_of(child)) == (["cancelled"], ["met"])


def test_graphs_that_meet_in_several_parents_do_not_deadlock():
    first, second = jobs_of_one_merchant(2)
    with transaction.atomic():
        child_of(second)
        other = OtherSession(lambda: child_of(second, first))
        wait_until_one_waits_for_a_lock()
        execute(depending.AWAIT, ids=[second.id])
    other.result()
    assert Job.objects.filter(awaited=True).count() == 2


def keyed_job(key, on_conflict, **family):
    unique = {"key": key, "on_conflict": on_conflict}
    return {"kind": "python", "payload": {"handler": "demo.noop"}, "unique": unique, **family}


def test_holder_that_becomes_a_parent_is_locked_with_the_one_that_is_replaced():
    """Locked one after the other, they deadlocked with whoever takes both in the order of ids."""
    merchant = make_merchant()
    create_all({"jobs": [keyed_job(key, "return") for key in "ab"]}, merchant=merchant, now=NOW)
    older, younger = Job.objects.order_by("id")
    depends = {"kind": "python", "payload": {"handler": "demo.noop"}, "depends_on": [{"job": "x"}]}
    jobs = [keyed_job("b", "replace"), keyed_job("a", "return", ref="x"), depends]
    with transaction.atomic():
        lifecycle.cancel(job_ids=[older.id], now=NOW)
        creating = OtherSession(lambda: create_all({"jobs": jobs}, merchant=merchant, now=NOW))
        wait_until_one_waits_for_a_lock()
        # Nobody else holds it: the other session waits for the older one first.
        Job.objects.select_for_update(nowait=True).get(id=younger.id)
    assert creating.result().status == 201


def test_four_populators_settle_a_lattice_and_every_job_runs_once():
    layers = [jobs_of_one_merchant(6)]
    for _ in range(3):
        layers.append([child_of(*layers[-1]) for _ in range(6)])
    for number, layer in enumerate(layers):
        if number:
            assert set(stood(*layer)) == {"scheduled"}
        for job in layer:
            end(job)
        sessions = [OtherSession(lambda: settle_all(limit=5)) for _ in range(4)]
        for session in sessions:
            wait_until_it_waits_or_ends(session)
            session.result()
        settle_all()
    assert not Job.objects.filter(awaited=True).exists()
