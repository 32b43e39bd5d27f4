"""A template's runs by the API: previews, run now, backfill, and what did not run."""

from datetime import datetime, timedelta

import pytest

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from tenants.clock import database_now
from tests.api.kit import client_of, pointers, problem
from tests.api.schedules import DAILY, HOURLY, at, created, jobs_of, make
from tests.factories.jobs import make_job
from tests.factories.templates import make_calendar, make_template

MADRID = {"kind": "daily", "times": ["02:30"], "timezone": "Europe/Madrid"}


def test_run_now_makes_one_job_beside_the_recurrence(api):
    template = make(api)
    job = created(api.send(f"/templates/{template['id']}/run-now"))
    assert (job["template_id"], job["origin"], job["status"]) == (
        template["id"],
        "run_now",
        "scheduled",
    )
    assert at(job["run_at"]) <= database_now()
    assert api.read(f"/jobs/{job['id']}").json()["name"] == "Report"
    assert len(jobs_of(template)) == 2


def test_the_same_key_runs_a_template_once(api):
    path = f"/templates/{make(api)['id']}/run-now"
    first = api.send(path, **{"Idempotency-Key": "now"})
    again = api.send(path, **{"Idempotency-Key": "now"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert Job.objects.filter(origin="run_now").count() == 1


@pytest.mark.parametrize("body", [{"payload": {}}, [], "now"])
def test_run_now_takes_no_body(api, body):
    path = f"/templates/{make(api)['id']}/run-now"
    problem(api.send(path, body), 400, "invalid_fields")
    assert not Job.objects.filter(origin="run_now").exists()


def test_a_backfill_runs_what_has_no_job_yet_once(api):
    template = make(api)
    [planned] = jobs_of(template)
    end = planned.run_at - timedelta(hours=1)
    body = {"from": (end - timedelta(hours=4)).isoformat(), "to": end.isoformat()}
    told = api.send(f"/templates/{template['id']}/backfill", body).json()
    assert (told["created"], told["existing"], told["not_planned"]) == (5, 0, 0)
    made = Job.objects.filter(template_id=template["id"], origin="backfill")
    assert {job.occurrence_at for job in made} == {end - timedelta(hours=n) for n in range(5)}
    assert {job.overlap for job in made} == {"wait"}
    again = api.send(f"/templates/{template['id']}/backfill", body).json()
    assert (again["created"], again["existing"]) == (0, 5)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/from"),
        ({"from": "2026-01-01T00:00:00Z"}, "/to"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "/to"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}, "/to"),
        (
            {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "overlap": "x"},
            "/overlap",
        ),
        ({"from": "2026-01-01", "to": "2026-01-02"}, "/from"),
    ],
)
def test_a_bad_backfill_is_told_why(api, body, pointer):
    path = f"/templates/{make(api)['id']}/backfill"
    told = problem(api.send(path, body), 400, "invalid_fields")
    assert pointer in {where for where, _ in pointers(told)}
    assert not Job.objects.filter(origin="backfill").exists()


def test_a_preview_tells_nominal_and_real_time_and_why_they_differ(api):
    template = make(api, recurrence=MADRID)
    path = f"/templates/{template['id']}/preview?count=3&from=2026-03-28T00:00:00Z"
    told = api.read(path).json()
    assert told["timezone"] == "Europe/Madrid"
    assert told["sentence"] == "At 02:30 every day; Europe/Madrid"
    assert [run["nominal"] for run in told["runs"]] == [
        "2026-03-28T02:30:00",
        "2026-03-29T02:30:00",
        "2026-03-30T02:30:00",
    ]
    moved = told["runs"][1]
    assert moved["run_at"] == "2026-03-29T01:30:00.000000Z"
    assert moved["run_at_local"] == "2026-03-29T03:30:00+02:00"
    assert "does not exist" in moved["note"]
    assert told["runs"][0]["note"] == ""
    assert len(jobs_of(template)) == 1


