"""Outgoing webhooks hear of incidents, in the transactions that open and resolve them."""

import json

import pytest

from alerts.models import Incident, WebhookEvent
from alerts.operations.incidents import resolve
from alerts.operations.rules import edit_rule
from alerts.webhooks.audience import AUDIENCE_OF_ALL
from tenants.clock import database_now
from tests.factories.actors import somebody
from tests.factories.alerts import fail_many, make_rule
from tests.factories.templates import make_template
from tests.factories.tenants import make_merchant
from tests.factories.webhooks import make_endpoint
from tests.integration.alerts.kit import tick

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rule(shop):
    """A rule of a shop that listens, beside another shop that does not."""
    make_endpoint(shop, events=["incident.*"])
    AUDIENCE_OF_ALL.look()
    return make_rule(merchant=shop)


def heard():
    """Return (type, incident) of all events, oldest first."""
    rows = WebhookEvent.objects.order_by("pk")
    return [(one.type, json.loads(one.body)["data"]["incident_id"]) for one in rows]


def test_an_incident_is_heard_of_when_it_opens_and_when_a_person_resolves_it(
    shop, template, rule, settings
):
    bystander = make_merchant()
    make_rule(merchant=bystander)
    tick()
    fail_many(template, 3)
    fail_many(make_template(merchant=bystander, now=database_now()), 3)
    assert tick().opened == 2
    incident = Incident.objects.get(merchant=shop)
    assert heard() == [("incident.opened", str(incident.pk))]

    resolve(incident, None, by=somebody(), alerting=settings.TASKFLOW_ALERTING, now=database_now())
    assert heard()[1:] == [("incident.resolved", str(incident.pk))]
    assert {one.merchant_id for one in WebhookEvent.objects.all()} == {shop.pk}


def test_a_rule_that_is_switched_off_ends_its_incidents_for_webhooks_too(
    shop, template, rule, settings
):
    tick()
    fail_many(template, 1)
    tick()
    edit_rule(rule, {"enabled": False}, now=database_now(), alerting=settings.TASKFLOW_ALERTING)
    incident = Incident.objects.get()
    assert heard()[1:] == [("incident.resolved", str(incident.pk))]
    edit_rule(rule, {"name": "still off"}, now=database_now(), alerting=settings.TASKFLOW_ALERTING)
    assert len(heard()) == 2


def test_what_recovers_by_itself_is_heard_of(shop, template, rule):
    tick()
    fail_many(template, 1)
    tick()
    incident = Incident.objects.get()
    template.delete()
    assert tick().recovered == 1
    assert heard()[1:] == [("incident.resolved", str(incident.pk))]
