"""How messages arrive by each way; and when they do not."""

import json
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from alerts.models import Channel, Delivery, Incident
from alerts.operations.channels import try_channel
from alerts.operations.refusals import TooManyTests
from jobs.models import Job
from templates_app.models import Template
from tenants.clock import database_now
from tests.factories.actors import somebody
from tests.factories.alerts import fail_many, make_channel, make_policy, make_rule
from tests.factories.templates import make_template
from tests.integration.alerts.kit import deliveries, tick, work

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def failing(shop, *channels, name="Nightly report", repeat_after=None):
    """Make a template of that name fail, and tell the channels."""
    policy = make_policy((0, list(channels)), merchant=shop, repeat_after=repeat_after)
    make_rule(merchant=shop, policy=policy)
    tick()
    template = make_template(merchant=shop)
    # The operations take no control characters; a template of another release may have them.
    Template.objects.filter(pk=template.pk).update(name=name)
    fail_many(template, 2)
    tick()


def test_slack_is_told_in_text_that_mentions_nobody(shop, slack, receiver, lane):
    failing(shop, slack, name="<!channel> & <https://evil.example|click>")
    work(lane)
    [request] = receiver.requests
    assert request.path == "/T0/s3cret"
    text = request.json()["text"]
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in text
    assert "<!channel>" not in text
    assert (
        f"<https://flow.example/admin/alerts/incident/{Incident.objects.get().pk}/change/|" in text
    )


def test_pagerduty_opens_and_resolves_one_alert_an_incident(shop, pager, receiver, lane):
    make_rule(
        merchant=shop,
        policy=make_policy((0, [pager]), merchant=shop),
        severity="critical",
        parameters={"quiet": 60},
    )
    tick()
    fail_many(make_template(merchant=shop), 1)
    tick()
    work(lane)
    incident = Incident.objects.get()
    Job.objects.filter(template_id__isnull=False, status="scheduled").update(
        status="succeeded", finalized_at=database_now()
    )
    tick()
    work(lane)
    opened, over = [request.json() for request in receiver.requests]
    assert (opened["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == over["dedup_key"] == f"taskflow-{incident.pk}"
    assert opened["routing_key"] == "R0UT1NGKEY1234567890"
    assert opened["payload"]["severity"] == "critical"


def test_user_text_makes_no_mail_header(shop, mail, mailbox, lane):
    failing(shop, mail, name="Report\r\nBcc: victim@shop.example\x1b‮")
    work(lane)
    [message] = mailbox.mails
    assert message["Bcc"] is None
    assert message["To"] == "team@shop.example"
    assert "Report Bcc: victim@shop.example" in message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_message_that_could_not_be_sent_is_tried_again_with_the_same_id(
    shop, hook, receiver, lane
):
    failing(shop, hook)
    receiver.status = 503
    assert work(lane) == 1
    tick()
    assert deliveries() == [("opened", "hook", "pending")]
    receiver.status = 200
    assert work(lane, database_now() + HOUR) == 1
    tick()
    assert deliveries() == [("opened", "hook", "sent")]
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_when_nobody_could_be_told_the_incident_says_so_and_the_next_step_is_taken(
    shop, hook, mail, receiver, mailbox, lane
):
    policy = make_policy((0, [hook]), (600, [mail]), merchant=shop)
    make_rule(merchant=shop, policy=policy)
    tick()
    fail_many(make_template(merchant=shop), 2)
    tick()
    receiver.status = 410
    work(lane)
    tick()
    assert Incident.objects.get().untold_at is not None
    assert deliveries() == [("opened", "hook", "failed"), ("escalated", "mail", "pending")]
    assert "410" in Delivery.objects.get(channel=hook).error
    work(lane)
    tick()
    assert Incident.objects.get().untold_at is None
    assert len(mailbox.mails) == 1


def test_a_mail_server_that_refuses_for_good_ends_the_delivery(shop, mail, mailbox, lane):
    mailbox.answer = "554 no"
    failing(shop, mail)
    work(lane)
    tick()
    assert deliveries() == [("opened", "mail", "failed")]
    assert Delivery.objects.get().error == "The mail server answered 554."


def test_a_mail_server_that_is_busy_is_asked_again(shop, mail, mailbox, lane):
    mailbox.answer = "451 later"
    failing(shop, mail)
    work(lane)
    mailbox.answer = "250 OK"
    work(lane, database_now() + HOUR)
    tick()
    assert deliveries() == [("opened", "mail", "sent")]


def test_without_an_smtp_server_mail_fails_with_the_reason(shop, mail, settings, lane):
    settings.TASKFLOW_ALERTING = type(settings.TASKFLOW_ALERTING)()
    failing(shop, mail)
    work(lane)
    tick()
    assert "TASKFLOW_SMTP_URL" in Delivery.objects.get().error


def test_a_channel_whose_address_is_not_public_any_more_is_refused(shop, hook, settings, lane):
    failing(shop, hook)
    settings.TASKFLOW_ENGINE = type(settings.TASKFLOW_ENGINE)()
    work(lane)
    tick()
    assert deliveries() == [("opened", "hook", "failed")]
    assert "loopback" in Delivery.objects.get().error


def test_a_channel_that_is_switched_off_hears_nothing(shop, hook, mail, receiver, lane):
    Channel.objects.filter(pk=hook.pk).update(enabled=False)
    failing(shop, hook, mail)
    work(lane)
    assert [one[1] for one in deliveries()] == ["mail"]
    assert receiver.requests == []


def test_the_test_button_sends_at_most_five_a_minute(shop, hook, receiver, lane):
    now = database_now()

    def send():
        return try_channel(hook, by=somebody(), alerting=django_settings.TASKFLOW_ALERTING, now=now)

    for _ in range(5):
        send()
    with pytest.raises(TooManyTests):
        send()
    work(lane)
    assert len(receiver.requests) == 5
    assert receiver.requests[0].json()["type"] == "incident.test"


def test_secrets_are_sealed_and_in_no_log_row_or_job(
    shop, slack, hook, pager, receiver, lane, caplog
):
    caplog.set_level("DEBUG")
    receiver.status = 500
    failing(shop, slack, hook, pager)
    work(lane)
    tick()
    rows = json.dumps(
        [
            *Channel.objects.values(),
            *Delivery.objects.values(),
            *Job.objects.filter(kind="alert").values("payload", "name", "metadata"),
        ],
        default=str,
    )
    for secret in ("s3cret", "whsec_", "R0UT1NGKEY", "QUJDREVG"):
        assert secret not in rows
        assert secret not in caplog.text


def test_a_sealed_secret_does_not_open_in_another_merchants_channel(shop, slack, lane):
    stranger = make_channel(merchant=None, kind="slack", settings={"url": "https://a.example/x"})
    Channel.objects.filter(pk=slack.pk).update(sealed_settings=stranger.sealed_settings)
    failing(shop, slack)
    work(lane)
    assert Job.objects.get(kind="alert").status == "retryable"
