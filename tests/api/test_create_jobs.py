"""POST /jobs: what a job may be, and what a bad one is told."""

from datetime import timedelta

import pytest

from jobs.models import Job
from tenants.clock import database_now
from tests.api.kit import http_job, noop, pointers, problem


def test_a_job_with_all_fields_is_stored_as_asked(api, merchant):
    later = database_now() + timedelta(hours=1)
    answer = api.send(
        "/jobs",
        noop(
            run_at=later.isoformat(),
            priority=9,
            max_attempts=3,
            backoff={"strategy": "linear", "base": 2},
            timeout=30,
            deadline=(later + timedelta(hours=1)).isoformat(),
            name="Nightly",
            tags=["a", "b", "a"],
            metadata={"order": 7},
        ),
    )
    assert answer.status_code == 201, answer.content
    body = answer.json()
    job = Job.objects.get(pk=body["id"])
    assert job.merchant == merchant
    assert (job.status, job.scheduled_at, job.run_at) == ("scheduled", later, later)
    assert (job.priority, job.max_attempts, job.timeout) == (9, 3, 30)
    assert job.backoff == {"strategy": "linear", "base": 2, "factor": 2, "cap": 3600, "jitter": 0.2}
    assert (job.name, job.tags, job.metadata) == ("Nightly", ["a", "b"], {"order": 7})
    assert (job.handler, job.kind) == ("demo.noop", "python")
    assert body["status"] == "scheduled"
    assert body["deadline"] > body["run_at"]


def test_a_job_without_a_time_is_due_now(api):
    before = database_now()
    body = api.send("/jobs", noop()).json()
    job = Job.objects.get(pk=body["id"])
    assert before <= job.scheduled_at <= database_now()
    assert body["created_at"] is not None


def test_delay_counts_from_now(api):
    before = database_now()
    job = Job.objects.get(pk=api.send("/jobs", noop(delay=90)).json()["id"])
    assert before + timedelta(seconds=90) <= job.run_at <= database_now() + timedelta(seconds=90)


