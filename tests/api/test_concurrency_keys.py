"""The fields `concurrency_key` and `concurrency_limit` of jobs and of templates."""

import pytest
from drf_spectacular.generators import SchemaGenerator

from jobs import lifecycle
from jobs.models import Job
from templates_app.models import Template
from tenants.clock import database_now
from tests.api.kit import noop, pointers, problem
from tests.api.schedules import HOURLY, jobs_of, make, template_body


def keyed(key="customer-17", **fields):
    return noop(concurrency_key=key, **fields)


def openapi():
    return SchemaGenerator().get_schema(public=True)


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


def test_limit_that_is_null_is_left_out_as_answers_show_it(api):
    plain = api.send("/jobs", noop(concurrency_key="", concurrency_limit=None))
    assert (plain.status_code, plain.json()["concurrency_limit"]) == (201, None)
    assert api.send("/jobs", keyed(concurrency_limit=None)).json()["concurrency_limit"] == 1


@pytest.mark.parametrize("shape", ["NewJob", "NewTemplate", "TemplateEdit"])
def test_schema_names_no_default_for_the_limit(shape):
    """A generated client would send it without a key, and be refused."""
    schemas = openapi()["components"]["schemas"]
    found = [schema for name, schema in schemas.items() if shape in name]
    limits = [one["properties"]["concurrency_limit"] for one in found if "concurrency" in str(one)]
    assert limits
    assert not [limit for limit in limits if "default" in limit]


def test_key_of_a_job_that_waits_cannot_be_changed(api):
    job = api.send("/jobs", keyed(delay=3600)).json()
    answer = api.change(f"/jobs/{job['id']}", {"concurrency_key": "other", "priority": 9})
    refused = problem(answer, 400, "invalid_fields")
    assert pointers(refused) == {("/concurrency_key", "unknown_field")}
    assert Job.objects.get().priority == 5


def test_template_has_a_key_and_a_limit(api):
    body = make(api, concurrency_key="customer-17", concurrency_limit=3)
    assert (body["concurrency_key"], body["concurrency_limit"]) == ("customer-17", 3)
    assert api.read(f"/templates/{body['id']}").json()["concurrency_limit"] == 3
    [job] = jobs_of(body)
    shown = api.read(f"/jobs/{job.pk}").json()
    assert (shown["concurrency_key"], shown["concurrency_limit"]) == ("customer-17", 3)
    plain = make(api)
    assert (plain["concurrency_key"], plain["concurrency_limit"]) == ("", None)


def test_template_that_was_read_can_be_sent_again(api):
    for fields in ({}, {"concurrency_key": "k"}):
        body = make(api, **fields)
        same = {name: body[name] for name in ("concurrency_key", "concurrency_limit", "priority")}
        assert make(api, **same)["concurrency_limit"] == body["concurrency_limit"]
        answer = api.change(f"/templates/{body['id']}", same)
        assert answer.status_code == 200, answer.content


def test_edit_to_a_wrong_key_is_not_told_about_the_limit_as_well(api):
    path = f"/templates/{make(api, concurrency_key='a', concurrency_limit=3)['id']}"
    answer = api.change(path, {"concurrency_key": None})
    assert pointers(problem(answer, 400, "invalid_fields")) == {("/concurrency_key", "wrong_type")}


def test_edit_of_a_template_changes_key_and_limit_together(api):
    path = f"/templates/{make(api, concurrency_key='a', concurrency_limit=3)['id']}"

    def changed(**fields):
        body = api.change(path, fields).json()
        return body["concurrency_key"], body["concurrency_limit"]

    assert changed(name="Other") == ("a", 3)
    assert changed(concurrency_key="b") == ("b", 3)
    assert changed(concurrency_limit=None) == ("b", 1)
    assert changed(concurrency_limit=5) == ("b", 5)
    assert changed(concurrency_key="") == ("", None)
    answer = api.change(path, {"concurrency_limit": 2})
    assert pointers(problem(answer, 400, "invalid_fields")) == {("/concurrency_limit", "conflict")}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"concurrency_key": 17}, ("/concurrency_key", "wrong_type")),
        ({"concurrency_key": "x" * 201}, ("/concurrency_key", "too_long")),
        ({"concurrency_key": None, "concurrency_limit": 2}, ("/concurrency_key", "wrong_type")),
        ({"concurrency_key": "day-{{ occurrence }}"}, ("/concurrency_key", "not_allowed")),
        ({"concurrency_limit": 2}, ("/concurrency_limit", "conflict")),
        ({"concurrency_key": "k", "concurrency_limit": 0}, ("/concurrency_limit", "out_of_range")),
    ],
)
def test_template_with_a_wrong_key_is_refused_by_name(api, given, fault):
    answer = api.send("/templates", template_body(**given))
    assert pointers(problem(answer, 400, "invalid_fields")) == {fault}
    preview = api.send("/templates/preview", {"recurrence": HOURLY, **given})
    assert pointers(problem(preview, 400, "invalid_fields")) == {fault}
    assert not Template.objects.exists()
