"""Every operation of the OpenAPI document, called with another merchant's key.

What a stranger finds of merchant A is a 404, a 403, an empty list or a count of nothing; and after
the walk every row of A is as it was. An operation that is not in the matrix fails the test.
"""

from pathlib import Path

import pytest
import yaml
from django.core import serializers

from apikeys.scopes import Scope
from jobs.models import DeadLetter, Execution, IdempotencyRecord, Job
from tests.api.kit import client_of, http_job, noop
from tests.factories.jobs import NOW, make_job
from tests.factories.tenants import make_merchant

DOCUMENT = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text(encoding="utf-8")
)
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
HIDDEN = "hidden"  # names A's object in its path: 404, and the same 404 as for a missing id
EMPTY = "empty"  # a list without A's objects, whatever filter names them
NOTHING = "nothing"  # a bulk verb that names A's objects: counts none
OWN = "own"  # creates something of the stranger's own

MATRIX = {
    "dead_letters_list": EMPTY,
    "dead_letters_retrieve": HIDDEN,
    "dead_letters_discard": HIDDEN,
    "dead_letters_redrive": HIDDEN,
    "dead_letters_discard_many": NOTHING,
    "dead_letters_groups": EMPTY,
    "dead_letters_redrive_many": NOTHING,
    "executions_list": EMPTY,
    "executions_retrieve": HIDDEN,
    "jobs_list": EMPTY,
    "jobs_create": OWN,
    "jobs_retrieve": HIDDEN,
    "jobs_edit": HIDDEN,
    "jobs_cancel": HIDDEN,
    "jobs_executions": HIDDEN,
    "jobs_retry": HIDDEN,
    "jobs_run_now": HIDDEN,
    "jobs_create_batch": OWN,
}
BODIES = {
    "jobs_edit": {"priority": 1},
    "dead_letters_redrive": {"payload": {"handler": "demo.noop"}},
    "dead_letters_discard": {"reason": "mine now"},
}


class Belongings:
    """One merchant with a job in every status, their attempts and a dead letter."""

    def __init__(self):
        self.merchant = make_merchant()
        statuses = ("blocked", "scheduled", "queued", "running", "retryable")
        ended = ("succeeded", "failed", "cancelled", "skipped")
        self.jobs = [
            make_job(merchant=self.merchant, status=status, name="A-secret", tags=["A-tag"])
            for status in (*statuses, *ended)
        ]
        self.executions = [
            Execution.objects.create(
                job=job,
                merchant=self.merchant,
                number=1,
                outcome="failed",
                scheduled_at=NOW,
                started_at=NOW,
                finished_at=NOW,
            )
            for job in self.jobs
        ]
        self.letters = list(DeadLetter.objects.of(self.merchant))
        client_of(self.merchant).send("/jobs", noop(), **{"Idempotency-Key": "shared"})

    def ids_for(self, path):
        if "/executions/{id}" in path:
            return [row.pk for row in self.executions]
        return [row.pk for row in (self.letters if "/dead-letters" in path else self.jobs)]

    def snapshot(self):
        return [
            serializers.serialize(
                "json", model.objects.filter(merchant=self.merchant).order_by("pk")
            )
            for model in (Job, Execution, DeadLetter, IdempotencyRecord)
        ]


@pytest.fixture
def owner(db):
    return Belongings()


@pytest.fixture
def stranger(db):
    return client_of(make_merchant())


def filters_for(owner):
    """Return queries that name what belongs to the owner."""
    job, letter, attempt = owner.jobs[0], owner.letters[0], owner.executions[0]
    return {
        "jobs_list": ["", f"?q={job.pk}", "?q=A-secret", "?tag=A-tag", "?status=running"],
        "executions_list": ["", f"?job={job.pk}", "?outcome=failed", f"?job={attempt.job_id}"],
        "dead_letters_list": ["", f"?job={letter.job_id}", f"?fingerprint={letter.fingerprint}"],
        "dead_letters_groups": ["", f"?fingerprint={letter.fingerprint}"],
    }