def test_a_time_in_the_past_is_due_at_once(api):
    body = api.send("/jobs", noop(run_at="2020-01-01T00:00:00+02:00")).json()
    assert body["scheduled_at"] == "2019-12-31T22:00:00.000000Z"


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"kind": "ftp"}, "/kind", "unknown_kind"),
        ({"kind": 7}, "/kind", "wrong_type"),
        ({"payload": {}}, "/payload/handler", "invalid_payload"),
        ({"payload": []}, "/payload", "invalid_payload"),
        ({"payload": {"handler": "demo.noop", "x": 1}}, "/payload/x", "invalid_payload"),
        ({"run_at": "2030-01-01T00:00:00"}, "/run_at", "offset_missing"),
        ({"run_at": "2030-02-30T00:00:00Z"}, "/run_at", "invalid_time"),
        ({"run_at": "tomorrow"}, "/run_at", "invalid_time"),
        ({"run_at": 1893456000}, "/run_at", "invalid_time"),
        ({"run_at": "0001-01-01T00:00:00+14:00"}, "/run_at", "invalid_time"),
        ({"run_at": "1999-12-31T23:59:59Z"}, "/run_at", "too_early"),
        ({"run_at": "9999-12-31T23:59:59Z"}, "/run_at", "too_late"),
        ({"run_at": "9999-12-31T23:59:59-14:00"}, "/run_at", "invalid_time"),
        ({"run_at": "2030-01-01T00:00:00Z", "delay": 5}, "/delay", "conflict"),
        ({"delay": -1}, "/delay", "out_of_range"),
        ({"delay": 1e300}, "/delay", "out_of_range"),
        ({"priority": 11}, "/priority", "out_of_range"),
        ({"priority": 5.5}, "/priority", "wrong_type"),
        ({"priority": True}, "/priority", "wrong_type"),
        ({"priority": 10**400}, "/priority", "out_of_range"),
        ({"max_attempts": 0}, "/max_attempts", "out_of_range"),
        ({"max_attempts": 101}, "/max_attempts", "out_of_range"),
        ({"timeout": 0}, "/timeout", "out_of_range"),
        ({"timeout": 86_401}, "/timeout", "out_of_range"),
        ({"backoff": {"strategy": "random"}}, "/backoff/strategy", "not_allowed"),
        ({"backoff": {"jitter": 1.1}}, "/backoff/jitter", "out_of_range"),
        ({"backoff": {"base": 10, "cap": 5}}, "/backoff/cap", "out_of_range"),
        ({"backoff": {"bass": 10}}, "/backoff/bass", "unknown_field"),
        ({"backoff": 5}, "/backoff", "wrong_type"),
        ({"backoff": {"base": True}}, "/backoff/base", "wrong_type"),
        ({"max_attempts": True}, "/max_attempts", "wrong_type"),
        ({"timeout": True}, "/timeout", "wrong_type"),
        ({"delay": True}, "/delay", "wrong_type"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "/deadline", "too_early"),
        ({"delay": 10_000_000, "deadline": "2027-01-01T00:00:00Z"}, "/deadline", "too_early"),
        ({"name": "x" * 201}, "/name", "too_long"),
        ({"name": "a\nb"}, "/name", "control_characters"),
        ({"tags": ["x"] * 21}, "/tags", "too_many"),
        ({"tags": ["ok", ""]}, "/tags/1", "blank"),
        ({"tags": ["x" * 65]}, "/tags/0", "too_long"),
        ({"tags": "a"}, "/tags", "wrong_type"),
        ({"metadata": {"x": "y" * 16_384}}, "/metadata", "too_large"),
        ({"metadata": []}, "/metadata", "wrong_type"),
        ({"status": "succeeded"}, "/status", "unknown_field"),
        ({"merchant": "x"}, "/merchant", "unknown_field"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(api, fields, pointer, code):
    body = problem(api.send("/jobs", noop(**fields)), 400, "invalid_fields")
    assert (pointer, code) in pointers(body)
    assert not Job.objects.exists()


def test_a_payload_above_its_limit_is_refused(api):
    big = {"handler": "demo.echo", "arguments": {"value": "x" * (128 * 1024)}}
    body = problem(api.send("/jobs", noop(payload=big)), 400, "invalid_fields")
    assert pointers(body) == {("/payload", "too_large")}


def test_all_faults_are_named_at_once(api):
    body = problem(api.send("/jobs", {"priority": 99, "prority": 1}), 400, "invalid_fields")
    assert pointers(body) == {
        ("/kind", "required"),
        ("/priority", "out_of_range"),
        ("/prority", "unknown_field"),
    }
    assert any('did you mean "priority"?' in error["detail"] for error in body["errors"])


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
def test_a_body_that_is_no_object_is_refused(api, body):
    raw = b"null" if body is None else None
    problem(api.send("/jobs", raw or body), 400, "invalid_fields")


def test_secret_headers_are_stored_but_never_shown(api):
    headers = {"Authorization": "Bearer canary-1", "X-Api-Key": "canary-2", "Accept": "text/plain"}
    created = api.send("/jobs", http_job(headers=headers, json={"a": 1}))
    assert created.status_code == 201, created.content
    path = f"/jobs/{created.json()['id']}"
    for answer in (created, api.read(path), api.read("/jobs")):
        assert b"canary" not in answer.content
    assert api.read(path).json()["payload"]["headers"] == {
        "Authorization": "***",
        "X-Api-Key": "***",
        "Accept": "text/plain",
    }
    assert Job.objects.get().payload["headers"] == headers


@pytest.mark.parametrize(
    "name",
    [
        "X-Auth-Key",
        "X-Access-Key",
        "X-Auth",
        "X-Session",
        "X-Passwd",
        "X-Passphrase",
        "Private-Key",
        "X-JWT",
    ],
)
def test_a_header_named_after_a_secret_is_never_shown(api, name):
    body = api.send("/jobs", http_job(headers={name: "canary", "X-Plain": "shown"})).json()
    assert body["payload"]["headers"] == {name: "***", "X-Plain": "shown"}


def test_a_mask_from_a_fetched_payload_does_not_become_the_value_of_a_new_job(api):
    fetched = api.send("/jobs", http_job(headers={"Authorization": "canary"})).json()["payload"]
    body = problem(api.send("/jobs", {"kind": "http", "payload": fetched}), 400, "invalid_fields")
    assert pointers(body) == {("/payload/headers/Authorization", "masked_value")}
    assert Job.objects.count() == 1


def test_a_bound_is_written_out(api):
    body = problem(api.send("/jobs", noop(delay=-1)), 400, "invalid_fields")
    assert "between 0 and 315,619,200" in body["detail"]
