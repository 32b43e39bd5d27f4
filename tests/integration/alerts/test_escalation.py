"""Time goes on, and nobody acknowledges: the next channel, reminders, snoozes, windows."""

from datetime import timedelta

import pytest

from alerts.models import Delivery, Incident
from alerts.operations.incidents import acknowledge, resolve, snooze
from alerts.operations.refusals import IncidentOver
from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.alerts import fail_many, make_channel, make_policy, make_rule
from tests.factories.templates import make_template, make_window
from tests.integration.alerts.kit import tick

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def boss(shop):
    return make_channel(merchant=shop, name="boss")


@pytest.fixture
def opened(shop, template, mail, boss):
    """An incident that was opened just now, and when that was."""
    policy = make_policy((0, [mail]), (30, [boss]), merchant=shop, repeat_after=60)
    make_rule(merchant=shop, policy=policy)
    tick()
    fail_many(template, 2)
    now = database_now()
    assert tick(now).messages == 1
    return now


def told():
    """Return (event, channel) of all messages, oldest first."""
    rows = Delivery.objects.select_related("channel").order_by("pk")
    return [(one.event, one.channel.name) for one in rows]


def test_without_acknowledgement_the_next_channel_is_told_and_then_everybody_again(opened):
    assert tick(opened + 29 * MINUTE).messages == 0
    assert tick(opened + 30 * MINUTE).messages == 1
    assert tick(opened + 89 * MINUTE).messages == 0
    assert tick(opened + 90 * MINUTE).messages == 2
    assert told() == [
        ("opened", "mail"),
        ("escalated", "boss"),
        ("reminder", "mail"),
        ("reminder", "boss"),
    ]


def test_an_acknowledged_incident_is_told_of_no_more_and_counts_on(opened, template):
    acknowledge(Incident.objects.get(), {"note": "mine"}, by=somebody(), now=opened)
    fail_many(template, 5)
    assert tick(opened + 31 * MINUTE).messages == 0
    incident = Incident.objects.get()
    assert (incident.state, incident.count, incident.note) == ("acknowledged", 7, "mine")


def test_after_a_snooze_the_policy_goes_on_from_where_it_was(opened):
    snooze(Incident.objects.get(), {"minutes": 45}, by=somebody(), now=opened)
    assert tick(opened + 44 * MINUTE).messages == 0
    assert tick(opened + 45 * MINUTE).messages == 1
    assert told()[-1] == ("escalated", "boss")
    assert Incident.objects.get().state == "open"


def test_what_a_person_resolves_is_told_and_opens_anew_when_it_is_seen_again(
    opened, template, settings
):
    first = Incident.objects.get()
    alerting = settings.TASKFLOW_ALERTING
    resolve(first, None, by=somebody(), alerting=alerting, now=opened)
    with pytest.raises(IncidentOver):
        resolve(first, None, by=somebody(), alerting=alerting, now=opened)
    assert told()[-1] == ("recovered", "mail")
    fail_many(template, 1)
    assert tick(opened + MINUTE).opened == 1
    assert Incident.objects.exclude(pk=first.pk).get().count == 1


def test_in_a_maintenance_window_nobody_is_told_until_it_is_over(shop, mail, boss):
    policy = make_policy((0, [mail]), (30, [boss]), merchant=shop)
    make_rule(merchant=shop, policy=policy)
    template = make_template(merchant=shop, name="Moved")
    now = database_now()
    make_window(
        merchant=shop, starts_at=now - MINUTE, ends_at=now + 120 * MINUTE, template=template
    )
    tick(now)
    fail_many(template, 3)
    assert tick(now).messages == 0
    assert Incident.objects.get().count == 3
    for minutes in range(5, 120, 5):
        assert tick(now + minutes * MINUTE).messages == 0
    assert tick(now + 120 * MINUTE).messages == 1
    assert told() == [("opened", "mail")]
    # The policy's clock begins when the window ends.
    assert tick(now + 149 * MINUTE).messages == 0
    assert tick(now + 150 * MINUTE).messages == 1


def test_many_subjects_that_open_together_are_one_message(shop, mail, pager):
    make_rule(merchant=shop, policy=make_policy((0, [mail, pager]), merchant=shop))
    tick()
    for number in range(12):
        fail_many(make_template(merchant=shop, name=f"Report {number}"), 2)
    seen = tick()
    assert (seen.opened, seen.messages) == (12, 13)  # PagerDuty keeps one alert an incident
    message = Delivery.objects.get(channel=mail).message
    assert message["title"] == "Job failed for good: 12 subjects"
    assert message["facts"][-1] == "… and 2 more."


def test_a_flood_of_subjects_is_folded_into_one_hundred_and_the_others(shop, mail):
    make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop))
    tick()
    for number in range(105):
        fail_many(make_template(merchant=shop, name=f"Report {number}"), 1)
    assert tick().opened == 101
    others = Incident.objects.get(subject_key="others")
    assert (others.subject, others.count) == ("5 others", 5)
    assert Delivery.objects.count() == 1


def test_a_rule_without_a_policy_keeps_incidents_and_tells_nobody(shop, template):
    make_rule(merchant=shop)
    tick()
    fail_many(template, 2)
    assert tick().opened == 1
    assert not Delivery.objects.exists()


def test_nobody_of_a_suspended_merchant_is_told(opened, shop):
    Merchant.objects.filter(pk=shop.pk).update(active=False)
    assert tick(opened + 31 * MINUTE).messages == 0
    Merchant.objects.filter(pk=shop.pk).update(active=True)
    assert tick(opened + 92 * MINUTE).messages == 1
    assert told()[-1] == ("escalated", "boss")
