"""The recurrence manager's statements touch what is due, never what exists: by their plans."""

import json

import pytest
from django.db import connection

from jobs.models import Job
from jobs.statements import occurrences, overlapping, queueing
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_merchant
from tests.integration.crowds import crowd

pytestmark = pytest.mark.django_db
HOUR = 3600 * SECOND
HISTORY = 600


@pytest.fixture(autouse=True, scope="module")
def _a_crowd(django_db_setup, django_db_blocker):
    with crowd(django_db_blocker):
        _store_crowd()
        yield


def _store_crowd():
    """Store thousands of finished and planned jobs, of one template and of none; a few that matter."""
    merchants = [make_merchant() for _ in range(20)]
    templates = [new_id() for _ in merchants]
    common = {"kind": "python", "lane": "async", "run_at": NOW, "scheduled_at": NOW}
    done = {"status": "succeeded", "finalized_at": NOW, "attempt": 1}
    later = {"status": "scheduled", "scheduled_at": NOW + HOUR, "missed_at": NOW + 2 * HOUR}
    busy = {"overlap": "wait", "origin": "template"}
    jobs = []
    for number in range(HISTORY):
        which = number % len(templates)
        whose = {**common, "merchant": merchants[which]}
        past = {"template_id": templates[which], "occurrence_at": NOW - number * SECOND}
        plan = {"template_id": new_id(), "occurrence_at": NOW + HOUR, "gate": "shut"}
        jobs += [
            Job(**{**whose, **done}),
            Job(**{**whose, **past, **done, **busy}),
            Job(**{**whose, **later, "missed_at": None}),
            Job(**{**whose, **later, **busy, **plan}),
        ]
    Job.objects.bulk_create(jobs, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")


def plan(statement, **values):
    """Return the indexes of a statement's plan, and the rows of jobs that its run looked at."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        (answer,) = cursor.fetchone()
    (root,) = json.loads(answer) if isinstance(answer, str) else answer
    used, read = set(), 0
    nodes = [root["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "jobs_job" or "Index Name" in node:
            used.add(node.get("Index Name", node["Node Type"]))
            removed = node.get("Rows Removed by Filter", 0) + node.get(
                "Rows Removed by Index Recheck", 0
            )
            read += int((node["Actual Rows"] + removed) * node["Actual Loops"])
    return used, read


def test_the_probe_for_overlaps_reads_nothing_when_nothing_is_due():
    used, read = plan(overlapping.ANYTHING, now=NOW)
    assert {"job_shut", "job_held"} <= used
    assert "Seq Scan" not in used
    assert read == 0


def test_the_hunt_for_missed_jobs_reads_nothing_when_nothing_is_missed():
    used, read = plan(occurrences.FIND_MISSED, now=NOW, limit=1000)
    assert "job_missable" in used
    assert read == 0


def test_a_decision_reads_a_templates_going_jobs_and_not_its_history():
    busy = Job.objects.filter(origin="template", status="succeeded").first()
    assert busy is not None
    Job.objects.create(
        merchant=busy.merchant,
        kind="python",
        lane="async",
        run_at=NOW,
        scheduled_at=NOW,
        status="scheduled",
        gate="shut",
        overlap="skip",
        template_id=busy.template_id,
        occurrence_at=NOW + SECOND,
    )
    used, read = plan(overlapping.FIND_SHUT, now=NOW, limit=1000)
    assert {"job_shut", "job_template_unfinished"} <= used
    assert "Seq Scan" not in used
    assert read < 50, used


@pytest.mark.parametrize("statement", [overlapping.RELEASE, overlapping.MAKE_WAY])
def test_without_held_jobs_nothing_is_read(statement):
    used, read = plan(statement, now=NOW)
    assert "Seq Scan" not in used
    assert read == 0


@pytest.fixture
def _a_backfill(db):
    """A template whose backfill holds hundreds of jobs, and whose schedule has one that is due."""
    merchant, template = make_merchant(), new_id()
    common = {
        "merchant": merchant,
        "template_id": template,
        "kind": "python",
        "lane": "async",
        "run_at": NOW,
        "scheduled_at": NOW,
        "status": "scheduled",
    }
    backfill = {**common, "gate": "held", "overlap": "wait", "origin": "backfill"}
    jobs = [Job(**backfill, occurrence_at=NOW - number * SECOND) for number in range(2, HISTORY)]
    going = {**backfill, "gate": "", "occurrence_at": NOW - HISTORY * SECOND}
    due = {**common, "gate": "shut", "origin": "template"}
    Job.objects.bulk_create(
        [
            *jobs,
            Job(**going),
            Job(**due, overlap="queue_one", occurrence_at=NOW),
            Job(**{**due, "origin": "person"}, overlap="wait", occurrence_at=NOW - SECOND),
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")


@pytest.mark.usefixtures("_a_backfill")
@pytest.mark.parametrize("statement", [overlapping.RELEASE, overlapping.FIND_SHUT])
def test_what_a_backfill_holds_costs_nothing(statement):
    used, read = plan(statement, now=NOW, limit=1000)
    assert "job_held" in used
    assert "Seq Scan" not in used
    assert read < 50, used


def test_what_is_made_up_for_is_found_by_its_occurrence():
    busy = Job.objects.filter(origin="template", status="succeeded").first()
    assert busy is not None
    used, read = plan(
        occurrences.MAKE_UP,
        template_id=busy.template_id,
        occurrences=[busy.occurrence_at, NOW + SECOND],
        dues=[NOW, NOW],
        origin="backfill",
        overlap="wait",
    )
    assert "job_one_per_occurrence" in used
    assert read < 50, used


def test_an_edit_reads_a_templates_waiting_jobs_and_not_its_history():
    busy = Job.objects.filter(origin="template", status="succeeded").first()
    assert busy is not None
    used, read = plan(occurrences.WITHDRAW, template_ids=[busy.template_id])
    assert "job_template_unfinished" in used
    assert read < 50, used


def test_the_populators_sleep_is_told_by_probes():
    used, read = plan(queueing.NEXT_DUE, now=NOW, lanes=["async", "process"])
    assert {"job_due", "job_shut"} <= used
    assert read < 50, used


def test_the_newest_runs_of_a_template_come_in_the_order_of_an_index():
    from jobs.queries import last_runs

    busy = Job.objects.filter(origin="template", status="succeeded").first()
    assert busy is not None
    assert busy.template_id is not None
    text = last_runs(busy.template_id)[:10].explain()
    assert "job_template_newest" in text
    assert "Sort" not in text
