"""From a job's end to a signed request that a receiver takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from alerts.models import WebhookDelivery, WebhookEvent
from jobs.models import Job
from jobs.outcomes import Failure, Result
from tests.factories.jobs import make_job
from tests.factories.webhooks import make_endpoint
from tests.integration.webhooks.kit import (
    Receiver,
    end_jobs,
    hand_on,
    is_signed_by,
    work,
)

pytestmark = pytest.mark.django_db
HTTP_400 = Failure(code="http_400", message="Secret 4711 of the target", detail="answered")


def test_a_jobs_end_reaches_the_endpoint_signed(valkey, merchant, bystander):
    endpoint = make_endpoint(merchant)
    make_endpoint(bystander)
    job = make_job(merchant=merchant, payload={"handler": "demo.noop", "arguments": {"a": "pw"}})
    receiver = Receiver()

    end_jobs(job)
    assert hand_on() == 1
    ended = work(receiver)

    [one] = receiver.received
    job.refresh_from_db()
    event = WebhookEvent.objects.get()
    assert [e.status for e in ended] == ["succeeded"]
    assert is_signed_by(one, endpoint.secret)
    assert not is_signed_by(one, "whsec_" + "QUFB" * 8)
    assert one.id == str(event.pk)
    assert one.body.decode() == event.body
    assert one.headers["content-type"] == "application/json"
    assert one.event["type"] == "job.succeeded"
    assert one.event["data"] == {
        "job_id": str(job.pk),
        "kind": "python",
        "status": "succeeded",
        "attempts": 1,
        "template_id": None,
        "occurrence_at": None,
        "created_at": one.event["data"]["created_at"],
        "finalized_at": one.event["data"]["finalized_at"],
        "error_code": None,
        "dead_letter_id": None,
    }
    assert b"pw" not in one.body
    assert WebhookDelivery.objects.get().job.status == "succeeded"


def documented_verify():
    """Return the function that docs/webhooks.md hands to readers."""
    page = (Path(__file__).resolve().parents[3] / "docs/webhooks.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verify"]


def test_the_documented_way_and_the_library_verify_what_is_sent(valkey, merchant):
    endpoint = make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    hand_on()
    receiver = Receiver()
    work(receiver)
    [one] = receiver.received
    verify = documented_verify()

    verify(endpoint.secret, one.headers, one.body)
    assert Webhook(endpoint.secret).verify(one.body, one.headers) == one.event
    with pytest.raises(ValueError, match="not signed"):
        verify(endpoint.secret, one.headers, one.body + b" ")
    with pytest.raises(ValueError, match="too old"):
        verify(endpoint.secret, {**one.headers, "webhook-timestamp": "1700000000"}, one.body)


def test_a_final_failure_is_told_as_failed_and_then_as_dead_lettered(valkey, merchant):
    make_endpoint(merchant)
    job = make_job(merchant=merchant)
    receiver = Receiver()

    end_jobs(job, result=Result.REJECTED, failure=HTTP_400)
    hand_on()
    work(receiver)

    assert receiver.types == ["job.failed", "job.dead_lettered"]
    data = receiver.received[1].event["data"]
    assert data["error_code"] == "http_400"
    assert data["dead_letter_id"] == str(job.dead_letters.get().pk)
    assert "4711" not in json.dumps(data)


def test_an_event_that_nobody_subscribes_to_is_not_kept(valkey, merchant, bystander):
    make_endpoint(merchant, events=["job.failed"])
    make_endpoint(bystander, active=False)
    jobs = [make_job(merchant=merchant), make_job(merchant=bystander), make_job()]

    end_jobs(*jobs)

    assert not WebhookEvent.objects.exists()
    assert hand_on() == 0
    assert not Job.objects.filter(kind="webhook").exists()


def test_the_platforms_deliveries_are_events_for_nobody(valkey, merchant):
    make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    hand_on()
    work(Receiver())

    assert hand_on() == 0
    assert WebhookEvent.objects.count() == 1


def test_a_delivery_that_is_not_answered_well_is_sent_again_byte_for_byte(valkey, merchant):
    endpoint = make_endpoint(merchant)
    end_jobs(make_job(merchant=merchant))
    hand_on()
    receiver = Receiver(lambda one: 500)
    [first] = work(receiver)
    assert first.status == "retryable"
    job = Job.objects.get(kind="webhook")
    wait = (job.scheduled_at - job.executions.get().finished_at).total_seconds()
    assert 5 <= wait <= 5.5

    Job.objects.filter(pk=job.pk).update(scheduled_at=job.run_at)
    receiver.answer = lambda one: 200
    [second] = work(receiver)

    assert second.status == "succeeded"
    one, other = receiver.received
    assert (one.id, one.body) == (other.id, other.body)
    assert is_signed_by(other, endpoint.secret)
