"""Idempotency-Key: same key and request, same answer, one job."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from jobs.models import IdempotencyRecord, Job
from tests.api.kit import client_of, noop, problem
from tests.factories.jobs import make_job
from tests.factories.tenants import make_merchant


def test_the_same_request_gets_the_first_answer_again(api):
    first = api.send("/jobs", noop(name="once"), **{"Idempotency-Key": "order-1"})
    again = api.send(
        "/jobs",
        b'{"payload": {"handler": "demo.noop"}, "name": "once", "kind": "python"}',
        **{"Idempotency-Key": "order-1"},
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1


def test_a_replay_is_the_same_bytes(api):
    body = noop(metadata={"zeta": 1e22, "a": -0.0, "longer": {"z": 1, "b": "\u00e9"}})
    first = api.send("/jobs", body, **{"Idempotency-Key": "bytes"})
    again = api.send("/jobs", body, **{"Idempotency-Key": "bytes"})
    assert again["Idempotent-Replayed"] == "true"
    assert again.content == first.content


def test_the_same_key_with_another_request_is_a_conflict(api):
    api.send("/jobs", noop(), **{"Idempotency-Key": "k"})
    for path, body in (("/jobs", noop(priority=1)), ("/jobs/batch", {"jobs": [noop()]})):
        problem(api.send(path, body, **{"Idempotency-Key": "k"}), 409, "idempotency_key_reused")
    assert Job.objects.count() == 1


def test_merchants_do_not_share_keys(api, stranger_api):
    mine = api.send("/jobs", noop(), **{"Idempotency-Key": "k"}).json()
    theirs = stranger_api.send("/jobs", noop(), **{"Idempotency-Key": "k"})
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine["id"]
    assert "Idempotent-Replayed" not in theirs


def test_a_refused_request_does_not_use_its_key_up(api):
    problem(api.send("/jobs", noop(priority=99), **{"Idempotency-Key": "k"}), 400, "invalid_fields")
    assert not IdempotencyRecord.objects.exists()
    assert api.send("/jobs", noop(), **{"Idempotency-Key": "k"}).status_code == 201


def test_a_key_is_forgotten_after_a_day(api):
    first = api.send("/jobs", noop(), **{"Idempotency-Key": "k"}).json()
    record = IdempotencyRecord.objects.get()
    record.created_at -= timedelta(hours=24)
    record.save()
    second = api.send("/jobs", noop(priority=1), **{"Idempotency-Key": "k"})
    assert second.status_code == 201
    assert second.json()["id"] != first["id"]


def test_a_replay_is_answered_although_the_quota_is_used_up(api, merchant):
    merchant.max_waiting_jobs = 1
    merchant.save()
    first = api.send("/jobs", noop(), **{"Idempotency-Key": "k"})
    assert first.status_code == 201
    problem(api.send("/jobs", noop()), 429, "quota_exceeded")
    assert api.send("/jobs", noop(), **{"Idempotency-Key": "k"}).json() == first.json()


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb"])
def test_an_unusable_key_is_refused(api, key):
    problem(api.send("/jobs", noop(), **{"Idempotency-Key": key}), 400, "invalid_idempotency_key")
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twins_at_the_same_moment_make_one_job():
    merchant = make_merchant()
    bystander = make_job()
    client = client_of(merchant)
    start = threading.Barrier(4)
    answers = []

    def create():
        start.wait(10)
        answers.append(client.send("/jobs", noop(), **{"Idempotency-Key": "twin"}))
        connections.close_all()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 3
    assert Job.objects.exclude(pk=bystander.pk).count() == 1
