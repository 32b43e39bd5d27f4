"""POST /jobs/batch: all or none, or the good ones; a constant number of statements."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from tests.api.kit import http_job, noop, pointers, problem


def test_all_jobs_of_a_batch_are_created_in_their_order(api):
    answer = api.send("/jobs/batch", {"jobs": [noop(name=f"n{number}") for number in range(5)]})
    assert answer.status_code == 201
    body = answer.json()
    assert body["count"] == 5
    assert [job["name"] for job in body["jobs"]] == [f"n{number}" for number in range(5)]
    assert {str(pk) for pk in Job.objects.values_list("pk", flat=True)} == {
        job["id"] for job in body["jobs"]
    }


def test_one_bad_job_refuses_the_whole_batch_and_is_named(api):
    jobs = [noop(), http_job(url=7), noop(priority=11), {"kind": "python"}]
    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert pointers(body) == {
        ("/jobs/1/payload/url", "invalid_payload"),
        ("/jobs/2/priority", "out_of_range"),
        ("/jobs/3/payload", "required"),
    }
    assert not Job.objects.exists()


def test_a_partial_batch_creates_the_good_jobs_and_names_the_others(api):
    jobs = [noop(name="good"), noop(priority=11), noop(name="fine")]
    answer = api.send("/jobs/batch?partial=true", {"jobs": jobs})
    assert answer.status_code == 207
    body = answer.json()
    assert (body["created"], body["refused"]) == (2, 1)
    assert [item["index"] for item in body["results"]] == [0, 1, 2]
    assert [item["job"]["name"] for item in body["results"] if "job" in item] == ["good", "fine"]
    assert body["results"][1]["errors"][0]["pointer"] == "/jobs/1/priority"
    assert Job.objects.count() == 2


def test_a_partial_batch_without_faults_is_created(api):
    answer = api.send("/jobs/batch?partial=true", {"jobs": [noop()]})
    assert (answer.status_code, answer.json()["refused"]) == (200, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"jobs": []}, "required"),
        ({"jobs": {}}, "wrong_type"),
        ({"jobs": [{}] * 1001}, "too_many"),
    ],
)
def test_a_batch_without_a_usable_list_is_refused(api, body, code):
    for path in ("/jobs/batch", "/jobs/batch?partial=true"):
        assert pointers(problem(api.send(path, body), 400, "invalid_fields")) == {("/jobs", code)}


def test_partial_is_true_or_false(api):
    body = problem(
        api.send("/jobs/batch?partial=yes", {"jobs": [noop()]}), 400, "invalid_parameters"
    )
    assert body["errors"][0]["parameter"] == "partial"


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_the_number_of_statements_does_not_grow_with_the_batch(api, headers):
    # The first request of a key and merchant notes the key's use and counts the quota.
    api.send("/jobs", noop())

    def statements(jobs, key):
        given = {name: f"{value}-{key}" for name, value in headers.items()}
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = api.send("/jobs/batch", {"jobs": jobs}, **given)
        assert answer.status_code == 201
        return len(captured)

    one = statements([noop()], "one")
    assert statements([noop(name=str(number)) for number in range(1000)], "many") == one
    assert Job.objects.count() == 1002


def test_a_large_batch_fits_and_a_larger_body_does_not(api):
    echo = {
        "kind": "python",
        "payload": {"handler": "demo.echo", "arguments": {"value": "x" * 7000}},
    }
    larger = {**echo, "metadata": {"more": "x" * 2000}}
    assert api.send("/jobs/batch", {"jobs": [echo] * 1000}).status_code == 201
    problem(api.send("/jobs/batch", {"jobs": [larger] * 1000}), 413, "body_too_large")
    assert Job.objects.count() == 1000


def test_a_batch_of_nonsense_gets_a_bounded_answer(api):
    jobs = [{f"field{place}": 1 for place in range(200)} for _ in range(100)]
    refused = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert len(refused["errors"]) == 101
    assert refused["errors"][-1]["code"] == "more_problems"
    partial = api.send("/jobs/batch?partial=true", {"jobs": jobs})
    assert partial.status_code == 207
    counts = [len(result["errors"]) for result in partial.json()["results"]]
    assert (max(counts), min(counts), counts[-1]) == (21, 2, 2)


def test_unknown_fields_beyond_the_first_are_counted(api):
    body = problem(
        api.send("/jobs", noop(**{f"f{i}": 1 for i in range(1000)})), 400, "invalid_fields"
    )
    assert len(body["errors"]) == 21
    assert "980 more unknown fields" in body["errors"][-1]["detail"]
