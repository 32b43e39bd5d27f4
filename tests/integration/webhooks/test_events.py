"""Events are committed with what they tell of, or not at all, and cost nothing when nobody listens."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from alerts.models import WebhookEvent
from alerts.webhooks import signposts
from alerts.webhooks.audience import AUDIENCE_OF_ALL, Audience
from jobs import lifecycle
from jobs.models import Job
from jobs.outcomes import Outcome, Result
from jobs.verdict import verdict
from tenants.platform import platform_merchant
from tests.api.kit import client_of, noop
from tests.factories.jobs import NOW, SECOND, make_job
from tests.factories.templates import make_template
from tests.factories.webhooks import make_endpoint
from tests.integration.dependencies import kit as dependencies
from tests.integration.overlaps import kit as overlaps
from tests.integration.webhooks.kit import claim, end_jobs

pytestmark = pytest.mark.django_db


class Undone(Exception):
    pass


def types(**filters):
    return list(
        WebhookEvent.objects.filter(**filters).order_by("id").values_list("type", flat=True)
    )


def endings(attempts, **outcome):
    given = {"result": Result.SUCCEEDED, **outcome}
    return [verdict(one, Outcome(**given), poison_losses=3) for one in attempts]


def test_a_batch_costs_one_statement_when_nobody_subscribes(
    merchant, monkeypatch, django_assert_num_queries
):
    make_endpoint(merchant, active=False)
    monkeypatch.setattr(AUDIENCE_OF_ALL, "kept", 3600.0)
    AUDIENCE_OF_ALL.look()
    attempts = claim(*(make_job(merchant=merchant) for _ in range(20)))
    with django_assert_num_queries(1):
        assert len(lifecycle.finish(endings(attempts))) == 20


def test_a_batch_costs_one_statement_more_when_somebody_does(
    merchant, bystander, monkeypatch, django_assert_num_queries
):
    make_endpoint(merchant)
    monkeypatch.setattr(AUDIENCE_OF_ALL, "kept", 3600.0)
    AUDIENCE_OF_ALL.look()
    jobs = [make_job(merchant=one) for one in (merchant, bystander) for _ in range(20)]
    attempts = claim(*jobs)
    # The test's own transaction is there: the verb's is a savepoint. In a worker it is BEGIN and COMMIT.
    with django_assert_num_queries(4):
        lifecycle.finish(endings(attempts))
    assert types() == ["job.succeeded"] * 20
    assert {event.merchant_id for event in WebhookEvent.objects.all()} == {merchant.pk}


def test_what_is_undone_is_not_told(merchant):
    make_endpoint(merchant)
    job = make_job(merchant=merchant)
    attempts = claim(job)
    told = []

    def end_and_undo():
        with transaction.atomic():
            lifecycle.finish(endings(attempts))
            told.extend(types())
            raise Undone

    with pytest.raises(Undone):
        end_and_undo()
    assert told == ["job.succeeded"]
    job.refresh_from_db()
    assert (job.status, types()) == ("running", [])


def test_an_end_whose_event_cannot_be_written_did_not_happen(merchant, monkeypatch):
    make_endpoint(merchant)
    job = make_job(merchant=merchant)
    attempts = claim(job)

    def fail(transitions):
        raise Undone

    monkeypatch.setattr("alerts.webhooks.recording.record_ends", fail)
    with pytest.raises(Undone):
        lifecycle.finish(endings(attempts))
    job.refresh_from_db()
    assert job.status == "running"


def test_every_way_to_end_is_told(merchant):
    make_endpoint(merchant)
    expired = make_job(merchant=merchant, expires_at=NOW)
    cancelled = make_job(merchant=merchant)
    template = make_template(merchant=merchant)
    skipped = make_job(merchant=merchant, template_id=template.pk, occurrence_at=NOW)
    planned = make_job(merchant=merchant, template_id=template.pk, occurrence_at=NOW + SECOND)

    lifecycle.expire(now=NOW, limit=10)
    lifecycle.cancel(job_ids=[cancelled.pk], now=NOW)
    lifecycle.skip(reasons={skipped.pk: "missed"}, now=NOW)
    lifecycle.cancel_plans(template_id=template.pk, now=NOW)

    assert types(subject=expired.pk) == ["job.failed", "job.dead_lettered"]
    assert types(subject=cancelled.pk) == ["job.cancelled"]
    assert types(subject=skipped.pk) == ["job.skipped"]
    assert types(subject=planned.pk) == ["job.cancelled"]
    told = WebhookEvent.objects.get(subject=skipped.pk)
    assert (told.template_id, told.kind) == (template.pk, "python")
    assert json.loads(told.body)["data"]["template_id"] == str(template.pk)


def test_ends_that_follow_from_other_jobs_are_told(merchant):
    make_endpoint(merchant)
    parent, awaited = make_job(merchant=merchant), make_job(merchant=merchant)
    skipped = dependencies.child_of(parent, needs="failure")
    cancelled = dependencies.child_of(awaited)
    dependencies.end(parent)
    lifecycle.cancel(job_ids=[awaited.pk], now=NOW)
    dependencies.settle_all()

    assert types(subject=skipped.pk) == ["job.skipped"]
    assert types(subject=cancelled.pk) == [f"job.{Job.objects.get(pk=cancelled.pk).status}"]


def test_occurrences_that_overlap_are_told(merchant):
    make_endpoint(merchant, events=["job.skipped"])
    template = make_template(merchant=merchant).pk
    overlaps.occurrence(template, merchant=merchant, status="running")
    late = overlaps.occurrence(template, 1, merchant=merchant, overlap="skip")
    overlaps.settle()
    assert types() == ["job.skipped"]
    assert types(subject=late.pk) == ["job.skipped"]


def test_a_job_that_a_newer_one_replaces_is_told(merchant):
    make_endpoint(merchant)
    client = client_of(merchant)
    unique = {"key": "k", "scope": "waiting", "on_conflict": "replace"}
    older = client.send("/jobs", noop(unique=unique, delay=60)).json()
    client.send("/jobs", noop(unique=unique, delay=60))
    assert types() == ["job.cancelled"]
    assert types(subject=older["id"]) == ["job.cancelled"]


def test_a_plan_that_is_replaced_is_no_event(merchant):
    make_endpoint(merchant)
    template = make_template(merchant=merchant)
    assert lifecycle.withdraw(template_ids=[template.pk])
    assert types() == []


def test_a_retry_is_no_end(merchant):
    make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant, max_attempts=3), result=Result.FAILED)
    assert types() == []


def test_who_listens_is_looked_at_once_in_a_while(merchant, django_assert_num_queries):
    audience = Audience(kept=3600.0)
    with django_assert_num_queries(2):
        assert not audience.is_there()
        assert not audience.is_there()
    make_endpoint(merchant, events=["template.*", "job.failed"])
    make_endpoint(merchant, events=["job.skipped"])
    assert not audience.is_there()
    audience.forget()
    assert audience.is_there()
    wanted = {
        name
        for name in ("job.failed", "job.skipped", "job.succeeded", "template.missed")
        if audience.wants(merchant.pk, name)
    }
    assert wanted == {"job.failed", "job.skipped", "template.missed"}


def test_the_platforms_own_endpoint_is_nobody(db):
    make_endpoint(platform_merchant())
    audience = Audience()
    assert not audience.is_there()


def test_incidents_are_told_by_codes(merchant, bystander):
    make_endpoint(merchant, events=["incident.opened"])
    incident = make_job().pk
    said: dict[str, Any] = {
        "incident_id": incident,
        "rule": "job_failed",
        "severity": "critical",
        "at": NOW,
    }

    assert signposts.incident_opened(merchant_id=merchant.pk, **said) == 1
    assert signposts.incident_opened(merchant_id=bystander.pk, **said) == 0
    assert signposts.incident_resolved(merchant_id=merchant.pk, **said) == 0

    event = WebhookEvent.objects.get()
    assert json.loads(event.body) == {
        "type": "incident.opened",
        "timestamp": "2026-06-01T12:00:00.000000Z",
        "data": {
            "incident_id": str(incident),
            "rule": "job_failed",
            "severity": "critical",
            "opened_at": "2026-06-01T12:00:00.000000Z",
        },
    }
    assert event.created_at - NOW > timedelta(0)
