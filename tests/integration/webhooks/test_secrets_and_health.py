"""Rotation with overlap; endpoints that fail for days or are gone; what is told of it."""

from datetime import timedelta

import pytest

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.operations.refusals import TooManyTests
from alerts.webhooks.health import disable_failing
from alerts.webhooks.operations import endpoints as operations
from alerts.webhooks.operations.redelivery import redeliver, redeliver_since
from alerts.webhooks.queries import histories, standing
from alerts.webhooks.timing import DISABLED_AFTER, KEPT
from alerts.webhooks.upkeep import keep_up
from jobs import lifecycle
from jobs.lifecycle.archiving import BEGINNING
from jobs.models import ArchivedJob, Job
from jobs.operations.fields import InvalidFields
from jobs.outcomes import Failure, Result
from jobs.partitions import ensure_archive, first_id
from tenants.clock import database_now
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, SECOND, make_job
from tests.factories.webhooks import make_delivery, make_endpoint
from tests.integration.webhooks.kit import (
    Receiver,
    end_jobs,
    hand_on,
    is_signed_by,
    make_due,
    work,
)

pytestmark = pytest.mark.django_db
NO = Failure(code="http_400", message="no")


def test_both_secrets_sign_while_they_overlap(valkey, merchant):
    endpoint = make_endpoint(merchant)
    old = endpoint.secret
    new = operations.rotate_secret(endpoint, {"overlap": 600}, now=database_now()).secret
    make_delivery(endpoint)
    receiver = Receiver()
    work(receiver)

    [both] = receiver.received
    assert old != new
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert is_signed_by(both, old)
    assert is_signed_by(both, new)

    WebhookEndpoint.objects.update(old_secret_until=database_now() - SECOND)
    make_delivery(endpoint)
    work(receiver)
    later = receiver.received[-1]
    assert is_signed_by(later, new)
    assert not is_signed_by(later, old)


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(valkey, merchant):
    endpoint = make_endpoint(merchant)
    old = endpoint.secret
    operations.rotate_secret(endpoint, {"overlap": 0}, now=database_now())
    make_delivery(endpoint)
    receiver = Receiver()
    work(receiver)
    assert not is_signed_by(receiver.received[0], old)


def test_secrets_are_sealed_and_in_no_job(merchant):
    endpoint = make_endpoint(merchant)
    make_delivery(endpoint)
    kept = str(Job.objects.values().get(kind="webhook")) + str(
        WebhookEndpoint.objects.values().get()
    )
    assert endpoint.secret not in kept
    assert endpoint.secret.removeprefix("whsec_") not in kept
    assert endpoint.secret not in repr(
        operations.NewSecret(endpoint=endpoint, secret=endpoint.secret)
    )


def test_failures_and_successes_are_noted(valkey, merchant, bystander):
    endpoint, other = make_endpoint(merchant), make_endpoint(bystander)
    make_delivery(endpoint)
    work(Receiver(lambda one: 500))
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).failing_since is not None
    make_due()
    work(Receiver())
    endpoint.refresh_from_db()
    other.refresh_from_db()
    assert (endpoint.failing_since, endpoint.last_failure_at) == (None, None)
    assert endpoint.last_success_at is not None
    assert (other.failing_since, other.last_success_at) == (None, None)


def failing(merchant, *, days, **values):
    now = database_now()
    return make_endpoint(
        merchant, failing_since=now - timedelta(days=days), last_failure_at=now, **values
    )


def test_who_fails_for_days_is_disabled_and_told(valkey, merchant, bystander):
    bad = failing(merchant, days=DISABLED_AFTER.days, events=["job.failed"])
    good = make_endpoint(merchant, events=["webhook_endpoint.disabled"])
    fresh = failing(bystander, days=DISABLED_AFTER.days - 1)
    silent = make_endpoint(
        bystander, failing_since=NOW - timedelta(days=30), last_failure_at=NOW - timedelta(days=29)
    )

    assert disable_failing(database_now()) == 1
    assert disable_failing(database_now()) == 0

    bad.refresh_from_db()
    assert bad.state == "disabled"
    assert "5 days" in bad.disabled_reason
    assert {row.state for row in WebhookEndpoint.objects.filter(pk__in=[fresh.pk, silent.pk])} == {
        "active"
    }
    receiver = Receiver()
    hand_on()
    work(receiver)
    [told] = receiver.received
    assert told.event["type"] == "webhook_endpoint.disabled"
    assert told.event["data"] == {"endpoint_id": str(bad.pk)}
    assert WebhookDelivery.objects.get().endpoint_id == good.pk


