"""At least once, in order for each job, on the schedule of Standard Webhooks."""

import pytest

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks.fan_out import fan_out
from alerts.webhooks.schedule import ATTEMPTS, DELAYS, SPAN, delay_after
from jobs import lifecycle
from jobs.models import Execution, Job
from jobs.operations.fields import InvalidFields
from jobs.operations.work import check_work
from jobs.outcomes import Failure, Outcome, Result
from jobs.verdict import verdict
from tenants.clock import database_now
from tests.factories.jobs import make_job
from tests.factories.webhooks import make_delivery, make_endpoint
from tests.integration.webhooks.kit import (
    Receiver,
    claim,
    deliveries_due,
    end_jobs,
    hand_on,
    make_due,
    send,
    work,
)

pytestmark = pytest.mark.django_db
NO = Failure(code="http_400", message="no")


def test_order_is_kept_while_the_first_one_is_tried_again(valkey, merchant):
    make_endpoint(merchant)
    job, other = make_job(merchant=merchant), make_job(merchant=merchant)
    end_jobs(job, result=Result.REJECTED, failure=NO)
    lifecycle.restart(job_ids=[job.pk], now=database_now(), by="someone")
    end_jobs(job)
    end_jobs(other)
    hand_on()
    down = Receiver(lambda one: 503)
    work(down)

    # The first of each job was tried, nothing that comes after it.
    assert sorted(down.types) == ["job.failed", "job.succeeded"]
    up = Receiver()
    for _ in range(3):
        make_due()
        work(up)
    of_job = [
        one.event["type"] for one in up.received if one.event["data"]["job_id"] == str(job.pk)
    ]
    assert of_job == ["job.failed", "job.dead_lettered", "job.succeeded"]
    assert len(up.received) == 4


def test_a_delivery_whose_worker_dies_is_sent_again_with_the_same_id(valkey, merchant):
    make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    hand_on()
    receiver = Receiver()
    attempts = claim(*deliveries_due())
    send(receiver, attempts)
    # The worker dies before it has told anybody; the watcher ends its attempt.
    lost = [verdict(one, Outcome(result=Result.LOST), poison_losses=3) for one in attempts]
    assert [job.status for job in lifecycle.finish(lost)] == ["retryable"]
    make_due()
    work(receiver)

    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert Job.objects.get(kind="webhook").status == "succeeded"


def test_the_schedule_is_that_of_standard_webhooks(valkey, merchant):
    make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    hand_on()
    receiver = Receiver(lambda one: 500)
    waits = []
    for _ in range(ATTEMPTS):
        work(receiver)
        job = Job.objects.get(kind="webhook")
        last = Execution.objects.filter(job=job).latest("number")
        waits.append((job.scheduled_at - last.finished_at).total_seconds())
        make_due()

    assert job.status == "failed"
    assert len(receiver.received) == ATTEMPTS == 10
    assert {one.body for one in receiver.received} == {receiver.received[0].body}
    for wait, delay in zip(waits, DELAYS, strict=False):
        assert delay - 0.5 <= wait <= delay * 1.1 + 0.5
    assert SPAN > 3 * 86_400


def test_delays_end_with_the_attempts():
    assert [delay_after(number, chance=0.0) for number in (0, 1, 2, 9, 10)] == [
        None,
        5.0,
        300.0,
        86_400.0,
        None,
    ]
    assert 5.0 < (delay_after(1, chance=0.999) or 0.0) < 5.5


def test_events_are_handed_on_once_and_by_one_at_a_time(merchant, bystander):
    mine = make_endpoint(merchant)
    make_endpoint(merchant, events=["job.failed"])
    make_endpoint(merchant, kind="http")
    make_endpoint(merchant, template_id=mine.pk)
    make_endpoint(merchant, active=False)
    make_endpoint(bystander)
    end_jobs(*(make_job(merchant=merchant) for _ in range(5)))

    first = fan_out(database_now(), limit=3)
    rest = fan_out(database_now(), limit=3)

    assert (first.events, first.deliveries, first.more) == (3, 3, True)
    assert (rest.events, rest.deliveries, rest.more) == (2, 2, False)
    assert {one.endpoint_id for one in WebhookDelivery.objects.all()} == {mine.pk}
    assert fan_out(database_now()).events == 0
    order = WebhookDelivery.objects.order_by("job_id").values_list("event_id", flat=True)
    assert list(order) == sorted(WebhookEvent.objects.values_list("pk", flat=True))


def test_deliveries_are_jobs_that_no_merchant_may_make(merchant):
    from jobs.operations.fields import Fields

    fields = Fields({}, ())
    payload = {"endpoint": "x", "event": "y", "body": "{}"}
    check_work("webhook", payload, fields, merchant_id=merchant.pk)
    with pytest.raises(InvalidFields, match="TaskFlow makes these"):
        fields.raise_problems()


@pytest.mark.parametrize("change", [{"active": False}, {"gone": True}])
def test_what_is_on_its_way_to_an_endpoint_that_is_off_is_not_sent(valkey, merchant, change):
    endpoint = make_endpoint(merchant)
    make_delivery(endpoint)
    if change.pop("gone", False):
        WebhookDelivery.objects.all().delete()
        endpoint.delete()
    else:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**change)
    receiver = Receiver()

    [ended] = work(receiver)

    assert (ended.status, receiver.received) == ("cancelled", [])


def test_an_answer_is_kept_in_short_and_a_redirect_is_not_followed(valkey, merchant):
    make_endpoint(merchant)
    delivery = make_delivery(WebhookEndpoint.objects.get())
    receiver = Receiver(lambda one: 302)
    work(receiver)

    attempt = Execution.objects.get(job_id=delivery.job_id)
    assert len(receiver.received) == 1
    assert (attempt.http_status, attempt.error_code) == (302, "http_302")
    assert attempt.output is not None
    assert attempt.output["body"] == "noted"
    assert set(attempt.output) == {"status", "body", "body_truncated", "duration_ms"}


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://10.0.0.8/", "http://[::1]/", "ftp://x.example/"],
)
def test_an_endpoint_that_points_inside_is_not_called(valkey, merchant, url):
    endpoint = make_endpoint(merchant, url="https://hooks.example/")
    delivery = make_delivery(endpoint)
    [attempt] = claim(*deliveries_due())
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=url)

    import asyncio

    from alerts.webhooks.addressee import addressee_of
    from alerts.webhooks.sending import WebhookRunner
    from jobs.handlers.context import AttemptContext

    found = addressee_of(WebhookEndpoint.objects.select_related("merchant").get(), database_now())

    async def scenario():
        runner = WebhookRunner(load=lambda _: found)
        try:
            return await runner.run(attempt, AttemptContext(attempt))
        finally:
            await runner.close()

    outcome = asyncio.run(scenario())
    assert outcome.result is Result.REJECTED
    assert outcome.failure.code == "address_denied"
    assert delivery.job_id == attempt.job_id
