"""A handler's own retry policy holds for jobs and templates that name none."""

import pytest

from jobs.handlers.python_functions import Backoff, handler
from jobs.models import Job
from templates_app.models import Template
from tests.api.kit import noop


@handler("retries.own", max_attempts=9, backoff=Backoff(strategy="fixed", base=7))
async def own(context):
    """Do nothing, stubbornly."""


def stubborn(**fields):
    return {"kind": "python", "payload": {"handler": "retries.own"}, **fields}


@pytest.mark.parametrize("named", [{}, {"backoff": None}])
def test_job_that_names_no_policy_takes_its_handlers(api, named):
    job = api.send("/jobs", stubborn(**named)).json()
    bystander = api.send("/jobs", noop()).json()
    assert (job["max_attempts"], job["backoff"]["strategy"], job["backoff"]["base"]) == (
        9,
        "fixed",
        7,
    )
    assert (bystander["max_attempts"], bystander["backoff"]["strategy"]) == (5, "exponential")


def test_job_that_names_a_policy_keeps_it(api):
    job = api.send("/jobs", stubborn(max_attempts=2, backoff={"base": 3})).json()
    assert (job["max_attempts"], job["backoff"]["strategy"], job["backoff"]["base"]) == (
        2,
        "exponential",
        3,
    )


def test_jobs_of_a_batch_take_each_its_own(api):
    api.send("/jobs/batch", {"jobs": [stubborn(), noop(), stubborn(max_attempts=1)]})
    attempts = Job.objects.order_by("pk").values_list("max_attempts", flat=True)
    assert list(attempts) == [9, 5, 1]


def test_template_that_names_no_policy_takes_its_handlers(api):
    body = {
        "name": "Often",
        "recurrence": {"kind": "daily", "times": ["09:00"], "timezone": "UTC"},
        **stubborn(),
    }
    created = api.send("/templates", body)
    assert created.status_code == 201, created.content
    template = Template.objects.get()
    assert template.max_attempts == 9
    assert template.backoff is not None
    assert (template.backoff["strategy"], template.backoff["base"]) == ("fixed", 7)
    api.change(f"/templates/{template.pk}", {"max_attempts": 3})
    api.change(f"/templates/{template.pk}", {"payload": {"handler": "retries.own"}})
    template.refresh_from_db()
    assert template.max_attempts == 3
