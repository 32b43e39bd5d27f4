"""/templates: create, find, change, pause and delete; bad bodies are told what is wrong."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from templates_app.models import Template
from tenants.clock import database_now
from tests.api.kit import client_of, http_job, pointers, problem
from tests.api.schedules import (
    DAILY,
    HOURLY,
    ahead,
    at,
    created,
    hourly,
    jobs_of,
    make,
    template_body,
)
from tests.factories.templates import make_calendar, make_template
from tests.factories.tenants import make_merchant


def test_a_template_is_stored_with_its_next_job_planned(api, merchant):
    now = database_now()
    body = created(
        api.send(
            "/templates",
            template_body(
                description="Of the hour",
                priority=7,
                tags=["a", "b"],
                overlap="skip",
                misfire="run_all",
                misfire_limit=3,
                recurrence={
                    "kind": "cron",
                    "expression": "0 9 * * MON-FRI",
                    "timezone": "Europe/Madrid",
                },
            ),
        )
    )
    template = Template.objects.get(pk=body["id"])
    assert (template.merchant, template.priority, template.tags) == (merchant, 7, ["a", "b"])
    assert (template.overlap, template.misfire, template.misfire_limit) == ("skip", "run_all", 3)
    assert body["state"] == "active"
    assert body["sentence"] == "At 09:00, on weekdays; Europe/Madrid"
    assert body["recurrence"]["dst_gap"] == "shift"
    assert body["warnings"] == []
    [run] = body["next_runs"]
    [job] = jobs_of(body)
    assert (run["id"], run["status"]) == (str(job.pk), "scheduled")
    assert at(run["run_at"]) == job.scheduled_at > now


def test_a_warning_says_what_was_probably_not_meant(api):
    cron = {"kind": "cron", "expression": "0 9 1 * MON", "timezone": "UTC"}
    body = make(api, recurrence=cron)
    [warning] = body["warnings"]
    assert set(warning) == {"code", "field", "message", "hint"}
    assert api.read(f"/templates/{body['id']}").json()["warnings"] == [warning]


def test_calendars_are_told_in_the_sentence(api, merchant):
    closed = make_calendar(merchant=merchant, name="public holidays in Spain")
    shared = make_calendar(merchant=None, name="business hours")
    body = make(api, recurrence=DAILY, avoid=[str(closed.pk)], keep_to=[str(shared.pk)])
    assert body["avoid"] == [str(closed.pk)]
    assert "except public holidays in Spain" in body["sentence"]
    assert "only during business hours" in body["sentence"]
    [shown] = api.read("/templates").json()["results"]
    assert shown["sentence"] == body["sentence"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"recurrence": {"kind": "cron", "expression": "0 25 * * *", "timezone": "UTC"}},
            ("/recurrence/expression", "out_of_range"),
        ),
        (
            {"recurrence": {"kind": "union", "of": [{**HOURLY, "expression": "x"}]}},
            ("/recurrence/of/0/expression", "field_count"),
        ),
        (
            {"recurrence": {**HOURLY, "timezone": "Mars/Base"}},
            ("/recurrence/timezone", "unknown_zone"),
        ),
        ({"recurrence": {"kind": "monthly", "days": [30]}}, ("/recurrence", "empty")),
        ({"recurrence": "daily"}, ("/recurrence", "wrong_type")),
        ({"recurrence": None}, ("/recurrence", "required")),
        ({"name": " "}, ("/name", "required")),
        ({"avoid": ["7"]}, ("/avoid", "unknown_calendar")),
        ({"avoid": "7"}, ("/avoid", "wrong_type")),
        ({"overlap": "wait"}, ("/overlap", "not_allowed")),
        ({"active": "yes"}, ("/active", "wrong_type")),
        ({"payload": {"handler": "demo.nothing"}}, ("/payload/handler", "invalid_payload")),
        (
            {"payload": {"handler": "demo.noop", "arguments": {"a": "{{ nope }}"}}},
            ("/payload/arguments/a", "unknown_name"),
        ),
        ({"state": "paused"}, ("/state", "unknown_field")),
        ({"id": "1"}, ("/id", "unknown_field")),
    ],
)
def test_a_bad_template_is_told_where_and_why(api, fields, fault):
    body = problem(api.send("/templates", template_body(**fields)), 400, "invalid_fields")
    assert pointers(body) == {fault}
    assert not Template.objects.exists()


@pytest.mark.parametrize("raw", [b"[]", b"7", b"null", b'"x"', b"{}"])
def test_nonsense_is_refused(api, raw):
    body = problem(api.send("/templates", raw), 400, "invalid_fields")
    assert body["errors"]


def test_the_same_key_creates_one_template(api):
    headers = {"Idempotency-Key": "t-1"}
    body = template_body()
    first, again = (api.send("/templates", body, **headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert (Template.objects.count(), Job.objects.count()) == (1, 1)
    other = api.send("/templates", template_body(name="Other"), **headers)
    problem(other, 409, "idempotency_key_reused")


@pytest.mark.django_db(transaction=True)
def test_twins_at_the_same_moment_make_one_template():
    client = client_of(make_merchant())
    start = threading.Barrier(3)
    body, answers = template_body(), []

    def create():
        start.wait(10)
        answers.append(client.send("/templates", body, **{"Idempotency-Key": "twin"}))
        connections.close_all()

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [201] * 3
    assert Template.objects.count() == 1


def test_a_full_quota_is_told(api, merchant):
    merchant.max_templates = 1
    merchant.save()
    make(api)
    body = problem(api.send("/templates", template_body()), 429, "quota_exceeded")
    assert "1 templates" in body["detail"]


def test_secrets_of_the_payload_are_never_shown_and_survive_an_edit(api):
    work = http_job(headers={"Authorization": "Bearer hidden"})
    body = make(api, **work)
    assert body["payload"]["headers"] == {"Authorization": "***"}
    [listed] = api.read("/templates").json()["results"]
    assert listed["payload"] == body["payload"]
    edited = api.change(
        f"/templates/{body['id']}", {"payload": {**body["payload"], "method": "PUT"}}
    )
    assert edited.status_code == 200, edited.content
    stored = Template.objects.get().payload
    assert (stored["method"], stored["headers"]["Authorization"]) == ("PUT", "Bearer hidden")


def test_pages_hold_every_template_once_newest_first_at_a_constant_cost(api, merchant):
    calendar = make_calendar(merchant=merchant)
    made = [make(api, name=f"T{n}", avoid=[str(calendar.pk)])["id"] for n in range(5)]
    make_template()  # a stranger's
    seen, path, costs = [], "/templates?page_size=2", []
    while path:
        with CaptureQueriesContext(connection) as captured:
            page = api.read(path).json()
        costs.append(len(captured))
        seen += [one["id"] for one in page["results"]]
        path = page["next"] and page["next"].removeprefix("http://testserver")
        assert not any("COUNT(" in query["sql"].upper() for query in captured)
    assert seen == made[::-1]
    with CaptureQueriesContext(connection) as captured:
        assert len(api.read("/templates").json()["results"]) == 5
    assert len(captured) == costs[0] == costs[1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=active", {"A", "D"}),
        ("state=paused", {"B"}),
        ("state=inactive", {"C"}),
        ("state=paused,inactive", {"B", "C"}),
        ("active=false", {"C"}),
        ("active=true", {"A", "B", "D"}),
        ("kind=http", {"D"}),
        ("tag=red", {"A"}),
        ("q=d", {"D"}),
    ],
)
def test_a_filter_finds_what_fits(api, query, names):
    make(api, name="A", tags=["red"])
    paused = make(api, name="B")
    assert api.send(f"/templates/{paused['id']}/pause", {}).status_code == 200
    make(api, name="C", active=False)
    make(api, name="D", **http_job())
    found = api.read(f"/templates?{query}").json()["results"]
    assert {one["name"] for one in found} == names


def test_templates_are_found_by_id_and_by_calendar(api, merchant):
    calendar = make_calendar(merchant=merchant)
    one = make(api, avoid=[str(calendar.pk)])
    other = make(api, keep_to=[str(calendar.pk)])
    make(api)
    found = api.read(f"/templates?calendar={calendar.pk}").json()["results"]
    assert {row["id"] for row in found} == {one["id"], other["id"]}
    [only] = api.read(f"/templates?q={other['id']}").json()["results"]
    assert only["id"] == other["id"]


@pytest.mark.parametrize("query", ["state=asleep", "active=perhaps", "calendar=7", "page_size=0"])
def test_a_bad_filter_is_refused_by_name(api, query):
    body = problem(api.read(f"/templates?{query}"), 400, "invalid_parameters")
    assert body["errors"][0]["parameter"] == query.partition("=")[0]


def test_an_edit_replaces_the_waiting_job(api):
    body = make(api)
    bystander = make(api, name="Other")
    [before] = jobs_of(body)
    later = before.run_at + timedelta(minutes=10)
    edited = api.change(f"/templates/{body['id']}", {"recurrence": hourly(later)})
    assert edited.status_code == 200, edited.content
    [job] = jobs_of(body)
    assert job.pk != before.pk
    assert job.run_at == later
    [run] = edited.json()["next_runs"]
    assert run["id"] == str(job.pk)
    assert [str(one.pk) for one in jobs_of(bystander)] == [bystander["next_runs"][0]["id"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "nothing_to_change"),
        ({"name": ""}, "required"),
        ({"recurrence": {**HOURLY, "expression": "61 * * * *"}}, "out_of_range"),
        ({"merchant": "x"}, "unknown_field"),
        ([], "wrong_type"),
    ],
)
def test_a_refused_edit_changes_nothing(api, change, code):
    body = make(api)
    path = f"/templates/{body['id']}"
    for query in ("", "?dry_run=true"):
        told = problem(api.change(path + query, change), 400, "invalid_fields")
        assert code in {one["code"] for one in told["errors"]}
    assert api.read(path).json() == body


def test_a_dry_run_tells_what_would_change_and_changes_nothing(api):
    early, middle, late = (f"{ahead(hours=12, minutes=n):%H:%M}" for n in (0, 5, 10))
    body = make(api, recurrence={**DAILY, "times": [early, middle]})
    path = f"/templates/{body['id']}"
    later = {**DAILY, "times": [middle, late]}
    answer = api.change(f"{path}?dry_run=true", {"recurrence": later})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert {one["run_at"][11:16] for one in told["added"]} == {late}
    assert {one["run_at"][11:16] for one in told["removed"]} == {early}
    assert len(told["added"]) == len(told["removed"]) == 30
    assert (told["kept"], told["moved"], told["complete"]) == (30, [], True)
    assert api.read(path).json() == body
    assert [str(job.pk) for job in jobs_of(body)] == [body["next_runs"][0]["id"]]


def test_a_dry_run_is_true_or_false(api):
    path = f"/templates/{make(api)['id']}?dry_run=maybe"
    problem(api.change(path, {"name": "B"}), 400, "invalid_parameters")


def test_a_switched_off_template_plans_nothing_until_it_is_on_again(api):
    body = make(api)
    path = f"/templates/{body['id']}"
    off = api.change(path, {"active": False}).json()
    assert (off["state"], off["next_runs"], jobs_of(body)) == ("inactive", [], [])
    on = api.change(path, {"active": True}).json()
    assert (on["state"], len(on["next_runs"])) == ("active", 1)


def test_a_pause_has_a_note_and_an_end(api):
    body = make(api)
    [planned] = jobs_of(body)
    path = f"/templates/{body['id']}"
    until = database_now() + timedelta(days=1)
    answer = api.send(f"{path}/pause", {"note": "Moving", "resume_at": until.isoformat()})
    paused = answer.json()
    assert (paused["state"], paused["pause_note"]) == ("paused", "Moving")
    assert at(paused["resume_at"]) == until
    assert paused["paused_by"].startswith("API key ")
    assert jobs_of(body) == []
    resumed = api.send(f"{path}/resume").json()
    assert (resumed["state"], resumed["pause_note"], resumed["resume_at"]) == ("active", "", None)
    assert [at(run["run_at"]) for run in resumed["next_runs"]] == [planned.run_at]


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("pause", {"resume_at": "2020-01-01T00:00:00Z"}, "/resume_at"),
        ("pause", {"note": 7}, "/note"),
        ("pause", {"why": "x"}, "/why"),
        ("pause", [], ""),
        ("resume", {"note": "x"}, "/note"),
    ],
)
def test_a_bad_pause_is_told_why(api, verb, body, pointer):
    template = make(api)
    told = problem(api.send(f"/templates/{template['id']}/{verb}", body), 400, "invalid_fields")
    assert {where for where, _ in pointers(told)} == {pointer}
    assert api.read(f"/templates/{template['id']}").json() == template


def test_deleting_cancels_what_waits_and_lets_what_runs_finish(api):
    body, bystander = make(api), make(api, name="Other")
    running = created(api.send(f"/templates/{body['id']}/run-now"))
    Job.objects.filter(pk=running["id"]).update(
        status="running",
        attempt=1,
        ticket=7,
        started_at=database_now(),
        deadline_at=database_now() + timedelta(minutes=5),
        worker_id=running["id"],
    )
    [waiting] = [job for job in jobs_of(body) if str(job.pk) != running["id"]]
    answer = api.call("DELETE", f"/templates/{body['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert {str(job.pk): job.status for job in jobs_of(body)} == {
        running["id"]: "running",
        str(waiting.pk): "cancelled",
    }
    problem(api.read(f"/templates/{body['id']}"), 404, "not_found")
    problem(api.call("DELETE", f"/templates/{body['id']}"), 404, "not_found")
    assert [job.status for job in jobs_of(bystander)] == ["scheduled"]


def test_only_what_the_key_may_do_is_done(merchant):
    reader = client_of(merchant, scopes=["templates:read"])
    other = client_of(merchant, scopes=["jobs:read", "jobs:write"])
    body = make(client_of(merchant))
    assert reader.read(f"/templates/{body['id']}").json() == body
    problem(reader.send("/templates", template_body()), 403, "missing_scope")
    problem(other.read("/templates"), 403, "missing_scope")
    draft = {"recurrence": HOURLY}
    assert reader.send("/templates/preview", draft).status_code == 200


def test_jobs_cannot_be_deleted_although_templates_can(api):
    job = make(api)["next_runs"][0]
    problem(api.call("DELETE", f"/jobs/{job['id']}"), 405, "method_not_allowed")
