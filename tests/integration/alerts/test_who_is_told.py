"""Whoever was told hears of the end, once; what switches off, moves or changes meanwhile tells nobody wrong."""

from datetime import timedelta

import pytest
from django.db import transaction

from alerts.models import Channel, Delivery, Incident
from alerts.operations.channels import try_channel
from alerts.operations.incidents import acknowledge, resolve, snooze
from alerts.operations.policies import edit_policy
from alerts.operations.refusals import TooManyTests
from alerts.operations.rules import delete_rule, edit_rule
from jobs import lifecycle
from jobs.lifecycle.archiving import BEGINNING
from jobs.models import ArchivedJob, Job
from jobs.operations.fields import InvalidFields
from jobs.partitions import ensure_archive
from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.alerts import fail_many, make_channel, make_incident, make_policy, make_rule
from tests.factories.templates import make_template, make_window
from tests.factories.tenants import make_merchant
from tests.integration.alerts.kit import tick
from tests.integration.alerts.test_two_evaluators import in_threads
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def boss(shop):
    return make_channel(merchant=shop, name="boss")


@pytest.fixture
def policy(shop, mail, boss):
    return make_policy((0, [mail]), (30, [boss]), merchant=shop, repeat_after=60)


@pytest.fixture
def rule(shop, policy):
    return make_rule(merchant=shop, policy=policy)


@pytest.fixture
def opened(rule, template):
    tick()
    fail_many(template, 2)
    now = database_now()
    assert tick(now).messages == 1
    return now


def told():
    rows = Delivery.objects.select_related("channel").order_by("pk")
    return [(one.event, one.channel.name) for one in rows]


def test_a_short_snooze_brings_no_step_forward(opened):
    snooze(Incident.objects.get(), {"minutes": 5}, by=somebody(), now=opened)
    assert tick(opened + 5 * MINUTE).messages == 1
    assert told()[-1] == ("reminder", "mail")
    assert Incident.objects.get().state == "open"
    assert tick(opened + 29 * MINUTE).messages == 0
    assert tick(opened + 30 * MINUTE).messages == 1
    assert told()[-1] == ("escalated", "boss")


def test_a_first_step_with_a_delay_waits_for_it_after_a_window_as_well(shop, mail):
    make_rule(merchant=shop, policy=make_policy((10, [mail]), merchant=shop))
    template = make_template(merchant=shop)
    now = database_now()
    ends_at = now + 20 * MINUTE
    make_window(merchant=shop, starts_at=now - MINUTE, ends_at=ends_at, template=template)
    tick(now)
    fail_many(template, 1)
    for minutes in range(5, 30, 5):
        assert tick(now + minutes * MINUTE).messages == 0
    assert tick(now + 30 * MINUTE).messages == 1


def test_a_late_tick_takes_each_step_once(opened):
    assert tick(opened + 44 * MINUTE).messages == 1
    assert tick(opened + 44 * MINUTE).messages == 0
    assert told() == [("opened", "mail"), ("escalated", "boss")]


def test_who_was_told_hears_of_the_end_once_and_nobody_else(opened, template, settings):
    incident = Incident.objects.get()
    alerting = settings.TASKFLOW_ALERTING
    resolve(incident, None, by=somebody(), alerting=alerting, now=opened)
    assert tick(opened + MINUTE).messages == 0
    assert told() == [("opened", "mail"), ("recovered", "mail")]


def test_a_channel_that_is_off_was_not_told_and_its_step_is_passed_over(rule, template, mail):
    Channel.objects.filter(pk=mail.pk).update(enabled=False)
    tick()
    fail_many(template, 1)
    assert tick().messages == 1
    assert told() == [("opened", "boss")]
    assert [str(one) for one in Incident.objects.get().told] == [
        str(Channel.objects.get(name="boss").pk)
    ]


def test_nobody_of_a_suspended_merchant_hears_of_an_end(opened, shop, settings):
    Merchant.objects.filter(pk=shop.pk).update(active=False)
    alerting = settings.TASKFLOW_ALERTING
    resolve(Incident.objects.get(), None, by=somebody(), alerting=alerting, now=opened)
    assert told() == [("opened", "mail")]


def test_a_rule_that_gets_a_policy_tells_of_what_is_open(shop, template, policy, settings):
    rule = make_rule(merchant=shop)
    bystander = make_incident(make_rule(merchant=shop, kind="run_too_long"))
    tick()
    fail_many(template, 1)
    assert tick().messages == 0
    alerting = settings.TASKFLOW_ALERTING
    now = database_now()
    edit_rule(rule, {"policy_id": str(policy.pk)}, now=now, alerting=alerting)
    assert tick(now).messages == 1
    assert told() == [("opened", "mail")]
    bystander.refresh_from_db()
    assert bystander.next_notice_at is None


