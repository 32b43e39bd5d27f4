"""Conditions and payloads that take parents' results, from the parent's end to the child's start."""

from typing import Any

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.dependency_rows import Judgement
from jobs.models import DeadLetter, Job
from jobs.operations import dead_letters, steer
from jobs.operations.judging import judge
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, make_job
from tests.integration.dependencies.kit import child_of, end, jobs_of_one_merchant, settle, stood

pytestmark = pytest.mark.django_db


def drawing(parent, condition="", value="{{ parents.p0.result.n }}", **overrides):
    """Return a child of the parent that echoes something of its result."""
    payload = {"handler": "demo.echo", "arguments": {"value": value}}
    overrides = {"payload": payload, "handler": "demo.echo", **overrides}
    return child_of(parent, condition=condition, draws_on_parents=True, **overrides)


def echoed(job):
    return Job.objects.get(id=job.id).payload["arguments"]["value"]


def test_result_of_the_last_attempt_is_put_in_with_its_type():
    parent, plain = jobs_of_one_merchant(2)
    child = drawing(parent)
    text = drawing(parent, value="n is {{ parents.p0.result.n }}, {{ parents.p0.status }}")
    bystander = drawing(plain)
    end(parent, output={"n": 7})
    settle()
    assert stood(child, text, bystander) == ["scheduled", "scheduled", "blocked"]
    assert (echoed(child), echoed(text)) == (7, "n is 7, succeeded")
    assert echoed(bystander) == "{{ parents.p0.result.n }}"


@pytest.mark.parametrize(("rows", "status"), [(0, "skipped"), (5, "scheduled")])
def test_condition_decides(rows, status):
    parent = make_job()
    child = drawing(parent, condition="parents.p0.result.n > 1", value=1)
    after = child_of(child)
    end(parent, output={"n": rows})
    settle()
    assert stood(child) == [status]
    settle()
    assert stood(after) == ["skipped" if status == "skipped" else "blocked"]
    reason = Job.objects.get(id=child.id).skip_reason
    assert reason == ("Its condition is false: parents.p0.result.n > 1" if rows == 0 else "")


def test_failed_parents_tell_their_error_to_whom_it_may_concern():
    parent = make_job()
    child = drawing(parent, value="{{ parents.p0.error }}", needs="failure")
    end(parent, "failed", output={"n": 1}, code="http_500")
    settle()
    assert (stood(child), echoed(child)) == (["scheduled"], "http_500")