def test_a_preview_shows_what_a_calendar_takes_out(api, merchant):
    weekends = make_calendar(merchant=merchant)
    template = make(api, recurrence=DAILY, avoid=[str(weekends.pk)])
    path = f"/templates/{template['id']}/preview?count=4&from=2026-06-04T12:00:00Z"
    told = api.read(path).json()
    assert [run["nominal"][:10] for run in told["runs"]] == [
        "2026-06-05",
        "2026-06-08",
        "2026-06-09",
        "2026-06-10",
    ]
    [skipped] = told["skipped"]
    assert (skipped["cause"], skipped["occurrences"]) == ("closed", 2)
    assert skipped["reason"] == "Saturday"


@pytest.mark.parametrize(
    "query", ["count=0", "count=1001", "count=x", "from=today", "from=2026-01-01T00:00:00"]
)
def test_a_bad_preview_is_refused_by_name(api, query):
    path = f"/templates/{make(api)['id']}/preview?{query}"
    told = problem(api.read(path), 400, "invalid_parameters")
    assert told["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_draft_is_previewed_without_being_stored(api):
    body = {"recurrence": MADRID, "count": 2, "from": "2026-10-24T12:00:00+02:00"}
    told = api.send("/templates/preview", body).json()
    assert [run["run_at"] for run in told["runs"]] == [
        "2026-10-25T00:30:00.000000Z",
        "2026-10-26T01:30:00.000000Z",
    ]
    assert "occurs twice" in told["runs"][0]["note"]
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/recurrence"),
        ({"recurrence": {**HOURLY, "expression": "0 25 * * *"}}, "/recurrence/expression"),
        ({"recurrence": HOURLY, "count": 0}, "/count"),
        ({"recurrence": HOURLY, "avoid": ["x"]}, "/avoid"),
        ({"recurrence": HOURLY, "until": "2027-01-01T00:00:00Z"}, "/until"),
        ([], ""),
    ],
)
def test_a_bad_draft_is_told_where(api, body, pointer):
    told = problem(api.send("/templates/preview", body), 400, "invalid_fields")
    assert pointer in {where for where, _ in pointers(told)}


def test_occurrences_that_did_not_run_are_listed_with_their_reason(api, merchant):
    template = Template.objects.get(pk=make(api)["id"])
    first = datetime.fromisoformat("2026-06-06T09:00:00+00:00")
    rows = [
        SkippedOccurrence.objects.create(
            merchant=merchant,
            template=template,
            cause=cause,
            reason=f"Because of {cause}.",
            first_at=first,
            last_at=first + timedelta(days=1),
            occurrences=2,
        )
        for cause in ("closed", "missed", "window")
    ]
    other = make_template()
    SkippedOccurrence.objects.create(
        merchant=other.merchant,
        template=other,
        cause="closed",
        reason="x",
        first_at=first,
        last_at=first,
    )
    path = f"/templates/{template.pk}/skipped?page_size=2"
    page = api.read(path).json()
    rest = api.read(page["next"].removeprefix("http://testserver")).json()
    found = [*page["results"], *rest["results"]]
    assert [row["id"] for row in found] == [str(row.pk) for row in rows[::-1]]
    assert (found[0]["cause"], found[0]["reason"], found[0]["occurrences"]) == (
        "window",
        "Because of window.",
        2,
    )
    assert rest["next"] is None


def test_a_templates_jobs_are_in_the_list_of_jobs(api, merchant):
    template = make(api)
    make_job(merchant=merchant)
    [job] = api.read(f"/jobs?template={template['id']}").json()["results"]
    assert job["id"] == template["next_runs"][0]["id"]


def test_a_reading_key_runs_nothing(api, merchant):
    template = make(api)
    reader = client_of(merchant, scopes=["templates:read"])
    for verb in ("run-now", "backfill", "pause", "resume"):
        problem(reader.send(f"/templates/{template['id']}/{verb}"), 403, "missing_scope")
    assert reader.read(f"/templates/{template['id']}/preview").status_code == 200
    assert len(jobs_of(template)) == 1
