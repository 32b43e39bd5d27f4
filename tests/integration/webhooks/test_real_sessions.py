"""With committed rows and sessions of their own: the real look at endpoints, and two fan-outs."""

import asyncio

import pytest
from django.db import connection, transaction

from alerts.models import WebhookDelivery, WebhookEndpoint
from alerts.webhooks import statements
from alerts.webhooks.addressee import load_addressee
from alerts.webhooks.fan_out import FAN_OUT_LOCK, fan_out
from alerts.webhooks.sending import WebhookRunner
from jobs import lifecycle
from jobs.handlers.context import AttemptContext
from jobs.models import Job
from jobs.outcomes import Outcome, Result
from jobs.verdict import verdict
from tenants.clock import database_now
from tenants.identifiers import new_id
from tenants.statement import execute
from tests.factories.jobs import make_job, make_merchant
from tests.factories.webhooks import make_endpoint
from tests.handlers_kit import serving
from tests.integration.sessions import OtherSession
from tests.integration.webhooks.kit import (
    Receiver,
    claim,
    deliveries_due,
    end_jobs,
    hand_on,
    is_signed_by,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_sender_reads_endpoints_by_itself(valkey):
    merchant = make_merchant()
    endpoint = make_endpoint(merchant)
    receiver = Receiver()

    async def scenario():
        async with serving(receiver.app()) as base:
            await asyncio.to_thread(point_at, f"{base}/here")
            attempts = await asyncio.to_thread(ready)
            runner = WebhookRunner()
            try:
                outcomes = [await runner.run(one, AttemptContext(one)) for one in attempts]
            finally:
                await runner.close()
            return attempts, outcomes

    def point_at(url):
        in_a_session(lambda: WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=url))

    def ready():
        def steps():
            end_jobs(make_job(merchant=merchant))
            hand_on()
            return claim(*deliveries_due())

        return in_a_session(steps)

    attempts, outcomes = asyncio.run(scenario())
    lifecycle.finish(
        [verdict(a, o, poison_losses=3) for a, o in zip(attempts, outcomes, strict=True)]
    )

    [one] = receiver.received
    assert one.path == "/here"
    assert is_signed_by(one, endpoint.secret)
    assert Job.objects.get(kind="webhook").status == "succeeded"
    endpoint.refresh_from_db()
    assert endpoint.last_success_at is not None
    assert load_addressee(new_id()) is None


def in_a_session(call):
    return OtherSession(call).result()


def test_of_two_fan_outs_one_works_and_the_other_returns():
    merchant = make_merchant()
    make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    with transaction.atomic():
        assert execute(statements.LOCK, lock=FAN_OUT_LOCK) == [(True,)]
        other = in_a_session(lambda: fan_out(database_now()))
        assert (other.events, other.deliveries) == (0, 0)
    assert fan_out(database_now()).deliveries == 1
    assert WebhookDelivery.objects.count() == 1


def test_a_fan_out_that_dies_leaves_the_events_as_they_were(monkeypatch):
    merchant = make_merchant()
    make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))

    def die(jobs):
        raise RuntimeError("died")

    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, "create", die)
        with pytest.raises(RuntimeError, match="died"):
            fan_out(database_now())
    assert WebhookDelivery.objects.count() == 0
    assert fan_out(database_now()).deliveries == 1


def test_a_workers_group_and_its_events_are_one_transaction():
    merchant = make_merchant()
    make_endpoint(merchant)
    attempts = claim(make_job(merchant=merchant))
    seen = []

    def look(execute_sql, sql, *rest):
        if "INSERT INTO alerts_webhookevent" in sql:
            # Between the end of the job and its event: another session sees neither.
            seen.extend(in_a_session(lambda: list(Job.objects.values_list("status", flat=True))))
        return execute_sql(sql, *rest)

    with connection.execute_wrapper(look):
        lifecycle.finish(
            [verdict(a, Outcome(result=Result.SUCCEEDED), poison_losses=3) for a in attempts]
        )
    assert seen == ["running"]
    assert Job.objects.get().status == "succeeded"


def test_a_workers_note_does_not_wait_for_a_fan_out():
    merchant = make_merchant()
    endpoint = make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    hand_on()
    [attempt] = claim(*deliveries_due())

    def finish():
        failed = Outcome(result=Result.FAILED)
        return len(lifecycle.finish([verdict(attempt, failed, poison_losses=3)]))

    with transaction.atomic():
        # What storing a delivery holds of its endpoint until it commits.
        execute(
            "SELECT id FROM alerts_webhookendpoint WHERE id = %(id)s FOR KEY SHARE", id=endpoint.pk
        )
        assert in_a_session(finish) == 1
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None