FAULTS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "nothing there": ({"value": "{{ parents.p0.result.m }}"}, {"n": 1}, "payload_unfilled"),
    "no answer": ({"condition": "parents.p0.result.m > 1"}, {"n": 1}, "condition_undecided"),
    "no truth": ({"condition": "parents.p0.result.n"}, {"n": 1}, "condition_undecided"),
    "too much": ({}, {"n": "x" * 65_537}, "parents_too_large"),
    "too much of one": (
        {"value": ["{{ parents.p0.result.n }}"] * 5},
        {"n": "x" * 60_000},
        "payload_unfilled",
    ),
    "unprintable": (
        {"condition": r'parents.p0.result["\x00"] == 1'},
        {"n": 1},
        "condition_undecided",
    ),
    "does not fit": (
        {
            "kind": "http",
            "payload": {"url": "{{ parents.p0.result.n }}"},
            "handler": "",
        },
        {"n": "ftp://x"},
        "payload_unfilled",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_decided_fails_and_its_neighbours_go_on(fault):
    fields, output, code = FAULTS[fault]
    parent, other = jobs_of_one_merchant(2)
    child, neighbour = drawing(parent, **fields), drawing(other)
    end(parent, output=output)
    end(other, output={"n": 1})
    settle()
    assert stood(child, neighbour) == ["failed", "scheduled"]
    letter = DeadLetter.objects.get(job_id=child.id)
    assert (letter.error_code, letter.attempts) == (code, 0)
    assert letter.error_message


def test_only_so_many_are_judged_in_a_step_and_nobody_is_lost():
    parent = make_job()
    children = [drawing(parent) for _ in range(103)]
    plain = child_of(parent)
    end(parent, output={"n": 1})
    first = settle(limit=1000)
    assert (first.opened, first.more) == (101, True)
    assert stood(plain) == ["scheduled"]
    settle(limit=1000)
    assert set(stood(*children)) == {"scheduled"}
    assert not Job.objects.filter(awaited=True).exists()


def test_retry_of_a_skipped_job_puts_the_results_in_and_asks_no_condition():
    parent = make_job()
    child = drawing(parent, condition="parents.p0.result.n > 1")
    end(parent, output={"n": 1})
    settle()
    assert stood(child) == ["skipped"]
    steer.retry(Job.objects.get(id=child.id), now=NOW, by=somebody("test"))
    assert (stood(child), echoed(child)) == (["scheduled"], 1)


def test_job_whose_payload_cannot_be_filled_in_never_runs_as_it_is():
    parent = make_job()
    child = drawing(parent)
    end(parent, "failed", code="x")
    settle()
    assert stood(child) == ["skipped"]
    with pytest.raises(steer.NotRetryable):
        steer.retry(Job.objects.get(id=child.id), now=NOW, by=somebody("test"))
    assert lifecycle.restart(job_ids=[child.id], now=NOW, by="test") == []
    assert stood(child) == ["skipped"]


def test_redrive_with_a_payload_runs_what_could_not_be_filled_in():
    parent = make_job()
    child = drawing(parent, value="{{ parents.p0.result.m }}")
    end(parent, output={"n": 1})
    settle()
    letter = DeadLetter.objects.get(job_id=child.id)
    with pytest.raises(dead_letters.AlreadyResolved):
        dead_letters.redrive(letter, now=NOW, by=somebody("test"))
    payload = {"handler": "demo.echo", "arguments": {"value": 2}}
    dead_letters.redrive(letter, now=NOW, by=somebody("test"), payload=payload)
    assert (stood(child), echoed(child)) == (["scheduled"], 2)


def test_results_that_are_too_large_together_never_leave_the_database():
    parents = jobs_of_one_merchant(3)
    value = ["{{ parents.p0.status }}", "{{ parents.p1.status }}"]
    payload = {"handler": "demo.echo", "arguments": {"value": value}}
    two = child_of(*parents[:2], payload=payload, handler="demo.echo", draws_on_parents=True)
    one = drawing(parents[2], value="{{ parents.p0.status }}")
    for parent in parents:
        end(parent, output={"n": "x" * 40_000})
    seen = []

    def spying(ready):
        seen.append(ready)
        return judge(ready)

    lifecycle.settle_dependencies(now=NOW, limit=100, judge=spying)
    shown = {ready.job_id: [parent.result for parent in ready.parents] for ready in seen}
    assert shown == {two.id: [None, None], one.id: [{"n": "x" * 40_000}]}
    assert stood(two, one) == ["failed", "scheduled"]
    assert DeadLetter.objects.get(job_id=two.id).error_code == "parents_too_large"


@pytest.mark.parametrize("output", ["[" * 5_000 + "]" * 5_000, "1" + "0" * 5_000])
def test_result_that_python_cannot_read_fails_its_child_and_its_neighbours_go_on(output):
    parent, other = jobs_of_one_merchant(2)
    child, neighbour = drawing(parent, value="{{ parents.p0.result }}"), drawing(other)
    end(parent, output=1)
    end(other, output={"n": 1})
    with connection.cursor() as cursor:
        update = "UPDATE jobs_execution SET output = %s::jsonb WHERE job_id = %s"
        cursor.execute(update, [output, parent.id])
    settle()
    assert stood(child, neighbour) == ["failed", "scheduled"]
    assert DeadLetter.objects.get(job_id=child.id).error_code == "parents_too_large"


def test_judgement_that_cannot_be_stored_fails_its_job_and_its_neighbours_go_on():
    parent, other = jobs_of_one_merchant(2)
    child, neighbour = drawing(parent), drawing(other)
    end(parent, output={"n": 1})
    end(other, output={"n": 1})

    def refusable(ready):
        if ready.job_id == child.id:
            return Judgement(job_id=child.id, status="skipped", reason="\x00")
        return judge(ready)

    lifecycle.settle_dependencies(now=NOW, limit=100, judge=refusable)
    assert stood(child, neighbour) == ["failed", "scheduled"]
    assert DeadLetter.objects.get(job_id=child.id).error_code == "parents_unusable"


def test_bulk_redrive_fills_in_however_many_draw_on_their_parents():
    parent = make_job()
    hopeless = [drawing(parent, value="{{ parents.p0.result.m }}") for _ in range(103)]
    late = drawing(parent, condition="parents.p0.result.m > 1")
    end(parent, output={"n": 1})
    while settle(limit=1000).more:
        pass
    assert set(stood(*hopeless, late)) == {"failed"}
    letters = DeadLetter.objects.filter(merchant=parent.merchant)
    redriven = dead_letters.redrive_many(
        letters, merchant=parent.merchant, now=NOW, by=somebody("test")
    )
    assert (redriven.count, redriven.more) == (1, False)
    assert (stood(late), echoed(late)) == (["scheduled"], 1)
    assert set(stood(*hopeless)) == {"failed"}
