"""Dead letters: found, grouped, redriven and discarded, one or many."""

from datetime import timedelta

import pytest

from jobs.models import DeadLetter, Job
from jobs.operations import dead_letters
from tenants.identifiers import new_id
from tests.api.kit import pointers, problem
from tests.factories.jobs import make_job


def letter_of(merchant, *, fingerprint="f" * 16, **overrides):
    job = make_job(merchant=merchant, status="failed", **overrides)
    DeadLetter.objects.filter(job=job).update(fingerprint=fingerprint, kind=job.kind)
    return DeadLetter.objects.get(job=job)


def test_the_list_holds_open_letters_unless_others_are_asked_for(api, merchant):
    first, second = letter_of(merchant), letter_of(merchant)
    api.send(f"/dead-letters/{first.pk}/discard", {"reason": "known"})
    assert [row["id"] for row in api.read("/dead-letters").json()["results"]] == [str(second.pk)]
    closed = api.read("/dead-letters?resolution=discarded,redriven").json()["results"]
    assert [(row["id"], row["reason"]) for row in closed] == [(str(first.pk), "known")]
    assert api.read(f"/dead-letters/{first.pk}").json() == closed[0]


def test_groups_count_the_letters_of_an_error(api, merchant):
    newest = [letter_of(merchant, fingerprint="a" * 16) for _ in range(3)][-1]
    letter_of(merchant, fingerprint="b" * 16)
    groups = api.read("/dead-letters/groups").json()["results"]
    assert [(group["fingerprint"], group["count"]) for group in groups] == [
        ("a" * 16, 3),
        ("b" * 16, 1),
    ]
    assert groups[0]["example"]["id"] == str(newest.pk)
    assert groups[0]["first_seen"] <= groups[0]["last_seen"]
    only = api.read(f"/dead-letters/groups?fingerprint={'b' * 16}").json()["results"]
    assert len(only) == 1


def test_a_redrive_with_an_edited_payload_runs_that_payload(api, merchant):
    letter, bystander = letter_of(merchant), letter_of(merchant)
    payload = {"handler": "demo.echo", "arguments": {"value": "mended"}}
    answer = api.send(f"/dead-letters/{letter.pk}/redrive", {"payload": payload})
    assert (answer.status_code, answer.json()["resolution"]) == (200, "redriven")
    assert answer.json()["resolved_by"].startswith("API key ")
    job = Job.objects.get(pk=letter.job_id)
    assert (job.status, job.payload, job.handler) == ("scheduled", payload, "demo.echo")
    bystander.refresh_from_db()
    assert bystander.resolution == ""


def test_a_redrive_keeps_the_payload_unless_given_one(api, merchant):
    letter = letter_of(merchant)
    assert api.send(f"/dead-letters/{letter.pk}/redrive").status_code == 200
    assert Job.objects.get(pk=letter.job_id).payload == letter.job.payload


def test_a_bad_payload_is_named_and_the_letter_stays_open(api, merchant):
    letter = letter_of(merchant)
    answer = api.send(f"/dead-letters/{letter.pk}/redrive", {"payload": {"handler": "no"}})
    assert pointers(problem(answer, 400, "invalid_fields")) == {
        ("/payload/handler", "invalid_payload")
    }
    letter.refresh_from_db()
    assert letter.resolution == ""


def test_a_redrive_with_null_as_payload_does_not_run_the_old_one(api, merchant):
    letter = letter_of(merchant)
    answer = api.send(f"/dead-letters/{letter.pk}/redrive", {"payload": None})
    assert pointers(problem(answer, 400, "invalid_fields")) == {("/payload", "wrong_type")}
    letter.refresh_from_db()
    assert letter.resolution == ""


def test_a_redrive_does_not_send_a_hidden_value_to_another_host(api, merchant):
    payload = {"url": "https://target.example/", "headers": {"Authorization": "canary"}}
    letter = letter_of(merchant, kind="http", payload=payload)
    edited = {"url": "https://evil.example/", "headers": {"Authorization": "***"}}
    answer = api.send(f"/dead-letters/{letter.pk}/redrive", {"payload": edited})
    assert pointers(problem(answer, 400, "invalid_fields")) == {
        ("/payload/headers/Authorization", "masked_value")
    }
    letter.refresh_from_db()
    assert letter.resolution == ""


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_a_resolved_letter_is_not_resolved_again(api, merchant, verb):
    letter = letter_of(merchant)
    assert api.send(f"/dead-letters/{letter.pk}/redrive").status_code == 200
    body = problem(api.send(f"/dead-letters/{letter.pk}/{verb}"), 409, "dead_letter_resolved")
    assert "redriven" in body["detail"]


def test_a_bulk_redrive_takes_what_its_filter_says(api, merchant):
    mine = [letter_of(merchant, fingerprint="a" * 16) for _ in range(2)]
    other = letter_of(merchant, fingerprint="b" * 16)
    answer = api.send("/dead-letters/redrive", {"filter": {"fingerprint": "a" * 16}})
    assert answer.json() == {"redriven": 2, "more": False}
    assert set(Job.objects.filter(status="scheduled").values_list("pk", flat=True)) == {
        letter.job_id for letter in mine
    }
    other.refresh_from_db()
    assert other.resolution == ""


def test_a_bulk_discard_takes_named_ids_and_leaves_out_unknown_ones(api, merchant):
    letter, bystander = letter_of(merchant), letter_of(merchant)
    body = {"ids": [str(letter.pk), str(new_id())], "reason": "wrong address"}
    assert api.send("/dead-letters/discard", body).json() == {"discarded": 1, "more": False}
    letter.refresh_from_db()
    bystander.refresh_from_db()
    assert (letter.resolution, letter.reason, bystander.resolution) == (
        "discarded",
        "wrong address",
        "",
    )


def test_a_bulk_call_is_bounded_and_says_that_some_are_left(api, merchant, monkeypatch):
    monkeypatch.setattr(dead_letters, "MOST_AT_ONCE", 2)
    for _ in range(3):
        letter_of(merchant)
    chosen = {"filter": {"kind": "python"}}
    assert api.send("/dead-letters/redrive", chosen).json() == {"redriven": 2, "more": True}
    assert api.send("/dead-letters/redrive", chosen).json() == {"redriven": 1, "more": False}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"filter": {}}, "/filter"),
        ({"filter": {"merchant": "x"}}, "/filter/merchant"),
        ({"filter": {"created_after": "today"}}, "/filter/created_after"),
        ({"ids": []}, "/ids"),
        ({"ids": ["x"]}, "/ids"),
        ({"ids": ["x"] * 1001}, "/ids"),
        ({"ids": [], "filter": {"kind": "http"}}, ""),
    ],
)
@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_a_bulk_call_without_a_choice_changes_nothing(api, merchant, verb, body, pointer):
    letter = letter_of(merchant)
    found = problem(api.send(f"/dead-letters/{verb}", body), 400, "invalid_fields")
    assert pointer in {error["pointer"] for error in found["errors"]}
    letter.refresh_from_db()
    assert letter.resolution == ""


def test_letters_are_found_by_their_time(api, merchant):
    letter = letter_of(merchant)
    before = (letter.created_at - timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert len(api.read(f"/dead-letters?created_after={before}").json()["results"]) == 1
    assert api.read(f"/dead-letters?created_before={before}").json()["results"] == []
