"""What each tick of the watcher looks at does not grow with what exists: by the statements' plans."""

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Canary, Dependency, Job
from jobs.statements import canaries, orphans, watching
from jobs.states import Needs
from jobs.watcher import watch
from tenants.clock import database_now
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.crowds import crowd
from tests.integration.test_occurrence_plans import plan

pytestmark = pytest.mark.django_db
BLOCKED = 300


@pytest.fixture(autouse=True, scope="module")
def _a_crowd(django_db_setup, django_db_blocker):
    with crowd(django_db_blocker):
        _store_crowd()
        yield


def _store_crowd():
    """Store much history, much that waits, blocked jobs of one parent, and a few that run."""
    merchant = make_merchant()
    common = {"merchant": merchant, "kind": "python", "lane": "async"}
    common |= {"run_at": NOW, "scheduled_at": NOW}
    done = {"status": "succeeded", "finalized_at": NOW, "attempt": 1}
    jobs = [Job(**common, **done) for _ in range(1000)]
    jobs += [Job(**common, status="scheduled") for _ in range(1000)]
    blocked = [Job(**common, status="blocked") for _ in range(BLOCKED)]
    Job.objects.bulk_create(jobs + blocked, batch_size=2000)
    parent = make_job(merchant=merchant, awaited=True)
    Dependency.objects.bulk_create(
        Dependency(parent=parent, child=job, name="first", needs=Needs.SUCCESS, outcome="open")
        for job in blocked
    )
    for _ in range(5):
        make_job(merchant=merchant, status="running")
        make_job(merchant=merchant, status="queued")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job, jobs_dependency")


def test_look_for_orphans_reads_one_page_of_the_blocked_and_their_parents():
    used, read = plan(orphans.LOOK_FOR_ORPHANS, limit=50)
    assert {"job_blocked", "dependency_once", "jobs_job_pkey"} <= used
    assert "Seq Scan" not in used
    assert read <= 3 * 50  # each, its dependency, its parent


def test_suspicion_reads_what_workers_and_broker_hold():
    used, read = plan(watching.RAN_OUT, after=NOW - SECOND, now=NOW)
    assert {"job_overdue", "job_queued"} <= used
    assert "Seq Scan" not in used
    assert read <= 20


def test_canaries_read_what_runs_and_their_own_rows():
    make_worker(heartbeat_at=database_now())
    watch(database_now(), Engine())
    assert Canary.objects.count() == 1
    for statement, values in (
        (canaries.SETTLE_CANARIES, {}),
        (canaries.PULSES, {"lanes": ["async"], "now": NOW, "lease": 20.0}),
    ):
        used, read = plan(statement, **values)
        assert "Seq Scan" not in used
        assert read <= 10


def test_idle_tick_costs_a_few_statements(django_assert_max_num_queries):
    now = database_now()
    make_worker(heartbeat_at=now)
    watch(now, Engine())
    with django_assert_max_num_queries(14):
        found = watch(now + SECOND, Engine())
    assert found.canaries == 0


def test_round_over_all_blocked_jobs_finds_no_orphan_among_the_sound():
    assert lifecycle.rescue_orphans(now=NOW, limit=BLOCKED + 1) == []
