"""GET /jobs and its siblings: filters, pages, and what a bad query is told."""

import inspect
import threading
from datetime import timedelta
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobs.api import base
from jobs.states import JobStatus
from tenants.identifiers import new_id
from tests.api.kit import client_of, problem
from tests.factories.jobs import NOW, make_job
from tests.factories.tenants import make_merchant


def ids(answer):
    assert answer.status_code == 200, answer.content
    return {job["id"] for job in answer.json()["results"]}


def test_pages_hold_every_job_once_newest_first_without_counting(api, merchant):
    jobs = [make_job(merchant=merchant) for _ in range(7)]
    seen, path = [], "/jobs?page_size=3"
    with CaptureQueriesContext(connection) as captured:
        while path:
            page = api.read(path).json()
            seen += [job["id"] for job in page["results"]]
            path = page["next"] and page["next"].removeprefix("http://testserver")
    assert seen == [str(job.pk) for job in reversed(jobs)]
    assert not any("COUNT(" in query["sql"].upper() for query in captured)
    assert not any(" OFFSET " in query["sql"].upper() for query in captured)


def test_a_page_can_be_walked_back(api, merchant):
    for _ in range(4):
        make_job(merchant=merchant)
    first = api.read("/jobs?page_size=2").json()
    second = api.read(first["next"].removeprefix("http://testserver")).json()
    back = api.read(second["previous"].removeprefix("http://testserver")).json()
    assert back["results"] == first["results"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("parameters", "fits"),
    [
        ({"status": "cancelled"}, {"status": "cancelled"}),
        ({"status": "cancelled,failed"}, {"status": "failed"}),
        ({"kind": "http"}, {"kind": "http"}),
        ({"handler": "demo.echo"}, {"handler": "demo.echo"}),
        ({"lane": "process"}, {"lane": "process"}),
        ({"tag": "red"}, {"tags": ["blue", "red"]}),
        ({"priority": "9"}, {"priority": 9}),
        ({"run_after": "2026-06-02T00:00:00Z"}, {"run_at": NOW + timedelta(days=2)}),
        ({"run_before": "2026-06-01T00:00:00+02:00"}, {"run_at": NOW - timedelta(days=2)}),
        ({"scheduled_after": "2026-06-02T00:00:00Z"}, {"scheduled_at": NOW + timedelta(days=2)}),
        ({"finished_after": "2026-01-01T00:00:00Z"}, {"status": "succeeded"}),
        ({"q": "ight"}, {"name": "Nightly"}),
        ({"q": "NIGHT"}, {"name": "Nightly"}),
        ({"q": "lue"}, {"tags": ["blue"]}),
        ({"q": "100%"}, {"name": "up 100% now"}),
    ],
)
def test_a_filter_finds_what_fits_and_nothing_else(api, merchant, parameters, fits):
    wanted = make_job(merchant=merchant, **fits)
    make_job(merchant=merchant, name="Other", tags=["redder"])
    make_job(**fits)  # a stranger's
    assert ids(api.read(f"/jobs?{urlencode(parameters)}")) == {str(wanted.pk)}


def test_a_job_is_found_by_its_id_and_its_template(api, merchant):
    template = new_id()
    wanted = make_job(merchant=merchant, template_id=template, occurrence_at=NOW)
    make_job(merchant=merchant)
    for query in (f"q={wanted.pk}", f"template={template}"):
        assert ids(api.read(f"/jobs?{query}")) == {str(wanted.pk)}


def test_an_occurrence_tells_its_template_and_why_it_was_not_run(api, merchant):
    template = new_id()
    job = make_job(
        merchant=merchant,
        template_id=template,
        occurrence_at=NOW,
        occurrence_note="Moved from Sat 3 Oct 09:00: weekend.",
        origin="template",
        overlap="skip",
        status="skipped",
        skip_reason="The run before had not ended.",
    )
    shown = api.read(f"/jobs/{job.pk}").json()
    assert {name: shown[name] for name in shown if name in OF_OCCURRENCE} == {
        "template_id": str(template),
        "occurrence_at": "2026-06-01T12:00:00.000000Z",
        "occurrence_note": "Moved from Sat 3 Oct 09:00: weekend.",
        "origin": "template",
        "overlap": "skip",
        "skip_reason": "The run before had not ended.",
    }
    assert shown["waiting_reason"] is None


def test_other_jobs_say_nothing_of_occurrences(api, merchant):
    shown = api.read(f"/jobs/{make_job(merchant=merchant).pk}").json()
    assert {shown[name] for name in OF_OCCURRENCE} == {None, ""}


OF_OCCURRENCE = (
    "template_id",
    "occurrence_at",
    "occurrence_note",
    "origin",
    "overlap",
    "skip_reason",
)


def test_several_statuses_can_be_repeated(api, merchant):
    wanted = {
        str(make_job(merchant=merchant, status=status).pk)
        for status in (JobStatus.QUEUED, JobStatus.RUNNING)
    }
    make_job(merchant=merchant)
    assert ids(api.read("/jobs?status=queued&status=running")) == wanted


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "lane=fast",
        "template=7",
        "priority=high",
        "priority=NaN",
        "priority=11",
        "created_after=yesterday",
        "created_after=2026-01-01T00:00:00",
        "q=%00",
        "tag=%00",
        "q=" + "x" * 101,
        "page_size=0",
        "page_size=201",
        "page_size=ten",
        "page_size=%D9%A3",
    ],
)
def test_a_bad_value_is_refused_by_name(api, query):
    body = problem(api.read(f"/jobs?{query}"), 400, "invalid_parameters")
    assert [error["parameter"] for error in body["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("cursor", ["x", "cD1ub3QtYS11dWlk", "%FF", "cj14", "bz0tMQ%3D%3D"])
def test_a_garbage_cursor_is_refused(api, merchant, cursor):
    make_job(merchant=merchant)
    problem(api.read(f"/jobs?cursor={cursor}"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    "path",
    [
        "/jobs?statsu=failed",
        "/executions?nope=1",
        "/dead-letters?nope=1",
        "/dead-letters/groups?page_size=5",
        "/jobs/0/executions?page=2",
    ],
)
def test_an_unknown_parameter_is_named(api, path):
    body = problem(api.read(path), 400, "unknown_parameter")
    assert body["errors"][0]["parameter"] == path.partition("?")[2].partition("=")[0]


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_is_stopped_and_told_to_narrow(database_url, monkeypatch):
    client = client_of(make_merchant())
    monkeypatch.setattr(inspect.unwrap(base.bounded_time), "__defaults__", (0.1,))
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE jobs_job IN ACCESS EXCLUSIVE MODE")
        answers = []

        def search():
            answers.append(client.read("/jobs"))
            connections.close_all()

        thread = threading.Thread(target=search)
        thread.start()
        thread.join(30)
        blocker.rollback()
    answer = answers[0]
    assert "time range" in problem(answer, 503, "query_too_slow")["detail"]
    assert int(answer["Retry-After"]) >= 1
