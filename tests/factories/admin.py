"""What the admin's tests share: logged-in browsers, rows of history, and the words on a page."""

from typing import Any

from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from jobs.models import DeadLetter, Execution, Job
from tenants.models import User
from tests.factories.jobs import NOW, SECOND, make_job

HTTP_PAYLOAD = {
    "method": "POST",
    "url": "https://shop.example/orders",
    "headers": {"Authorization": "Bearer s3cret", "X-Plain": "plain"},
    "json": {"order": 7},
}


def browser_of(user: User, **settings: Any) -> Client:
    """Return a logged-in browser."""
    client = Client(**settings)
    client.force_login(user)
    return client


def make_execution(job: Job, **overrides: Any) -> Execution:
    """Return a stored attempt of the job that failed with a 500."""
    values: dict[str, Any] = {
        "job": job,
        "merchant_id": job.merchant_id,
        "number": 1,
        "outcome": "failed",
        "scheduled_at": NOW,
        "queued_at": NOW,
        "started_at": NOW,
        "finished_at": NOW + SECOND,
        "http_status": 500,
        "error_code": "http_500",
        "error_message": "The target answered 500.",
        "output": {"status": 500, "body": "broken"},
        "log": ["first line", "second line"],
    }
    return Execution.objects.create(**{**values, **overrides})


def make_dead_letter(**overrides: Any) -> DeadLetter:
    """Return the open dead letter of a stored failed http job."""
    payload = overrides.pop("payload", HTTP_PAYLOAD)
    letter = overrides.pop("letter", {})
    job = make_job(status="failed", kind="http", handler="", payload=payload, **overrides)
    DeadLetter.objects.filter(job=job).update(**letter)
    return DeadLetter.objects.get(job=job)


def list_url(model: str, **parameters: str) -> str:
    """Return the address of a list of the jobs app."""
    return reverse(f"admin:jobs_{model}_changelist", query=parameters or None)


def page_url(model: str, row: Any, verb: str = "change") -> str:
    """Return the address of a row's page, or of one of its verbs; `row` is a row or an id."""
    name = f"admin:jobs_{model}_{verb}"
    return reverse(name, args=[getattr(row, "pk", row)])


def text_of(response: Any) -> str:
    """Return the page's source."""
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def messages_of(response: Any) -> list[str]:
    """Return what the request told the person."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def confirm(browser: Client, address: str, **fields: str) -> Any:
    """Answer a dialog as unfold's script does."""
    return browser.post(
        address, {"_form_submitted": "on", **fields}, headers={"HX-Request": "true"}
    )
