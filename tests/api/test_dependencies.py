"""depends_on, condition and graphs in one request; what is refused, and how it is told."""

from typing import Any

import pytest

from jobs import lifecycle
from jobs.models import Dependency, Job
from jobs.operations.judging import judge
from tenants.clock import database_now
from tenants.identifiers import new_id
from tests.api.kit import http_job, noop, pointers, problem
from tests.factories.jobs import make_job


def after(*jobs, **fields):
    return noop(
        depends_on=[job if isinstance(job, dict) else {"job": job} for job in jobs], **fields
    )


def names_by_status():
    return dict(Job.objects.values_list("name", "status"))


DIAMOND = [
    noop(ref="load", name="load"),
    after("load", ref="left", name="left"),
    after("load", ref="right", name="right"),
    after("left", {"job": "right", "on": "finished"}, name="join"),
]


def test_a_graph_is_one_request_whatever_the_order_of_its_jobs(api):
    answer = api.send("/jobs/batch", {"jobs": DIAMOND[::-1]})
    assert answer.status_code == 201
    assert [job["status"] for job in answer.json()["jobs"]] == ["blocked"] * 3 + ["scheduled"]
    found = Dependency.objects.values_list("parent__name", "child__name", "needs", "outcome")
    assert set(found) == {
        ("load", "left", "success", "open"),
        ("load", "right", "success", "open"),
        ("left", "join", "success", "open"),
        ("right", "join", "finished", "open"),
    }
    assert set(Job.objects.filter(awaited=True).values_list("name", flat=True)) == {
        "load",
        "left",
        "right",
    }


def test_a_job_depends_on_a_stored_one_by_its_id(api, merchant):
    parent, bystander = make_job(merchant=merchant), make_job(merchant=merchant)
    answer = api.send("/jobs", after(str(parent.id)))
    assert (answer.status_code, answer.json()["status"]) == (201, "blocked")
    parent.refresh_from_db()
    bystander.refresh_from_db()
    assert (parent.awaited, bystander.awaited) == (True, False)


@pytest.mark.parametrize("whose", ["of a stranger", "that never was"])
def test_a_parent_that_is_not_mine_is_not_there(api, merchant, stranger, whose):
    identity = make_job(merchant=stranger).id if whose == "of a stranger" else new_id()
    body = problem(api.send("/jobs", after(str(identity))), 400, "invalid_fields")
    assert pointers(body) == {("/depends_on/0/job", "not_found")}
    assert not Job.objects.filter(merchant=merchant).exists()
    assert not Job.objects.filter(awaited=True).exists()


def test_a_circle_is_refused_and_named(api):
    jobs = [
        after("c", ref="a"),
        after("a", ref="b"),
        after("b", ref="c"),
        after("c", ref="behind"),
        noop(ref="fine"),
    ]
    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert pointers(body) == {(f"/jobs/{n}/depends_on", "dependency_cycle") for n in range(4)}
    details = [error["detail"] for error in body["errors"]]
    assert "a -> c -> b -> a" in details[0]
    assert "c -> b -> a -> c" in details[3]
    assert not Job.objects.exists()


def test_a_job_that_waits_for_itself_is_a_circle(api):
    body = problem(api.send("/jobs/batch", {"jobs": [after("a", ref="a")]}), 400, "invalid_fields")
    assert "a -> a" in body["errors"][0]["detail"]


def test_a_partial_batch_leaves_out_what_depends_on_a_refused_job(api):
    jobs = [
        noop(ref="good", name="good"),
        noop(ref="bad", priority=11),
        after("bad", ref="child"),
        after("child", ref="grandchild"),
        after("good", name="fine"),
    ]
    answer = api.send("/jobs/batch?partial=true", {"jobs": jobs})
    assert answer.status_code == 207
    results = answer.json()["results"]
    refused = {r["index"]: r["errors"][0]["code"] for r in results if "errors" in r}
    assert refused == {1: "out_of_range", 2: "not_found", 3: "parent_refused"}
    assert names_by_status() == {"good": "scheduled", "fine": "blocked"}


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no list": ({"depends_on": "a"}, "/depends_on", "wrong_type"),
    "no object": ({"depends_on": ["a"]}, "/depends_on/0", "wrong_type"),
    "no job": ({"depends_on": [{}]}, "/depends_on/0/job", "required"),
    "no rule": ({"depends_on": [{"job": "a", "on": "later"}]}, "/depends_on/0/on", "not_allowed"),
    "no ref": ({"depends_on": [{"job": "no ref"}]}, "/depends_on/0/job", "invalid_id"),
    "no name": ({"depends_on": [{"job": "a", "as": "1"}]}, "/depends_on/0/as", "invalid_name"),
    "unknown": ({"depends_on": [{"job": "a"}]}, "/depends_on/0/job", "not_found"),
    "bad ref": ({"ref": "a-b"}, "/ref", "invalid_name"),
    "too many": ({"depends_on": [{"job": "a"}] * 101}, "/depends_on", "too_many"),
    "condition alone": ({"condition": "true"}, "/condition", "conflict"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_meant_is_refused_at_its_place(api, what):
    fields, pointer, code = BAD[what]
    body = problem(api.send("/jobs", noop(**fields)), 400, "invalid_fields")
    assert (pointer, code) in pointers(body)
    assert not Job.objects.exists()


def test_a_job_and_a_ref_may_be_named_once(api):
    jobs = [noop(ref="a"), noop(ref="a"), after("a", "a")]
    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert ("/jobs/2/depends_on/1/job", "repeated") in pointers(body)
    body = problem(api.send("/jobs/batch", {"jobs": jobs[:2]}), 400, "invalid_fields")
    assert pointers(body) == {("/jobs/1/ref", "repeated")}


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("1 +", "invalid_condition"),
        ("parents.a.result.rows + 1 == 'x' ? 1 : 2", "invalid_condition"),
        ("'text'", "invalid_condition"),
        ("other.thing", "invalid_condition"),
        ("parents.a.result.all(x, x > 0)", "invalid_condition"),
        ("parents.b.status == 'failed'", "unknown_parent"),
        ("t" * 501, "too_long"),
    ],
)
def test_a_condition_that_cannot_be_used_is_refused(api, condition, code):
    jobs = [noop(ref="a"), after("a", condition=condition)]
    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert pointers(body) == {("/jobs/1/condition", code)}


