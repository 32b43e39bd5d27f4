"""Looking at one job, and cancel, retry, run-now, edit."""

from datetime import timedelta

import pytest

from jobs.models import DeadLetter, Execution, Job
from jobs.operations import steer
from tenants.clock import database_now
from tests.api.kit import http_job, noop, pointers, problem
from tests.factories.jobs import NOW, make_job

WAITING = ("scheduled", "retryable", "blocked", "queued")


def test_a_finished_job_shows_its_result_and_its_last_error(api, merchant):
    job = make_job(merchant=merchant, status="succeeded", attempt=2)
    for number, outcome in ((1, "failed"), (2, "succeeded")):
        Execution.objects.create(
            job=job,
            merchant=merchant,
            number=number,
            outcome=outcome,
            scheduled_at=NOW,
            started_at=NOW,
            finished_at=NOW,
            error_code="" if number == 2 else "http_503",
            output={"n": number},
        )
    body = api.read(f"/jobs/{job.pk}").json()
    assert (body["result"], body["last_error"], body["waiting_reason"]) == ({"n": 2}, None, None)
    attempts = api.read(f"/jobs/{job.pk}/executions").json()["results"]
    assert [(a["number"], a["outcome"]) for a in attempts] == [(2, "succeeded"), (1, "failed")]
    assert attempts[1]["error"]["code"] == "http_503"
    one = api.read(f"/executions/{attempts[1]['id']}").json()
    assert one == attempts[1]
    assert api.read(f"/executions?job={job.pk}").json()["results"] == attempts
    assert api.read("/executions?outcome=failed").json()["results"] == attempts[1:]


def test_attempts_come_in_pages_and_the_running_one_on_the_first_only(api, merchant):
    job = make_job(merchant=merchant, status="running", attempt=4)
    bystander = make_job(merchant=merchant, status="succeeded", attempt=1)
    for owner, number in ((job, 1), (job, 2), (job, 3), (bystander, 1)):
        Execution.objects.create(
            job=owner,
            merchant=merchant,
            number=number,
            outcome="failed",
            scheduled_at=NOW,
            started_at=NOW,
            finished_at=NOW,
        )
    first = api.read(f"/jobs/{job.pk}/executions?page_size=2").json()
    assert [(a["number"], a["outcome"]) for a in first["results"]] == [
        (4, "running"),
        (3, "failed"),
        (2, "failed"),
    ]
    running = first["results"][0]
    assert (running["id"], running["finished_at"], first["previous"]) == (None, None, None)
    second = api.read(first["next"].removeprefix("http://testserver")).json()
    assert [a["number"] for a in second["results"]] == [1]
    assert second["next"] is None


@pytest.mark.parametrize("status", WAITING)
def test_a_job_that_has_not_started_is_cancelled(api, merchant, status):
    job, bystander = (make_job(merchant=merchant, status=status) for _ in range(2))
    answer = api.send(f"/jobs/{job.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    bystander.refresh_from_db()
    assert bystander.status == status


def test_a_running_job_is_asked_to_stop(api, merchant):
    job = make_job(merchant=merchant, status="running")
    answer = api.send(f"/jobs/{job.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert answer.json()["cancel_requested_at"] is not None


def test_a_running_job_that_ends_before_it_hears_of_the_cancel_is_not_called_cancelled(
    api, merchant, monkeypatch
):
    job = make_job(merchant=merchant, status="running")
    ask = steer.cancel

    def ask_too_late(*given, **named):
        ask(*given, **named)
        Job.objects.filter(pk=job.pk).update(
            status="succeeded", finalized_at=NOW, ticket=None, worker_id=None, deadline_at=None
        )

    monkeypatch.setattr("jobs.operations.steer.cancel", ask_too_late)
    answer = api.send(f"/jobs/{job.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "succeeded")


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "skipped"])
def test_a_job_that_has_ended_cannot_be_cancelled(api, merchant, status):
    job = make_job(merchant=merchant, status=status)
    body = problem(api.send(f"/jobs/{job.pk}/cancel"), 409, "job_not_cancellable")
    assert status in body["detail"]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_or_cancelled_job_is_retried(api, merchant, status):
    job = make_job(merchant=merchant, status=status)
    answer = api.send(f"/jobs/{job.pk}/retry")
    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    assert answer.json()["attempts_left"] == job.max_attempts
    assert not DeadLetter.objects.open().exists()


@pytest.mark.parametrize("status", ["succeeded", "scheduled", "running", "queued"])
def test_other_jobs_cannot_be_retried(api, merchant, status):
    job = make_job(merchant=merchant, status=status)
    body = problem(api.send(f"/jobs/{job.pk}/retry"), 409, "job_not_retryable")
    assert status in body["detail"]


@pytest.mark.parametrize("status", ["scheduled", "retryable"])
def test_a_waiting_job_is_made_due_now(api, merchant, status):
    job = make_job(merchant=merchant, status=status, scheduled_at=NOW + timedelta(days=3650))
    assert api.send(f"/jobs/{job.pk}/run-now").status_code == 200
    job.refresh_from_db()
    assert job.scheduled_at <= database_now()


@pytest.mark.parametrize("status", ["blocked", "queued", "running", "failed", "succeeded"])
def test_other_jobs_cannot_be_made_due(api, merchant, status):
    job = make_job(merchant=merchant, status=status)
    problem(api.send(f"/jobs/{job.pk}/run-now"), 409, "job_not_waiting")


def test_an_edit_changes_what_it_names_and_nothing_else(api):
    created = api.send("/jobs", noop(delay=3600, name="old", tags=["a"], priority=2)).json()
    edited = api.change(
        f"/jobs/{created['id']}",
        {
            "priority": 8,
            "delay": 7200,
            "payload": {"handler": "demo.sleep", "arguments": {"seconds": 1}},
        },
    )
    assert edited.status_code == 200, edited.content
    body = edited.json()
    assert (body["priority"], body["handler"], body["name"], body["tags"]) == (
        8,
        "demo.sleep",
        "old",
        ["a"],
    )
    assert body["run_at"] > created["run_at"]
    assert body["scheduled_at"] == body["run_at"]
    assert body["waiting_reason"].startswith("Due in ")


@pytest.mark.parametrize("status", ["queued", "running", "succeeded", "failed", "cancelled"])
def test_a_job_that_no_longer_waits_cannot_be_edited(api, merchant, status):
    job = make_job(merchant=merchant, status=status)
    body = problem(api.change(f"/jobs/{job.pk}", {"priority": 1}), 409, "job_not_editable")
    assert status in body["detail"]
    job.refresh_from_db()
    assert job.priority == 5


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({}, "", "nothing_to_change"),
        ({"kind": "http"}, "/kind", "unknown_field"),
        ({"payload": {"handler": "no.such"}}, "/payload/handler", "invalid_payload"),
        ({"payload": None}, "/payload", "invalid_payload"),
        ({"run_at": "2031-01-01T00:00:00"}, "/run_at", "offset_missing"),
        ({"priority": None}, "/priority", "wrong_type"),
        ({"run_at": None}, "", "nothing_to_change"),
        ({"delay": None}, "", "nothing_to_change"),
    ],
)
def test_a_bad_edit_is_named_and_changes_nothing(api, merchant, changes, pointer, code):
    job = make_job(merchant=merchant)
    body = problem(api.change(f"/jobs/{job.pk}", changes), 400, "invalid_fields")
    assert (pointer, code) in pointers(body)


