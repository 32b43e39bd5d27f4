"""The fields `concurrency_key` and `concurrency_limit`."""

import pytest

from jobs import lifecycle
from jobs.models import Job
from tenants.clock import database_now
from tests.api.kit import noop, pointers, problem


def keyed(key="customer-17", **fields):
    return noop(concurrency_key=key, **fields)


def test_job_says_its_key_and_its_limit(api):
    first = api.send("/jobs", keyed()).json()
    assert (first["concurrency_key"], first["concurrency_limit"]) == ("customer-17", 1)
    wide = api.send("/jobs", keyed(concurrency_limit=5)).json()
    assert wide["concurrency_limit"] == 5
    plain = api.send("/jobs", noop()).json()
    assert (plain["concurrency_key"], plain["concurrency_limit"]) == ("", None)


def test_batches_and_graphs_take_keys_and_begin_behind_the_gate(api):
    jobs = [
        keyed(ref="a", name="a"),
        keyed(name="b", depends_on=[{"job": "a"}], concurrency_limit=2),
        noop(name="c"),
    ]
    assert api.send("/jobs/batch", {"jobs": jobs}).status_code == 201
    assert api.send("/jobs/batch", {"jobs": [keyed(name="d"), noop(name="e")]}).status_code == 201
    columns = ("name", "concurrency_key", "concurrency_limit", "gate", "status")
    assert list(Job.objects.order_by("name").values_list(*columns)) == [
        ("a", "customer-17", 1, "keyed", "scheduled"),
        ("b", "customer-17", 2, "keyed", "blocked"),
        ("c", "", 1, "", "scheduled"),
        ("d", "customer-17", 1, "keyed", "scheduled"),
        ("e", "", 1, "", "scheduled"),
    ]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"concurrency_key": 17}, ("/concurrency_key", "wrong_type")),
        ({"concurrency_key": "x" * 201}, ("/concurrency_key", "too_long")),
        ({"concurrency_key": "a\nb"}, ("/concurrency_key", "control_characters")),
        ({"concurrency_limit": 2}, ("/concurrency_limit", "conflict")),
        (
            {"concurrency_key": "k", "concurrency_limit": 0},
            ("/concurrency_limit", "out_of_range"),
        ),
        (
            {"concurrency_key": "k", "concurrency_limit": 1001},
            ("/concurrency_limit", "out_of_range"),
        ),
        (
            {"concurrency_key": "k", "concurrency_limit": "2"},
            ("/concurrency_limit", "wrong_type"),
        ),
    ],
)
def test_fault_of_a_field_is_named(api, given, fault):
    refused = problem(api.send("/jobs", noop(**given)), 400, "invalid_fields")
    assert pointers(refused) == {fault}
    assert not Job.objects.exists()


def test_waiting_job_names_the_one_whose_turn_it_is(api, stranger_api):
    stranger_api.send("/jobs", keyed())
    first, second = (api.send("/jobs", keyed()).json()["id"] for _ in range(2))
    lifecycle.grant_places(now=database_now(), limit=10)
    assert first in api.read(f"/jobs/{second}").json()["waiting_reason"]


def test_unfinished_jobs_of_a_key_are_found(api, stranger_api):
    mine = [api.send("/jobs", keyed()).json()["id"] for _ in range(3)]
    api.send("/jobs", keyed("customer-170"))
    stranger_api.send("/jobs", keyed())
    lifecycle.grant_places(now=database_now(), limit=10)
    api.send(f"/jobs/{mine[1]}/cancel")
    found = api.read("/jobs?concurrency_key=customer-17").json()["results"]
    assert [one["id"] for one in found] == [mine[2], mine[0]]


def test_key_can_be_paused_by_a_flow_rule(api):
    made = api.send("/flows", {"scope": "key", "name": "customer-17", "paused": True})
    assert made.status_code == 201
    nameless = problem(api.send("/flows", {"scope": "key", "paused": True}), 400, "invalid_fields")
    assert pointers(nameless) == {("/name", "required")}