def test_a_placeholder_must_name_a_parent_and_be_readable(api):
    for text, code in [
        ("{{ parents.b.result }}", "unknown_parent"),
        ("{{ parents.a }}", "invalid_placeholder"),
        ("{{ parents.a.result | upper }}", "invalid_placeholder"),
    ]:
        job = {"kind": "python", "payload": {"handler": "demo.echo", "arguments": {"value": text}}}
        jobs = [noop(ref="a"), {**job, "depends_on": [{"job": "a"}]}]
        body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
        assert pointers(body) == {("/jobs/1/payload", code)}


def test_faults_of_what_is_filled_in_later_are_excused_and_others_are_not(api):
    draws = "{{ parents.a.result.url }}"
    good = {**http_job(url=draws), "depends_on": [{"job": "a"}]}
    bad = {**http_job(url=draws, method="NONSENSE"), "depends_on": [{"job": "a"}]}
    assert api.send("/jobs/batch", {"jobs": [noop(ref="a"), good]}).status_code == 201
    body = problem(api.send("/jobs/batch", {"jobs": [noop(ref="a"), bad]}), 400, "invalid_fields")
    assert pointers(body) == {("/jobs/1/payload/method", "invalid_payload")}
    problem(api.send("/jobs", http_job(url=draws)), 400, "invalid_fields")


def test_a_blocked_job_says_what_it_waits_for(api):
    answer = api.send(
        "/jobs/batch", {"jobs": [noop(ref="load"), noop(ref="b"), after("load", "b")]}
    )
    parent, _, child = answer.json()["jobs"]
    reason = api.read(f"/jobs/{child['id']}").json()["waiting_reason"]
    assert reason == f"Waiting for load, job {parent['id']} (scheduled) to succeed, and for 1 more."


def test_an_edited_payload_of_a_blocked_job_may_draw_on_its_parents(api):
    job = {"kind": "python", "payload": {"handler": "demo.echo", "arguments": {"value": 1}}}
    answer = api.send(
        "/jobs/batch", {"jobs": [noop(ref="a"), {**job, "depends_on": [{"job": "a"}]}]}
    )
    parent, child = (Job.objects.get(id=each["id"]) for each in answer.json()["jobs"])
    for name, status in [("b", 400), ("a", 200)]:
        text = f"{{{{ parents.{name}.status }}}}"
        payload = {"handler": "demo.echo", "arguments": {"value": text}}
        assert api.change(f"/jobs/{child.id}", {"payload": payload}).status_code == status
    lifecycle.cancel(job_ids=[parent.id], now=database_now())
    Dependency.objects.update(needs="finished")
    lifecycle.settle_dependencies(now=database_now(), limit=10, judge=judge)
    child.refresh_from_db()
    assert (child.status, child.payload["arguments"]) == ("scheduled", {"value": "cancelled"})


def test_the_graph_of_any_of_its_jobs_is_the_whole_graph(api):
    jobs = api.send("/jobs/batch", {"jobs": [*DIAMOND, noop(name="apart")]}).json()["jobs"]
    load, left, right, join, apart = (job["id"] for job in jobs)
    for one in (load, left, right, join):
        graph = api.read(f"/jobs/{one}/graph").json()
        assert {job["id"] for job in graph["jobs"]} == {load, left, right, join}
        arrows = {(each["depends_on"], each["job"], each["as"]) for each in graph["dependencies"]}
        assert arrows == {
            (load, left, "load"),
            (load, right, "load"),
            (left, join, "left"),
            (right, join, "right"),
        }
        assert graph["more"] is False
    graph = api.read(f"/jobs/{apart}/graph").json()
    assert ([job["id"] for job in graph["jobs"]], graph["dependencies"]) == ([apart], [])


def test_the_graph_of_a_stranger_is_not_there(api, stranger_api):
    job = api.send("/jobs", noop()).json()["id"]
    problem(stranger_api.read(f"/jobs/{job}/graph"), 404, "not_found")


def test_request_with_too_many_dependencies_is_refused_and_names_where_they_begin(api):
    parents = [noop(ref=f"p{number}") for number in range(100)]
    children = [after(*(f"p{number}" for number in range(100))) for _ in range(101)]
    refused = problem(api.send("/jobs/batch", {"jobs": parents + children}), 400, "invalid_fields")
    assert pointers(refused) == {("/jobs/200/depends_on", "too_many")}
    assert not Job.objects.exists()
    fits = api.send("/jobs/batch", {"jobs": parents + children[:100]})
    assert fits.status_code == 201
    assert Dependency.objects.count() == 10_000
