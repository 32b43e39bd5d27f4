"""Many merchants, many endpoints, floods: everybody's turn comes, and looks stay cheap."""

from collections import Counter
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks import crowding
from alerts.webhooks.audience import Audience
from alerts.webhooks.fan_out import FannedOut, fan_out
from jobs import lifecycle
from jobs.models import Flow, Job
from tenants.clock import database_now
from tenants.models import AuditEntry
from tenants.platform import PLATFORM_ID, platform_merchant
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, make_merchant, make_worker
from tests.factories.webhooks import make_delivery, make_endpoint, make_event

pytestmark = pytest.mark.django_db


def flood(merchant, number):
    """Store so many events that were not handed on."""
    template = make_event(merchant, "job.succeeded")
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            merchant=merchant, type="job.succeeded", subject=template.pk, body=template.body
        )
        for _ in range(number)
    )


def handed_on():
    """Return how many deliveries each merchant has."""
    return Counter(WebhookDelivery.objects.values_list("merchant_id", flat=True))


def test_a_flood_of_one_merchant_keeps_no_other_waiting(merchant, bystander):
    for one in (merchant, bystander):
        make_endpoint(one)
    flood(merchant, 300)
    flood(bystander, 3)

    step = fan_out(database_now(), limit=20)

    assert (step.events, step.more) == (20, True)
    assert handed_on() == {merchant.pk: 17, bystander.pk: 3}


def test_a_step_says_that_there_is_more_as_long_as_somebody_has_more(merchant, bystander):
    for one in (merchant, bystander):
        make_endpoint(one)
    flood(merchant, 95)
    flood(bystander, 1)
    steps = [FannedOut(more=True)]
    while steps[-1].more:
        steps.append(fan_out(database_now(), limit=10, after=steps[-1].after))
        assert len(steps) < 30
    assert handed_on() == {merchant.pk: 95, bystander.pk: 1}
    assert sum(step.events for step in steps) == 96


def test_more_merchants_than_a_step_walks_all_have_their_turn():
    merchants = [make_merchant() for _ in range(12)]
    for one in merchants:
        make_endpoint(one)
        flood(one, 10)
    after = UUID(int=0)
    for _ in range(3):
        step = fan_out(database_now(), limit=5, after=after)
        assert step.more
        after = step.after
    assert after == UUID(int=0)
    assert set(handed_on()) == {one.pk for one in merchants}


def test_a_merchants_events_are_handed_on_in_their_order_whoever_else_has_some(merchant, bystander):
    endpoint = make_endpoint(merchant)
    make_endpoint(bystander)
    flood(merchant, 40)
    flood(bystander, 40)
    step = FannedOut(more=True)
    while step.more:
        step = fan_out(database_now(), limit=7, after=step.after)
    mine = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("job_id")
    events = list(mine.values_list("event_id", flat=True))
    assert len(events) == 40
    assert events == sorted(events)


def statements_of(audience):
    with CaptureQueriesContext(connection) as seen:
        assert audience.is_there()
    return [one["sql"] for one in seen.captured_queries]


def test_endpoints_are_read_only_when_somebody_changed_who_hears_what(merchant, bystander):
    endpoint = make_endpoint(merchant)
    audience = Audience(kept=0.0)
    assert len(statements_of(audience)) == 2
    assert len(statements_of(audience)) == 1
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(last_success_at=database_now())
    assert len(statements_of(audience)) == 1
    make_endpoint(bystander, events=["job.failed"])
    assert len(statements_of(audience)) == 2
    assert audience.wants(bystander.pk, "job.failed")
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(active=False)
    assert len(statements_of(audience)) == 2
    assert not audience.wants(merchant.pk, "job.succeeded")
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(active=True)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()
    assert len(statements_of(audience)) == 2
    assert not audience.wants(merchant.pk, "job.succeeded")


def in_workers_hands(merchant, host, number):
    """Store so many deliveries to a host that are being sent."""
    endpoint = make_endpoint(merchant, url=f"https://{host}/in")
    worker = make_worker(lane="async")
    for _ in range(number):
        delivery = make_delivery(endpoint)
        make_job_running(delivery.job_id, worker)
    return endpoint


def make_job_running(job_id, worker):
    Job.objects.filter(pk=job_id).update(
        status="running",
        gate="",
        holds_place=True,
        attempt=1,
        ticket=7,
        worker_id=worker.pk,
        started_at=NOW,
        deadline_at=NOW,
    )


def rules():
    return list(Flow.objects.order_by("name").values_list("scope", "name", "most_active"))


@pytest.fixture
def most(monkeypatch):
    monkeypatch.setattr(crowding, "MOST_AT_ONCE", 4)
    return 4


def test_a_host_that_takes_up_too_many_places_is_held_back(valkey, merchant, bystander, most):
    slow = in_workers_hands(merchant, "slow.example", most + 1)
    fast = in_workers_hands(bystander, "fast.example", most)
    assert crowding.hold_back().hosts == ("slow.example",)
    assert crowding.hold_back().hosts == ()
    assert rules() == [("handler", "slow.example", most)]
    waits, goes = make_delivery(slow), make_delivery(fast)
    now = database_now()
    while lifecycle.grant_places(now=now, limit=100).more:
        pass

    flowed = lifecycle.queue_within_flows(lane="async", now=now, limit=100, lease=60, aging=60.0)

    assert [one.job_id for one in flowed.queued] == [goes.job_id]
    assert Job.objects.get(pk=waits.job_id).gate == "parked"
    entry = AuditEntry.objects.get(object_type="flow_rule")
    assert (entry.verb, entry.merchant_id) == ("create", PLATFORM_ID)


def test_it_is_let_go_when_it_needs_no_rule_any_more(valkey, merchant, most):
    in_workers_hands(merchant, "slow.example", most + 1)
    make_flow(merchant=merchant, scope="handler", name="slow.example", most_active=most)
    crowding.hold_back()
    assert crowding.let_go().hosts == ()
    Job.objects.filter(status="running").update(
        status="succeeded",
        finalized_at=database_now(),
        worker_id=None,
        deadline_at=None,
        ticket=None,
    )
    assert crowding.let_go().hosts == ("slow.example",)
    assert Flow.objects.get().merchant_id == merchant.pk


def test_what_operators_set_for_a_host_stays_as_it_is(valkey, merchant, most):
    in_workers_hands(merchant, "slow.example", most + 1)
    theirs = make_flow(
        merchant=platform_merchant(),
        set_by_operators=True,
        scope="handler",
        name="slow.example",
        most_active=50,
    )
    assert crowding.hold_back().hosts == ()
    Job.objects.filter(status="running").update(
        status="succeeded",
        finalized_at=database_now(),
        worker_id=None,
        deadline_at=None,
        ticket=None,
    )
    assert crowding.let_go().hosts == ()
    assert Flow.objects.get().pk == theirs.pk