def test_another_policy_begins_at_its_first_step(opened, rule, shop, settings):
    eva = make_channel(merchant=shop, name="eva")
    other = make_policy((10, [eva]), merchant=shop)
    alerting = settings.TASKFLOW_ALERTING
    edit_rule(rule, {"policy_id": str(other.pk)}, now=opened + MINUTE, alerting=alerting)
    assert tick(opened + 10 * MINUTE).messages == 0
    assert tick(opened + 11 * MINUTE).messages == 1
    assert told()[-1] == ("opened", "eva")


def test_a_policy_whose_steps_change_is_followed_from_where_the_incident_is(
    opened, policy, mail, boss
):
    steps = [
        {"after": 0, "channels": [str(mail.pk)]},
        {"after": 5, "channels": [str(boss.pk)]},
    ]
    acknowledged = make_incident(
        make_rule(merchant=policy.merchant, policy=policy), state="acknowledged"
    )
    edit_policy(policy, {"steps": steps})
    assert tick(opened + 4 * MINUTE).messages == 0
    assert tick(opened + 5 * MINUTE).messages == 1
    assert told()[-1] == ("escalated", "boss")
    acknowledged.refresh_from_db()
    assert acknowledged.next_notice_at is None


def test_a_change_that_is_refused_leaves_incidents_alone(opened, rule, settings):
    before = Incident.objects.get()
    with pytest.raises(InvalidFields):
        edit_rule(
            rule,
            {"enabled": False, "severity": "?"},
            now=opened,
            alerting=settings.TASKFLOW_ALERTING,
        )
    assert Incident.objects.get().state == before.state == "open"


@pytest.mark.parametrize("end", ["switched off", "deleted"])
def test_of_a_rule_that_goes_pagerduty_alone_hears(shop, template, mail, pager, settings, end):
    rule = make_rule(merchant=shop, policy=make_policy((0, [mail, pager]), merchant=shop))
    tick()
    fail_many(template, 1)
    tick()
    now, alerting = database_now(), settings.TASKFLOW_ALERTING
    if end == "deleted":
        delete_rule(rule, now=now, alerting=alerting)
        assert not Incident.objects.exists()
    else:
        edit_rule(rule, {"enabled": False}, now=now, alerting=alerting)
        assert Incident.objects.get().state == "resolved"
    assert told()[2:] == [("recovered", "pager")]
    assert tick().messages == 0


def test_a_rule_is_deleted_beside_ticks_that_open_its_incidents(shop, mail, settings):
    alerting = settings.TASKFLOW_ALERTING
    templates = [make_template(merchant=shop, name=f"T{place}") for place in range(3)]
    for _ in range(5):
        rule = make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop))
        tick()
        for one in templates:
            fail_many(one, 1)
        in_threads(
            tick,
            lambda rule=rule: delete_rule(rule, now=database_now(), alerting=alerting),
            tick,
        )
        tick()
        assert not Incident.objects.exists()


def test_people_who_switch_a_rule_off_wait_for_the_tick_at_work(opened, rule, settings):
    alerting = settings.TASKFLOW_ALERTING
    with transaction.atomic():
        assert not tick(opened).busy
        person = OtherSession(
            lambda: edit_rule(rule, {"enabled": False}, now=opened, alerting=alerting)
        )
        wait_until_one_waits_for_a_lock()
    assert person.result().enabled is False
    assert Incident.objects.get().state == "resolved"


def test_a_message_whose_job_was_archived_is_as_it_ended(opened):
    delivery = Delivery.objects.get()
    now = database_now()
    Job.objects.filter(pk=delivery.job_id).update(
        status="succeeded", started_at=now, finalized_at=now - timedelta(days=2)
    )
    lifecycle.archive(
        before=now,
        now=now,
        after=BEGINNING,
        limit=10,
        make_room=ensure_archive,
    )
    assert ArchivedJob.objects.filter(pk=delivery.job_id).exists()
    tick()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("sent", "")


def test_messages_go_before_whatever_else_the_platform_does(opened):
    assert Job.objects.get(kind="alert").priority == 10


def test_tests_at_once_are_counted_one_after_another(mail, settings):
    now, alerting = database_now(), settings.TASKFLOW_ALERTING
    refused = []

    def press():
        try:
            try_channel(mail, by=somebody(), alerting=alerting, now=now)
        except TooManyTests:
            refused.append(True)

    by_nobody = make_channel(merchant=make_merchant(), name="theirs")
    in_threads(*[press] * 8)
    assert (Delivery.objects.count(), len(refused)) == (5, 3)
    assert try_channel(by_nobody, by=somebody(), alerting=alerting, now=now).event == "test"


def test_acknowledged_while_a_tick_escalates_it_is_told_of_no_more(opened):
    incident = Incident.objects.get()
    in_threads(
        lambda: tick(opened + 30 * MINUTE),
        lambda: acknowledge(incident, None, by=somebody(), now=opened),
    )
    assert Incident.objects.get().state == "acknowledged"
    before = Delivery.objects.count()
    assert tick(opened + 300 * MINUTE).messages == 0
    assert Delivery.objects.count() == before
