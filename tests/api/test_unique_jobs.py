"""The field `unique`: what a second job with a key is answered."""

import pytest

from jobs.models import Job
from tests.api.kit import noop, pointers, problem
from tests.factories.jobs import make_job


def unique(key="order-17", **fields):
    return noop(unique={"key": key, **fields})


def test_second_job_is_answered_with_the_first_one(api):
    first = api.send("/jobs", unique())
    again = api.send("/jobs", unique())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert first.json()["unique"] == {"key": "order-17", "scope": "unfinished"}
    assert api.send("/jobs", noop()).json()["unique"] is None


def test_refusal_names_the_job_that_holds_the_key(api):
    first = api.send("/jobs", unique()).json()
    refused = problem(api.send("/jobs", unique(on_conflict="reject")), 409, "unique_key_held")
    assert first["id"] in refused["detail"]
    assert refused["errors"] == [
        {
            "pointer": "/unique/key",
            "code": "unique_key_held",
            "detail": refused["detail"],
            "job_id": first["id"],
        }
    ]


def test_replacement_is_created_and_the_first_one_cancelled(api):
    first = api.send("/jobs", unique()).json()
    second = api.send("/jobs", unique(on_conflict="replace"))
    assert second.status_code == 201
    cancelled = api.read(f"/jobs/{first['id']}").json()
    assert cancelled["status"] == "cancelled"
    assert "Replaced" in cancelled["skip_reason"]


def test_batch_with_a_held_key_is_refused_whole_and_names_each(api):
    first = api.send("/jobs", unique()).json()
    jobs = [
        noop(),
        unique(on_conflict="reject"),
        unique("new"),
        unique("new", on_conflict="reject"),
    ]
    refused = problem(api.send("/jobs/batch", {"jobs": jobs}), 409, "unique_key_held")
    assert pointers(refused) == {
        ("/jobs/1/unique/key", "unique_key_held"),
        ("/jobs/3/unique/key", "unique_key_held"),
    }
    assert refused["errors"][0]["job_id"] == first["id"]
    assert Job.objects.count() == 1


def test_batch_tells_which_jobs_were_there_already(api):
    first = api.send("/jobs", unique()).json()
    answer = api.send("/jobs/batch", {"jobs": [noop(), unique()]})
    assert answer.status_code == 201
    assert [job["created"] for job in answer.json()["jobs"]] == [True, False]
    assert answer.json()["jobs"][1]["id"] == first["id"]


def test_partial_batch_creates_the_others_and_counts_the_found(api):
    api.send("/jobs", unique())
    jobs = [noop(), unique(), unique(on_conflict="reject"), noop(priority=99)]
    answer = api.send("/jobs/batch?partial=true", {"jobs": jobs})
    body = answer.json()
    assert answer.status_code == 207
    assert (body["created"], body["found"], body["refused"]) == (1, 1, 2)
    assert body["results"][2]["errors"][0]["pointer"] == "/jobs/2/unique/key"
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("order", ("/unique", "wrong_type")),
        ({}, ("/unique/key", "required")),
        ({"key": ""}, ("/unique/key", "required")),
        ({"key": "x" * 201}, ("/unique/key", "too_long")),
        ({"key": "a\nb"}, ("/unique/key", "control_characters")),
        ({"key": "k", "scope": "forever"}, ("/unique/scope", "not_allowed")),
        ({"key": "k", "on_conflict": "ignore"}, ("/unique/on_conflict", "not_allowed")),
        ({"key": "k", "scope": "period"}, ("/unique/period", "required")),
        ({"key": "k", "period": 5}, ("/unique/period", "conflict")),
        ({"key": "k", "scope": "period", "period": 0}, ("/unique/period", "out_of_range")),
        ({"key": "k", "ttl": 5}, ("/unique/ttl", "unknown_field")),
    ],
)
def test_fault_of_the_field_is_named(api, given, fault):
    refused = problem(api.send("/jobs", noop(unique=given)), 400, "invalid_fields")
    assert pointers(refused) == {fault}
    assert not Job.objects.exists()


def test_key_cannot_be_edited(api):
    job = api.send("/jobs", unique()).json()
    refused = problem(
        api.change(f"/jobs/{job['id']}", {"unique": {"key": "other"}}), 400, "invalid_fields"
    )
    assert pointers(refused) == {("/unique", "unknown_field")}


def test_job_is_found_by_its_exact_key(api, stranger_api):
    job = api.send("/jobs", unique("order-17")).json()
    api.send("/jobs", unique("order-170"))
    theirs = stranger_api.send("/jobs", unique("order-17")).json()
    found = api.read("/jobs?unique_key=order-17").json()["results"]
    assert [one["id"] for one in found] == [job["id"]]
    theirs_found = stranger_api.read("/jobs?unique_key=order-17").json()["results"]
    assert [one["id"] for one in theirs_found] == [theirs["id"]]
    assert api.read("/jobs?unique_key=none").json()["results"] == []


def test_a_first_job_is_answered_although_the_quota_is_used_up(api, merchant):
    first = api.send("/jobs", unique()).json()
    merchant.max_waiting_jobs = 1
    merchant.save()
    assert api.send("/jobs", unique()).json()["id"] == first["id"]
    problem(api.send("/jobs", unique("another")), 429, "quota_exceeded")


def test_replay_of_a_request_is_not_a_second_job(api):
    headers = {"Idempotency-Key": "once"}
    first = api.send("/jobs", unique(on_conflict="reject"), **headers)
    again = api.send("/jobs", unique(on_conflict="reject"), **headers)
    assert (again.status_code, again.json()) == (201, first.json())
    problem(api.send("/jobs", unique(on_conflict="reject")), 409, "unique_key_held")


@pytest.mark.parametrize("verb", ["retry", "redrive"])
def test_restart_is_refused_while_another_job_holds_the_key(api, merchant, verb):
    failed = make_job(
        status="failed", merchant=merchant, unique_key="order-17", unique_scope="unfinished"
    )
    holder = api.send("/jobs", unique()).json()
    letter = failed.dead_letters.get()
    path = f"/jobs/{failed.pk}/retry" if verb == "retry" else f"/dead-letters/{letter.pk}/redrive"
    refused = problem(api.send(path), 409, "unique_key_held")
    assert holder["id"] in refused["detail"]
    api.send(f"/jobs/{holder['id']}/cancel")
    assert api.send(path).status_code == 200
