"""A template fails 10,000 times: one incident, a handful of messages, by SMTP and HTTP."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from alerts.models import Delivery, Incident
from jobs.models import Job
from tenants.clock import database_now
from tenants.platform import PLATFORM_ID
from tests.factories.alerts import SECRET, fail_many, make_policy, make_rule
from tests.factories.templates import make_template
from tests.factories.tenants import make_merchant
from tests.integration.alerts.kit import deliveries, tick, work

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def bystander():
    """A template of another merchant that fails as well, and a rule of that merchant."""
    return make_template(merchant=make_merchant(), name="Bystander")


def test_ten_thousand_failures_are_one_incident_and_a_handful_of_messages(
    shop, template, mail, hook, bystander, mailbox, receiver, lane
):
    make_rule(merchant=shop, policy=make_policy((0, [mail, hook]), merchant=shop))
    tick()  # what failed before is no news
    for _ in range(5):
        fail_many(template, 2_000)
        fail_many(bystander, 3)
        tick()
        work(lane)
    tick()

    incident = Incident.objects.get()
    assert (incident.count, incident.state) == (10_000, "open")
    assert incident.subject == "Nightly report"
    assert incident.example_job_id is not None
    assert Job.objects.get(pk=incident.example_job_id).template_id == template.pk
    assert deliveries() == [("opened", "mail", "sent"), ("opened", "hook", "sent")]
    assert set(Job.objects.filter(kind="alert").values_list("merchant_id", flat=True)) == {
        PLATFORM_ID
    }

    [message] = mailbox.mails
    assert message["Subject"] == "[TaskFlow] Job failed for good: Nightly report"
    assert message["To"] == "team@shop.example"
    assert (
        f"https://flow.example/admin/alerts/incident/{incident.pk}/change/" in message.get_content()
    )

    [request] = receiver.requests
    delivery = Delivery.objects.get(channel=hook)
    assert request.headers["webhook-id"] == str(delivery.pk)
    told = Webhook(SECRET).verify(request.body, request.headers)
    assert told["type"] == "incident.opened"
    assert told["data"]["incidents"] == [str(incident.pk)]


def test_a_template_that_runs_again_is_told_as_recovered(shop, template, mail, mailbox, lane):
    make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop))
    tick()
    fail_many(template, 3)
    tick()
    work(lane)
    job = Job.objects.filter(template_id=template.pk, status="scheduled").latest("pk")
    Job.objects.filter(pk=job.pk).update(
        status="succeeded", finalized_at=database_now(), started_at=database_now()
    )
    tick()
    work(lane)
    tick()

    assert Incident.objects.get().state == "resolved"
    assert deliveries() == [("opened", "mail", "sent"), ("recovered", "mail", "sent")]
    assert mailbox.mails[1]["Subject"].startswith("[TaskFlow] Recovered: ")
