"""Jobs of kind `publish` by the API: checked at creation, secrets of headers and URLs kept."""

import pytest

from jobs.handlers.publish.destinations import CeleryQueue, RedisList
from jobs.models import DeadLetter, Job
from tests.api.kit import noop, pointers, problem
from tests.integration.dependencies.kit import end, settle
from tests.publish_kit import destination

URL = "redis://:hunter2@127.0.0.1:9/0"


def publish_job(**payload):
    return {"kind": "publish", "payload": {"destination": "mails", "json": {"to": 1}, **payload}}


@pytest.fixture
def destinations(settings, merchant):
    """Two destinations for all, one for the merchant."""
    settings.TASKFLOW_DESTINATIONS = {
        "mails": destination(URL, RedisList(key="m"), name="mails"),
        "shop": destination(URL, CeleryQueue(tasks=("shop.*",)), name="shop"),
        "own": destination(URL, RedisList(key="o"), name="own", merchants=frozenset({merchant.pk})),
    }


@pytest.mark.usefixtures("destinations")
def test_a_publish_job_is_stored_for_the_async_lane_under_its_destination(api):
    answer = api.send("/jobs", publish_job(headers={"shop": "7"}))
    assert answer.status_code == 201, answer.content
    job = Job.objects.get()
    assert (job.kind, job.handler, job.lane) == ("publish", "mails", "async")
    assert b"hunter2" not in answer.content


def test_without_destinations_the_kind_is_off(api):
    body = problem(api.send("/jobs", publish_job()), 400, "invalid_fields")
    assert pointers(body) == {("/payload/destination", "invalid_payload")}
    assert "this installation has none for you" in body["detail"]
    assert not Job.objects.exists()


@pytest.mark.usefixtures("destinations")
def test_an_unknown_destination_is_told_the_known_ones_and_no_url(api):
    answer = api.send("/jobs", publish_job(destination="nowhere"))
    body = problem(answer, 400, "invalid_fields")
    assert "use mails, own, shop." in body["detail"]
    assert b"hunter2" not in answer.content


@pytest.mark.usefixtures("destinations")
def test_a_destination_of_another_merchant_is_as_unknown_as_a_missing_one(api, stranger_api):
    assert api.send("/jobs", publish_job(destination="own")).status_code == 201
    foreign = problem(
        stranger_api.send("/jobs", publish_job(destination="own")), 400, "invalid_fields"
    )
    missing = problem(
        stranger_api.send("/jobs", publish_job(destination="nil")), 400, "invalid_fields"
    )
    assert foreign["detail"] == missing["detail"].replace("nil", "own")
    assert foreign["detail"].endswith("use mails, shop.")
    assert Job.objects.count() == 1


@pytest.mark.usefixtures("destinations")
def test_a_batch_names_the_faults_of_each_message(api):
    jobs = [publish_job(), publish_job(task="x"), publish_job(destination="shop", json=1)]
    body = problem(api.send("/jobs/batch", {"jobs": jobs}), 400, "invalid_fields")
    assert {pointer for pointer, _ in pointers(body)} == {
        "/jobs/1/payload/task",
        "/jobs/2/payload/json",
        "/jobs/2/payload/task",
    }


@pytest.mark.usefixtures("destinations")
def test_secret_headers_are_masked_and_kept_for_the_same_destination(api):
    created = api.send("/jobs", publish_job(headers={"api-token": "canary", "shop": "7"})).json()
    assert created["payload"]["headers"] == {"api-token": "***", "shop": "7"}
    edited = {**created["payload"], "json": {"to": 2}}
    assert api.change(f"/jobs/{created['id']}", {"payload": edited}).status_code == 200
    assert Job.objects.get().payload["headers"] == {"api-token": "canary", "shop": "7"}


@pytest.mark.usefixtures("destinations")
def test_a_mask_is_not_turned_into_the_secret_for_another_destination(api):
    created = api.send("/jobs", publish_job(headers={"api-token": "canary"})).json()
    edited = {"destination": "own", "json": 1, "headers": {"api-token": "***"}}
    body = problem(api.change(f"/jobs/{created['id']}", {"payload": edited}), 400, "invalid_fields")
    assert pointers(body) == {("/payload/headers/api-token", "masked_value")}
    assert Job.objects.get().payload["destination"] == "mails"


@pytest.mark.usefixtures("destinations")
def test_a_template_of_messages_is_checked_as_filled_in(api):
    template = {
        "name": "Close of day",
        "kind": "publish",
        "payload": {"destination": "shop", "task": "shop.close", "args": ["{{ occurrence }}"]},
        "recurrence": {"kind": "daily", "times": ["23:00"], "timezone": "Europe/Madrid"},
    }
    assert api.send("/templates", template).status_code == 201
    template["payload"] = {"destination": "nowhere", "task": "shop.close"}
    body = problem(api.send("/templates", template), 400, "invalid_fields")
    assert ("/payload/destination", "invalid_payload") in pointers(body)


@pytest.mark.usefixtures("destinations")
def test_a_destination_that_a_parent_names_must_be_the_merchants_own(api, stranger_api):
    draws = {**publish_job(destination="{{ parents.a.result }}"), "depends_on": [{"job": "a"}]}
    fates = []
    for sender, name in [(api, "own"), (stranger_api, "own"), (stranger_api, "nil")]:
        answer = sender.send("/jobs/batch", {"jobs": [noop(ref="a"), draws]})
        parent, child = (Job.objects.get(pk=job["id"]) for job in answer.json()["jobs"])
        end(parent, output=name)
        settle()
        child.refresh_from_db()
        message = DeadLetter.objects.filter(job=child).values_list("error_message", flat=True)
        fates.append((child.status, [each.replace("nil", "own") for each in message]))
    assert fates[0] == ("scheduled", [])
    assert fates[1] == fates[2]
    assert fates[1][0] == "failed"