def test_a_masked_header_sent_back_keeps_its_stored_value(api):
    created = api.send("/jobs", http_job(headers={"Authorization": "Bearer canary"})).json()
    payload = {**created["payload"], "json": {"new": True}}
    assert api.change(f"/jobs/{created['id']}", {"payload": payload}).status_code == 200
    stored = Job.objects.get().payload
    assert stored["headers"] == {"Authorization": "Bearer canary"}
    assert stored["json"] == {"new": True}


def test_a_masked_value_sent_back_in_another_spelling_is_restored(api):
    url = "https://target.example/hook?a=1&access_token=canary&api%5Fkey=canary"
    created = api.send("/jobs", http_job(url=url, headers={"X-Auth-Key": "canary"})).json()
    assert "canary" not in str(created)
    payload = {"url": created["payload"]["url"], "headers": {"x-auth-key": "***"}}
    assert api.change(f"/jobs/{created['id']}", {"payload": payload}).status_code == 200
    assert Job.objects.get().payload == {"url": url, "headers": {"x-auth-key": "canary"}}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/hook",
        "http://target.example/hook",
        "https://target.example:8443/hook",
    ],
)
def test_a_mask_is_not_turned_into_the_secret_for_another_origin(api, url):
    created = api.send("/jobs", http_job(headers={"Authorization": "canary"})).json()
    payload = {"url": url, "headers": {"Authorization": "***"}}
    body = problem(
        api.change(f"/jobs/{created['id']}", {"payload": payload}), 400, "invalid_fields"
    )
    assert pointers(body) == {("/payload/headers/Authorization", "masked_value")}
    assert Job.objects.get().payload["url"] == "https://target.example/hook"


def test_a_masked_query_value_is_not_stored_with_another_url(api):
    created = api.send("/jobs", http_job(url="https://target.example/?token=canary")).json()
    payload = {"url": "https://evil.example/?token=***"}
    body = problem(
        api.change(f"/jobs/{created['id']}", {"payload": payload}), 400, "invalid_fields"
    )
    assert pointers(body) == {("/payload/url", "masked_value")}


@pytest.mark.parametrize("change", [{"run_at": "{}"}, {"delay": 90_000}])
def test_a_job_is_not_moved_beyond_its_stored_deadline(api, change):
    now = database_now()
    deadline = (now + timedelta(hours=2)).isoformat()
    created = api.send("/jobs", noop(delay=3600, deadline=deadline)).json()
    late = (now + timedelta(hours=3)).isoformat()
    changes = {name: late if value == "{}" else value for name, value in change.items()}
    body = problem(api.change(f"/jobs/{created['id']}", changes), 400, "invalid_fields")
    assert pointers(body) == {(f"/{next(iter(change))}", "too_late")}
    changes["deadline"] = (now + timedelta(days=9)).isoformat()
    assert api.change(f"/jobs/{created['id']}", changes).status_code == 200


def test_max_attempts_cannot_go_below_the_attempts_already_made(api, merchant):
    job = make_job(merchant=merchant, status="retryable", attempt=3)
    body = problem(api.change(f"/jobs/{job.pk}", {"max_attempts": 2}), 400, "invalid_fields")
    assert pointers(body) == {("/max_attempts", "out_of_range")}
    assert api.change(f"/jobs/{job.pk}", {"max_attempts": 4}).status_code == 200


@pytest.mark.parametrize("verb", ["cancel", "retry", "run-now"])
def test_verbs_take_no_fields(api, merchant, verb):
    job = make_job(merchant=merchant)
    body = problem(api.send(f"/jobs/{job.pk}/{verb}", {"force": True}), 400, "invalid_fields")
    assert pointers(body) == {("/force", "unknown_field")}
    assert Job.objects.get().status == "scheduled"
