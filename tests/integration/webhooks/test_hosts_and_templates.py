"""Hosts that do not answer are given up as for HTTP jobs; templates tell what they missed."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from alerts.models import WebhookEvent
from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Breaker, DeadLetter, Job
from jobs.outcomes import Failure, Outcome, Result
from jobs.verdict import verdict
from templates_app.expander.writing import TRIES, record_failures
from tenants.clock import database_now
from tests.factories.flows import make_breaker
from tests.factories.jobs import NOW, make_job
from tests.factories.templates import every, make_template
from tests.factories.webhooks import make_delivery, make_endpoint
from tests.integration.templates.ticking import expand_all
from tests.integration.webhooks.kit import claim, deliveries_due

pytestmark = pytest.mark.django_db
REFUSED = Failure(code="connection_refused", message="refused", detail="not_sent")
ENGINE = Engine()


def test_a_host_that_does_not_answer_is_given_up_and_costs_no_attempts(valkey, merchant):
    endpoint = make_endpoint(merchant)
    for _ in range(ENGINE.breaker_failures + 1):
        make_delivery(endpoint)
    attempts = claim(*deliveries_due())
    endings = [
        verdict(one, Outcome(result=Result.FAILED, failure=REFUSED), poison_losses=3)
        for one in attempts
    ]

    heeded = lifecycle.heed_breakers(endings, ENGINE)
    lifecycle.finish(heeded.endings)

    breaker = Breaker.objects.get()
    assert (breaker.handler, breaker.opened_at is not None) == ("hooks.example", True)
    assert {job.attempt - job.earlier_attempts for job in Job.objects.filter(kind="webhook")} == {0}


def test_deliveries_wait_for_a_host_longer_than_other_jobs(valkey, merchant):
    delivery = make_delivery(make_endpoint(merchant))
    now = database_now()
    since = now - timedelta(days=2)
    job = Job.objects.get(pk=delivery.job_id)
    theirs = make_job(merchant=merchant, kind="http", handler="hooks.example", status="retryable")
    for one in (job, theirs):
        breaker = make_breaker(
            merchant=one.merchant,
            handler="hooks.example",
            opened_at=since,
            tried_since=since,
            tried_at=now,
            changed_at=now,
        )
        Job.objects.filter(pk=one.pk).update(
            gate="parked",
            parked_by=breaker.pk,
            parked_rank=since,
            unanswered_since=since,
            holds_place=bool(one.concurrency_key),
        )
    Job.objects.filter(pk=job.pk).update(status="retryable")

    given_up = lifecycle.abandon(now=now, patience=86_400.0, limit=10)

    assert [one.job_id for one in given_up] == [theirs.pk]
    week = lifecycle.abandon(now=now + timedelta(days=6), patience=86_400.0, limit=10)
    assert week == []
    Breaker.objects.update(tried_at=now + timedelta(days=6))
    [late] = lifecycle.abandon(now=now + timedelta(days=6), patience=86_400.0, limit=10)
    assert late.job_id == job.pk
    assert DeadLetter.objects.get(job=job).error_code == "host_gone"


def test_a_template_that_is_set_aside_is_told(merchant, bystander):
    make_endpoint(merchant, events=["template.set_aside"])
    mine, theirs = make_template(merchant=merchant), make_template(merchant=bystander)
    for _ in range(TRIES):
        assert not WebhookEvent.objects.exists()
        with transaction.atomic():
            record_failures({mine.pk: "secret {{ payload }}", theirs.pk: "no"}, NOW)

    event = WebhookEvent.objects.get()
    assert (event.type, event.subject, event.template_id) == (
        "template.set_aside",
        mine.pk,
        mine.pk,
    )
    assert json.loads(event.body)["data"] == {
        "template_id": str(mine.pk),
        "set_aside_at": "2026-06-01T12:00:00.000000Z",
    }


def test_missed_occurrences_are_told_once_for_several_in_a_row(merchant, bystander):
    make_endpoint(merchant, events=["template.missed"])
    mine = make_template(merchant=merchant, recurrence=every(10), misfire="skip")
    make_template(merchant=bystander, recurrence=every(10), misfire="skip")
    back = NOW + timedelta(minutes=62)

    expand_all(back)
    expand_all(back)

    event = WebhookEvent.objects.get()
    assert (event.type, event.subject) == ("template.missed", mine.pk)
    assert json.loads(event.body)["data"] == {
        "template_id": str(mine.pk),
        "first_at": "2026-06-01T12:10:00.000000Z",
        "last_at": "2026-06-01T12:50:00.000000Z",
        "occurrences": 5,
    }
