"""Redrives over the API: dry run, begin, progress, stop and resume; and the diff of an edit."""

import pytest

from jobs.models import DeadLetter, Job, Redrive
from tests.api.kit import pointers, problem
from tests.integration.redrives.kit import FINGERPRINT, HTTP, Clock, fail, make_letters, run_all

CHOICE = {"filter": {"fingerprint": FINGERPRINT}}


@pytest.fixture
def letters(merchant):
    return make_letters(merchant, 12, kind="http", handler="shop.example", payload=HTTP)


def test_a_dry_run_says_how_many_and_what_would_change(api, letters):
    patch = {"json": {"n": 2, "m": [True]}, "method": None}
    found = api.send("/redrives/dry-run", {**CHOICE, "patch": patch}).json()
    assert (found["count"], found["more"], len(found["examples"])) == (12, False, 5)
    assert found["examples"][0]["job_id"] == str(letters[0].job_id)
    assert found["examples"][0]["differences"] == [
        {"path": "/json/m", "change": "added", "before": None, "after": [True]},
        {"path": "/json/n", "change": "changed", "before": 1, "after": 2},
        {"path": "/method", "change": "removed", "before": "POST", "after": None},
    ]
    assert not Redrive.objects.exists()


def test_a_dry_run_names_what_does_not_fit(api, letters):
    found = api.send("/redrives/dry-run", {**CHOICE, "patch": {"url": "ftp://x"}}).json()
    assert "url" in found["examples"][0]["problems"][0]


def test_a_redrive_begins_stops_on_a_failure_and_is_resumed(api, letters, merchant):
    made = api.send("/redrives", {**CHOICE, "rate": 100})
    assert made.status_code == 201
    body = made.json()
    assert (body["state"], body["stage"], body["total"], body["left"]) == (
        "running",
        "canary",
        12,
        12,
    )
    assert body["chosen_by"] == CHOICE
    clock, address = Clock(), f"/redrives/{body['id']}"
    clock.step()
    run_all(fail)
    clock.step()
    stopped = api.read(address).json()
    assert (stopped["state"], stopped["redriven"], stopped["failed"], stopped["left"]) == (
        "stopped",
        1,
        1,
        11,
    )
    assert "shop_closed" in stopped["stop_reason"]
    problem(api.send(f"{address}/stop"), 409, "redrive_not_running")
    assert api.send(f"{address}/resume").json()["state"] == "running"
    problem(api.send(f"{address}/resume"), 409, "redrive_not_stopped")
    assert api.send(f"{address}/stop", {"reason": "lunch"}).json()["stop_reason"] == "lunch"
    assert [one["id"] for one in api.read("/redrives").json()["results"]] == [body["id"]]


def test_the_same_request_twice_makes_one_redrive(api, letters):
    once = {"Idempotency-Key": "redrive-1"}
    first = api.send("/redrives", CHOICE, **once).json()
    assert api.send("/redrives", CHOICE, **once).json() == first
    assert Redrive.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("", "required")),
        ({**CHOICE, "ids": ["x"]}, ("", "required")),
        ({"filter": {}}, ("/filter", "required")),
        ({**CHOICE, "rate": 0}, ("/rate", "out_of_range")),
        ({**CHOICE, "rate": "fast"}, ("/rate", "wrong_type")),
        ({**CHOICE, "patch": []}, ("/patch", "wrong_type")),
        ({**CHOICE, "patch": {}}, ("/patch", "nothing_to_change")),
        ({**CHOICE, "patch": {"url": "ftp://x"}}, ("/patch", "invalid_payload")),
        ({**CHOICE, "speed": 1}, ("/speed", "unknown_field")),
    ],
)
def test_a_request_that_cannot_be_carried_out_names_its_field(api, letters, body, fault):
    assert fault in pointers(problem(api.send("/redrives", body), 400, "invalid_fields"))
    assert not Redrive.objects.exists()


def test_the_diff_of_an_edited_payload_masks_secrets_and_stores_nothing(api, merchant):
    payload = {**HTTP, "headers": {"Authorization": "s3cret"}}
    [letter] = make_letters(merchant, 1, kind="http", handler="shop.example", payload=payload)
    address = f"/dead-letters/{letter.pk}/diff"
    edited = {**HTTP, "headers": {"Authorization": "***"}, "json": {"n": 3}}
    by_payload = api.send(address, {"payload": edited})
    by_patch = api.send(address, {"patch": {"json": {"n": 3}}})
    assert by_payload.json() == by_patch.json()
    assert by_patch.json()["differences"] == [
        {"path": "/json/n", "change": "changed", "before": 1, "after": 3}
    ]
    assert by_patch.json()["problems"] == []
    assert "s3cret" not in by_patch.content.decode()
    thief = api.send(address, {"patch": {"url": "https://thief.example"}})
    assert "hidden value" in thief.json()["problems"][0]
    assert "s3cret" not in thief.content.decode()
    assert Job.objects.get(pk=letter.job_id).payload == payload
    assert DeadLetter.objects.get(pk=letter.pk).resolution == ""
    problem(api.send(address, {}), 400, "invalid_fields")
