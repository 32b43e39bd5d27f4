"""Whoever looks at history does not notice where a job lies."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import lifecycle
from jobs.lifecycle import BEGINNING
from jobs.models import ArchivedJob, DeadLetter, Dependency, Job
from jobs.partitions import ensure_archive
from jobs.states import FINAL
from tests.api.kit import client_of, noop, problem
from tests.factories.admin import make_execution
from tests.factories.jobs import NOW, SECOND, make_job
from tests.factories.tenants import make_merchant

DAY = 86_400 * SECOND


@pytest.fixture
def shop(db):
    return make_merchant()


def archive_all():
    """Archive whatever has ended and may go."""
    lifecycle.archive(
        before=NOW + DAY, now=NOW, after=BEGINNING, limit=1_000, make_room=ensure_archive
    )


def archived(shop, **values):
    """Return a job that was archived."""
    job = make_job(merchant=shop, **{"status": "succeeded", **values})
    DeadLetter.objects.filter(job=job).update(resolution="discarded", resolved_at=NOW)
    archive_all()
    assert ArchivedJob.objects.filter(pk=job.pk).exists()
    return job


def walked(api, query):
    """Return what all pages of a list hold, from the first to the last."""
    seen, path = [], f"/jobs?{query}"
    while path:
        page = api.read(path).json()
        seen += page["results"]
        path = page["next"] and page["next"].removeprefix("http://testserver")
    return seen


def walked_back(api, query):
    """Return what the pages hold, walked from the last one back to the first."""
    path, answer = f"/jobs?{query}", {}
    while path:
        answer = api.read(path).json()
        path = answer["next"] and answer["next"].removeprefix("http://testserver")
    seen = answer["results"]
    while answer["previous"]:
        answer = api.read(answer["previous"].removeprefix("http://testserver")).json()
        seen = answer["results"] + seen
    return seen


job_rows = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["scheduled", "running", *(one.value for one in FINAL)]),
            "days": st.sampled_from([0, 1, 6, 7, 8, 30, 400]),
            "tags": st.sampled_from([[], ["red"], ["red", "blue"]]),
            "name": st.sampled_from(["", "alpha", "beta"]),
            "closed": st.booleans(),
        }
    ),
    max_size=12,
)
queries = st.sampled_from(
    ["", "status=succeeded", "status=failed,cancelled", "tag=red", "q=alpha", "kind=python"]
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=job_rows, strangers=job_rows, query=queries, size=st.integers(1, 5))
def test_the_list_over_both_places_is_the_list_before_archiving(db, rows, strangers, query, size):
    shop = make_merchant()
    for merchant, some in ((shop, rows), (make_merchant(), strangers)):
        for row in some:
            _store(merchant, row)
    api = client_of(shop)
    asked = f"page_size={size}&{query}"
    before = walked(api, asked)
    archive_all()
    kept_back = Job.objects.of(shop).filter(finalized_at__isnull=False)
    assert set(kept_back.values_list("status", flat=True)) <= {"failed"}
    assert walked(api, asked) == before
    assert walked_back(api, asked) == before


def _store(merchant, row):
    ends = {"finalized_at": NOW - row["days"] * DAY} if row["status"] in FINAL else {}
    job = make_job(
        merchant=merchant, status=row["status"], tags=row["tags"], name=row["name"], **ends
    )
    if row["closed"]:
        DeadLetter.objects.filter(job=job).update(resolution="discarded", resolved_at=NOW)


def test_an_archived_job_its_attempts_and_its_graph_are_read_as_before(shop):
    job = make_job(merchant=shop, status="succeeded", metadata={"order": 7})
    child = make_job(merchant=shop, status="succeeded")
    Dependency.objects.create(parent=job, child=child, name="p", needs="success", outcome="met")
    make_execution(job, outcome="succeeded", error_code="", output={"total": 3})
    api = client_of(shop)
    addresses = [f"/jobs/{job.pk}{part}" for part in ("", "/executions", "/graph")]
    before = [api.read(address).json() for address in addresses]
    archive_all()
    assert not Job.objects.filter(pk__in=[job.pk, child.pk]).exists()
    assert [api.read(address).json() for address in addresses] == before
    assert before[0]["result"] == {"total": 3}


def test_a_filter_by_template_or_id_finds_archived_jobs(shop):
    template = UUID(int=7)
    job = archived(shop, template_id=template, occurrence_at=NOW)
    bystander = archived(shop)
    api = client_of(shop)
    for query in (f"template={template}", f"q={job.pk}"):
        found = [one["id"] for one in walked(api, query)]
        assert found == [str(job.pk)]
    assert len(walked(api, "")) == 2
    assert bystander.pk != job.pk


def test_an_archived_failed_job_is_retried_and_its_answer_says_so(shop):
    job, bystander = archived(shop, status="failed"), archived(shop)
    answer = client_of(shop).send(f"/jobs/{job.pk}/retry")
    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    assert Job.objects.filter(pk=job.pk).exists()
    assert ArchivedJob.objects.filter(pk=bystander.pk).exists()


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("retry", "job_not_retryable"),
        ("cancel", "job_not_cancellable"),
        ("run-now", "job_not_waiting"),
    ],
)
def test_what_does_not_fit_an_archived_job_is_refused_as_of_any_ended_job(shop, verb, code):
    job = archived(shop)
    told = problem(client_of(shop).send(f"/jobs/{job.pk}/{verb}"), 409, code)
    assert "succeeded" in told["detail"]
    problem(client_of(shop).change(f"/jobs/{job.pk}", {"priority": 1}), 409, "job_not_editable")


def test_a_new_job_may_name_an_archived_one_as_its_parent(shop):
    parent = archived(shop)
    made = client_of(shop).send("/jobs", noop(depends_on=[{"job": str(parent.pk)}]))
    assert (made.status_code, made.json()["status"]) == (201, "blocked")
    assert Dependency.objects.get(child_id=made.json()["id"]).parent_id == parent.pk


def test_a_strangers_archived_job_is_a_missing_one(shop):
    job = archived(shop, status="failed", name="A-secret", tags=["A-tag"])
    letter = DeadLetter.objects.get(job=job)
    api = client_of(make_merchant())
    missing = UUID(int=3)
    for method, part in (
        ("GET", ""),
        ("GET", "/executions"),
        ("GET", "/graph"),
        ("PATCH", ""),
        ("POST", "/retry"),
        ("POST", "/cancel"),
        ("POST", "/run-now"),
    ):
        body = {"priority": 1} if method == "PATCH" else None
        theirs = api.call(method, f"/jobs/{job.pk}{part}", body)
        nobodys = api.call(method, f"/jobs/{missing}{part}", body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["detail"] == nobodys.json()["detail"]
    for query in ("", "q=A-secret", "tag=A-tag", f"q={job.pk}"):
        assert walked(api, query) == []
    problem(api.send("/jobs", noop(depends_on=[{"job": str(job.pk)}])), 400, "invalid_fields")
    assert api.read(f"/dead-letters/{letter.pk}").status_code == 404
    assert ArchivedJob.objects.get(pk=job.pk).status == "failed"