def test_an_endpoint_that_says_gone_is_disabled_at_once(valkey, merchant):
    endpoint, other = make_endpoint(merchant), make_endpoint(merchant, events=["job.failed"])
    make_delivery(endpoint)
    [ended] = work(Receiver(lambda one: 410))
    endpoint.refresh_from_db()
    other.refresh_from_db()
    assert ended.status == "failed"
    assert (endpoint.state, other.state) == ("disabled", "active")
    assert "410" in endpoint.disabled_reason
    assert WebhookEvent.objects.filter(type="webhook_endpoint.disabled").count() == 1


def test_enabled_again_it_gets_what_failed_and_what_it_missed(valkey, merchant, bystander):
    endpoint = make_endpoint(merchant)
    listener = make_endpoint(merchant, url="https://other.example/")
    theirs = make_endpoint(bystander)
    make_delivery(theirs)
    since = database_now()
    end_jobs(make_job(merchant=merchant), result=Result.REJECTED, failure=NO)
    hand_on()
    operations.edit_endpoint(endpoint, {"active": False})
    work(Receiver())
    end_jobs(make_job(merchant=merchant))
    hand_on()
    endpoint.refresh_from_db()
    with pytest.raises(operations.EndpointOff):
        redeliver_since(endpoint, {"since": since.isoformat()}, now=database_now(), by=somebody())
    enabled = operations.enable_endpoint(endpoint)
    body = {"since": since.isoformat()}

    done = redeliver_since(enabled, body, now=database_now(), by=somebody())

    assert (done.redelivered, done.more) == (3, False)
    receiver = Receiver()
    work(receiver)
    mine = WebhookDelivery.objects.filter(endpoint=endpoint).values_list("event_id", flat=True)
    ids = {one.id for one in receiver.received}
    assert {str(event_id) for event_id in mine} <= ids
    again = redeliver_since(enabled, body, now=database_now(), by=somebody())
    assert again.redelivered == 0
    assert WebhookDelivery.objects.filter(endpoint=listener).count() == 3


def test_what_happens_while_the_only_endpoint_is_disabled_is_kept_for_it(valkey, merchant):
    endpoint = failing(merchant, days=DISABLED_AFTER.days)
    since = database_now()
    disable_failing(database_now())
    end_jobs(make_job(merchant=merchant))
    assert hand_on() == 0
    enabled = operations.enable_endpoint(endpoint)

    done = redeliver_since(enabled, {"since": since.isoformat()}, now=database_now(), by=somebody())

    receiver = Receiver()
    work(receiver)
    assert (done.redelivered, receiver.types) == (1, ["job.succeeded"])


def archived(*deliveries):
    """Have the jobs of deliveries be in the archive, as a day after their end."""
    now = database_now()
    Job.objects.filter(pk__in=[one.job_id for one in deliveries]).update(
        finalized_at=now - timedelta(days=2), holds_place=False, gate=""
    )
    lifecycle.archive(before=now, now=now, after=BEGINNING, limit=100, make_room=ensure_archive)
    assert ArchivedJob.objects.count() == len(deliveries)


def test_what_was_cancelled_days_ago_is_found_and_sent_once_it_is_asked_for(valkey, merchant):
    endpoint = make_endpoint(merchant)
    lost = make_delivery(endpoint)
    since = database_now() - timedelta(days=1)
    WebhookEndpoint.objects.update(active=False)
    assert [one.status for one in work(Receiver())] == ["cancelled"]
    archived(lost)
    WebhookEndpoint.objects.update(active=True)
    endpoint.refresh_from_db()
    assert [one.state for one in histories([lost])] == ["cancelled"]
    assert list(standing(WebhookDelivery.objects.all(), ["cancelled"])) == [lost]

    done = redeliver_since(
        endpoint, {"since": since.isoformat()}, now=database_now(), by=somebody()
    )

    receiver = Receiver()
    work(receiver)
    assert (done.redelivered, len(receiver.received)) == (1, 1)
    assert receiver.received[0].id == str(lost.event_id)


def test_one_delivery_that_was_cancelled_days_ago_is_sent_again(valkey, merchant):
    endpoint = make_endpoint(merchant)
    lost = make_delivery(endpoint)
    WebhookEndpoint.objects.update(active=False)
    work(Receiver())
    archived(lost)
    WebhookEndpoint.objects.update(active=True)
    lost.refresh_from_db()
    endpoint.refresh_from_db()
    lost.endpoint = endpoint

    assert redeliver(lost, now=database_now(), by=somebody()).pk == lost.pk
    receiver = Receiver()
    work(receiver)
    assert [one.id for one in receiver.received] == [str(lost.event_id)]


