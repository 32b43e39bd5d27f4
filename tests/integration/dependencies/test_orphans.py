"""Blocked jobs whose parents are gone: found by the watcher, decided by their rule, with a reason."""

import pytest
from django.db import connection, transaction

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Dependency, Job, Watch
from jobs.watcher import watch
from tests.factories.jobs import NOW, make_job
from tests.integration.dependencies.kit import child_of, end, jobs_of_one_merchant, settle_all
from tests.integration.sessions import OtherSession

# Committed step by step: a foreign key is checked again for rows of one's own transaction.
pytestmark = pytest.mark.django_db(transaction=True)
ENGINE = Engine()


def lose(model, *ids):
    """Delete rows as nothing of ours would: what depends on them stays."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [list(ids)])


def rescue(limit=100):
    return [moved.job_id for moved in lifecycle.rescue_orphans(now=NOW, limit=limit)]


def stands(job):
    job.refresh_from_db()
    return job.status, job.skip_reason


@pytest.fixture
def bystander():
    """A child of another merchant, whose parent is well."""
    child = child_of(make_job())
    yield child
    child.refresh_from_db()
    assert child.status == "blocked"


@pytest.mark.parametrize("needs", ["success", "failure"])
def test_child_that_needed_more_than_an_end_is_skipped_with_the_reason(bystander, needs):
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent, needs=needs)
    lose(Job, parent.id)
    assert rescue() == [child.id]
    reason = f"It needed the {needs} of p0, job {parent.id}, which does not exist any more."
    assert stands(child) == ("skipped", reason)
    assert rescue() == []


def test_child_that_waited_for_an_end_alone_runs(bystander):
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent, needs="finished")
    lose(Job, parent.id)
    assert rescue() == [child.id]
    assert stands(child) == ("scheduled", "")


def test_child_that_draws_on_a_parent_that_is_gone_is_skipped(bystander):
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent, needs="finished", draws_on_parents=True, condition="p0.n > 1")
    lose(Job, parent.id)
    assert rescue() == [child.id]
    reason = f"It needed the result of p0, job {parent.id}, which does not exist any more."
    assert stands(child) == ("skipped", reason)


def test_other_parents_are_waited_for_still(bystander):
    gone, waits = jobs_of_one_merchant(2)
    child = child_of(gone, waits, needs="finished")
    lose(Job, gone.id)
    assert rescue() == []
    assert stands(child) == ("blocked", "")
    end(waits)
    settle_all()
    assert stands(child) == ("scheduled", "")


def test_child_of_whose_dependencies_nothing_is_left_is_skipped(bystander):
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent)
    Dependency.objects.filter(child=child).delete()
    assert rescue() == [child.id]
    status, reason = stands(child)
    assert status == "skipped"
    assert "nothing tells any more for which" in reason


@pytest.mark.parametrize("ended", [True, False])
def test_parent_that_lost_its_mark_is_marked_again(bystander, ended):
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent)
    Job.objects.filter(id=parent.id).update(awaited=False)
    if ended:
        end(parent)
        settle_all()
        assert stands(child) == ("blocked", "")
    assert rescue() == []
    if not ended:
        end(parent)
    settle_all()
    assert stands(child) == ("scheduled", "")


def test_ticks_go_round_over_all_blocked_jobs():
    Watch.objects.create(ticked_at=NOW)
    parents = jobs_of_one_merchant(5)
    children = [child_of(parent) for parent in parents]
    lose(Job, parents[1].id, parents[4].id)
    found = [rescue(limit=2) for _ in range(3)]
    assert found == [[children[1].id], [], [children[4].id]]
    assert Watch.objects.get().orphans_after is None
    lose(Job, parents[0].id)
    assert rescue(limit=2) == [children[0].id]


def test_tick_of_the_watcher_rescues_orphans(bystander):
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent)
    lose(Job, parent.id)
    assert watch(NOW, ENGINE).orphans == 1
    assert watch(NOW, ENGINE).orphans == 0
    assert stands(child)[0] == "skipped"


def test_orphan_that_somebody_holds_is_left_to_the_next_round():
    [parent] = jobs_of_one_merchant(1)
    child = child_of(parent)
    Dependency.objects.filter(child=child).delete()
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=child.pk)
        assert OtherSession(rescue).result() == []
    assert rescue() == [child.id]
