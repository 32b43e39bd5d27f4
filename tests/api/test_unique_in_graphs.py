"""Unique keys and dependencies in one batch: who stands for whom, and what falls with what."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle
from jobs.models import Dependency, Job, UniqueClaim
from jobs.operations.judging import judge
from tenants.clock import database_now
from tests.api.kit import noop, pointers, problem


def keyed(key="k", on_conflict="return", **fields):
    return noop(unique={"key": key, "on_conflict": on_conflict}, **fields)


def after(parent, **fields):
    return noop(depends_on=[{"job": parent}], **fields)


def settle():
    return lifecycle.settle_dependencies(now=database_now(), limit=100, judge=judge)


def test_a_graph_takes_keys_as_single_jobs_do(api):
    answer = api.send("/jobs/batch", {"jobs": [keyed(ref="a", name="a"), after("a", name="b")]})
    assert answer.status_code == 201
    first, second = Job.objects.order_by("name")
    assert (first.unique_key, first.unique_scope, second.unique_key) == ("k", "unfinished", "")
    assert UniqueClaim.objects.get(key="k").job_id == first.id


def test_who_depends_on_a_job_whose_key_is_held_waits_for_the_holder(api):
    holder = api.send("/jobs", keyed(name="holder")).json()["id"]
    bystander = api.send("/jobs", keyed("other", name="bystander")).json()["id"]
    jobs = [keyed(ref="a", name="again"), after("a", name="child")]

    answer = api.send("/jobs/batch", {"jobs": jobs})

    assert [one["created"] for one in answer.json()["jobs"]] == [False, True]
    assert answer.json()["jobs"][0]["id"] == holder
    assert list(Dependency.objects.values_list("parent__name", "child__name")) == [
        ("holder", "child")
    ]
    assert dict(Job.objects.values_list("name", "awaited")) == {
        "holder": True,
        "bystander": False,
        "child": False,
    }
    assert Job.objects.get(pk=bystander).status == "scheduled"


def test_a_whole_batch_is_refused_for_one_held_key_and_leaves_no_key_behind(api):
    api.send("/jobs", keyed(name="holder"))
    jobs = [keyed(on_conflict="reject", ref="a"), after("a", unique={"key": "child"})]

    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 409, "unique_key_held")

    assert pointers(body) == {("/jobs/0/unique/key", "unique_key_held")}
    assert Job.objects.count() == 1
    assert list(UniqueClaim.objects.values_list("key", flat=True)) == ["k"]


def test_a_partial_batch_refuses_what_depends_on_a_held_key_at_any_depth(api):
    api.send("/jobs", keyed(name="holder"))
    jobs = [
        keyed(on_conflict="reject", ref="a", name="a"),
        after("a", ref="b", name="b", unique={"key": "of b"}),
        after("b", name="c"),
        noop(ref="free", name="free"),
        after("free", name="d", unique={"key": "of d"}),
    ]

    answer = api.send("/jobs/batch?partial=true", {"jobs": jobs}).json()

    assert (answer["created"], answer["refused"]) == (2, 3)
    codes = [one["errors"][0]["code"] if "errors" in one else "" for one in answer["results"]]
    assert codes == ["unique_key_held", "parent_refused", "parent_refused", "", ""]
    assert set(Job.objects.values_list("name", flat=True)) == {"holder", "free", "d"}
    assert set(UniqueClaim.objects.values_list("key", flat=True)) == {"k", "of d"}


def test_two_jobs_of_a_graph_cannot_share_a_key(api):
    jobs = [
        keyed(ref="a", depends_on=[{"job": "b"}]),
        noop(ref="b", depends_on=[{"job": "c"}]),
        keyed(ref="c"),
    ]
    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert ("/jobs/2/unique/key", "repeated") in pointers(body)
    assert not Job.objects.exists()


def test_a_job_that_is_replaced_cancels_what_needed_its_success(api):
    jobs = [keyed(ref="a", name="old"), after("a", name="child")]
    api.send("/jobs/batch", {"jobs": jobs})

    api.send("/jobs", keyed(on_conflict="replace", name="new"))
    settle()

    assert dict(Job.objects.values_list("name", "status")) == {
        "old": "cancelled",
        "child": "cancelled",
        "new": "scheduled",
    }


def test_a_blocked_job_holds_its_key_and_can_be_replaced(api):
    api.send(
        "/jobs/batch",
        {"jobs": [noop(ref="p", name="p"), after("p", name="old", unique={"key": "k"})]},
    )

    refused = api.send("/jobs", keyed(on_conflict="reject", name="no"))
    replaced = api.send("/jobs", keyed(on_conflict="replace", name="new"))

    assert (refused.status_code, replaced.status_code) == (409, 201)
    assert Job.objects.get(name="old").status == "cancelled"


def test_a_long_chain_behind_a_held_key_is_refused_at_a_constant_number_of_statements(api):
    api.send("/jobs", keyed(name="holder"))

    def refused(length):
        chain = [after(f"c{number - 1}", ref=f"c{number}") for number in range(1, length)]
        jobs = [keyed(on_conflict="reject", ref="c0"), *chain[::-1], noop(name="apart")]
        with CaptureQueriesContext(connection) as queries:
            answer = api.send("/jobs/batch?partial=true", {"jobs": jobs}).json()
        assert (answer["created"], answer["refused"]) == (1, length)
        return len(queries)

    refused(3)
    assert refused(40) == refused(4)