def test_what_was_received_days_ago_still_says_so(valkey, merchant):
    delivery = make_delivery(make_endpoint(merchant))
    work(Receiver())
    archived(delivery)
    assert [one.state for one in histories([delivery])] == ["succeeded"]


def test_a_range_of_time_has_an_end(valkey, merchant):
    endpoint = make_endpoint(merchant)
    since = database_now()
    first = make_delivery(endpoint)
    until = database_now() + SECOND
    second = make_delivery(endpoint)
    Job.objects.filter(kind="webhook").update(max_attempts=1)
    work(Receiver(lambda one: 500))
    body = {"since": since.isoformat(), "until": until.isoformat()}
    # Ids are of milliseconds: the first event is surely within, the other surely not.
    for delivery, moment in ((first, since + SECOND / 500), (second, until + SECOND)):
        new = first_id(moment)
        WebhookEvent.objects.filter(pk=delivery.event_id).update(id=new)
        WebhookDelivery.objects.filter(pk=delivery.pk).update(event_id=new)

    done = redeliver_since(endpoint, body, now=database_now(), by=somebody())
    assert done.redelivered == 1
    backwards = {"since": since.isoformat(), "until": since.isoformat()}
    with pytest.raises(InvalidFields, match="must be later"):
        redeliver_since(endpoint, backwards, now=database_now(), by=somebody())


def test_an_endpoint_is_tested_five_times_a_minute(valkey, merchant, bystander):
    endpoint, other = make_endpoint(merchant), make_endpoint(bystander)
    now = database_now()
    for _ in range(5):
        operations.test_endpoint(endpoint, now=now, by=somebody())
    with pytest.raises(TooManyTests):
        operations.test_endpoint(endpoint, now=now, by=somebody())
    operations.test_endpoint(other, now=now, by=somebody())


def test_one_event_is_sent_again(valkey, merchant):
    endpoint = make_endpoint(merchant)
    delivery = make_delivery(endpoint)
    receiver = Receiver()
    work(receiver)

    new = redeliver(delivery, now=database_now(), by=somebody())
    work(receiver)

    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert (new.again, new.event_id) == (True, delivery.event_id)
    assert new.pk != delivery.pk


def test_one_that_failed_gets_a_new_round_and_one_that_waits_is_tried_now(valkey, merchant):
    endpoint = make_endpoint(merchant)
    delivery = make_delivery(endpoint)
    work(Receiver(lambda one: 500))
    assert redeliver(delivery, now=database_now(), by=somebody()).pk == delivery.pk
    receiver = Receiver()
    assert [one.status for one in work(receiver)] == ["succeeded"]
    gone = make_delivery(endpoint)
    Job.objects.filter(pk=gone.job_id).update(max_attempts=1)
    assert [one.status for one in work(Receiver(lambda one: 500))] == ["failed"]
    redeliver(gone, now=database_now(), by=somebody())
    assert [one.status for one in work(receiver)] == ["succeeded"]


def test_a_test_event_goes_to_one_endpoint_whatever_it_subscribes_to(valkey, merchant):
    endpoint = make_endpoint(merchant, events=["template.missed"])
    make_endpoint(merchant)
    operations.test_endpoint(endpoint, now=database_now(), by=somebody())
    receiver = Receiver()
    hand_on()
    work(receiver)
    assert receiver.types == ["webhook_endpoint.test"]
    assert is_signed_by(receiver.received[0], endpoint.secret)


def test_the_upkeep_forgets_what_is_old_and_nothing_else(valkey, merchant):
    endpoint = make_endpoint(merchant)
    dropped = make_endpoint(merchant)
    make_delivery(endpoint)
    make_delivery(dropped)
    work(Receiver())
    operations.delete_endpoint(dropped, now=database_now())
    now = database_now()

    kept = keep_up(now)
    assert (kept.deliveries, kept.events, kept.endpoints) == (0, 0, 0)
    later = keep_up(now + KEPT + timedelta(minutes=1))

    assert (later.deliveries, later.events, later.endpoints) == (2, 2, 1)
    assert list(WebhookEndpoint.objects.values_list("pk", flat=True)) == [endpoint.pk]