def test_every_operation_has_a_place_in_the_matrix():
    assert set(MATRIX) == set(OPERATIONS)
    hidden = {name for name, (_, path) in OPERATIONS.items() if "{id}" in path}
    assert hidden == {name for name, kind in MATRIX.items() if kind == HIDDEN}


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == HIDDEN])
def test_another_merchants_object_looks_like_a_missing_one(owner, stranger, name):
    method, path = OPERATIONS[name]
    before = owner.snapshot()
    missing = stranger.call(
        method, path.replace("{id}", str(owner.merchant.pk)), BODIES.get(name)
    ).json()
    for pk in owner.ids_for(path):
        answer = stranger.call(method, path.replace("{id}", str(pk)), BODIES.get(name))
        assert answer.status_code == 404, (name, answer.content)
        assert {**answer.json(), "instance": ""} == {**missing, "instance": ""}
    assert owner.snapshot() == before


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == EMPTY])
def test_another_merchants_objects_are_in_no_list(owner, stranger, name):
    _, path = OPERATIONS[name]
    for query in filters_for(owner)[name]:
        answer = stranger.call("GET", path + query)
        assert answer.status_code == 200, answer.content
        assert answer.json()["results"] == [], (name, query)


def test_another_merchants_cursor_shows_nothing_of_it(owner, stranger):
    page = client_of(owner.merchant).read("/jobs?page_size=2").json()
    answer = stranger.read(page["next"].removeprefix("http://testserver"))
    assert answer.json()["results"] == []


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == NOTHING])
def test_bulk_verbs_do_not_reach_another_merchants_objects(owner, stranger, name):
    _, path = OPERATIONS[name]
    before = owner.snapshot()
    letter = owner.letters[0]
    choices = [
        {"ids": [str(letter.pk)]},
        {"filter": {"fingerprint": letter.fingerprint}},
        {"filter": {"created_after": "2020-01-01T00:00:00Z"}},
    ]
    for choice in choices:
        answer = stranger.call("POST", path, choice)
        assert answer.status_code == 200, answer.content
        assert {value for value in answer.json().values() if value is not False} == {0}
    assert owner.snapshot() == before


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == OWN])
def test_what_a_stranger_creates_is_its_own(owner, stranger, name):
    _, path = OPERATIONS[name]
    before = owner.snapshot()
    named = {"merchant": str(owner.merchant.pk), "id": str(owner.jobs[0].pk)}
    for field, value in named.items():
        body = noop(**{field: value})
        refused = stranger.call("POST", path, {"jobs": [body]} if "batch" in path else body)
        assert refused.status_code == 400
    body = {"jobs": [http_job()]} if "batch" in path else http_job()
    answer = stranger.call("POST", path, body, **{"Idempotency-Key": "shared"})
    assert answer.status_code == 201, answer.content
    assert "Idempotent-Replayed" not in answer
    assert owner.snapshot() == before


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_key_without_the_scope_is_refused(owner, name):
    method, path = OPERATIONS[name]
    nothing = client_of(owner.merchant, scopes=[Scope.METRICS_READ])
    for pk in owner.ids_for(path)[:1]:
        answer = nothing.call(method, path.replace("{id}", str(pk)), BODIES.get(name))
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    anonymous = type(nothing)()
    assert anonymous.call(method, path).status_code == 401


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_reading_keys_cannot_write(owner, name):
    method, path = OPERATIONS[name]
    reader = client_of(owner.merchant, scopes=[Scope.JOBS_READ, Scope.DEADLETTERS_READ])
    before = owner.snapshot()
    answer = reader.call(
        method, path.replace("{id}", str(owner.ids_for(path)[0])), BODIES.get(name)
    )
    assert (answer.status_code == 403) == (method != "GET"), answer.content
    assert owner.snapshot() == before
