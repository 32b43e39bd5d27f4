"""/webhook-endpoints, /webhook-deliveries, /webhook-events."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks.operations import endpoints as operations
from jobs.models import Job
from tenants.clock import database_now
from tenants.platform import platform_merchant
from tests.api.kit import client_of, pointers, problem
from tests.factories.jobs import make_job
from tests.factories.templates import make_template
from tests.factories.webhooks import make_delivery, make_endpoint

ENDPOINT = {"url": "https://hooks.example/taskflow", "events": ["job.failed", "template.*"]}
DOCUMENT = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text(encoding="utf-8")
)


def is_of_shape(answer, name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)
    if name in DOCUMENT["components"]["schemas"] and not name.startswith("Paginated"):
        assert set(answer) == set(DOCUMENT["components"]["schemas"][name]["properties"])
    return answer


def test_an_endpoint_shows_its_secret_once(api):
    answer = api.send("/webhook-endpoints", ENDPOINT)
    assert answer.status_code == 201, answer.content
    created = is_of_shape(answer.json(), "WebhookEndpointWithSecret")
    assert created["secret"] == WebhookEndpoint.objects.get().secret
    assert created["secret"].startswith("whsec_")
    read = api.read(f"/webhook-endpoints/{created['id']}")
    is_of_shape(read.json(), "WebhookEndpoint")
    listed = is_of_shape(api.read("/webhook-endpoints").json(), "PaginatedWebhookEndpointList")
    assert b"whsec_" not in read.content
    assert listed["results"] == [read.json()]
    assert (read.json()["state"], read.json()["active"]) == ("active", True)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"url": "http://127.0.0.1/x"}, "/url", "address_denied"),
        ({"url": "http://169.254.169.254/"}, "/url", "address_denied"),
        ({"url": "https://internal/"}, "/url", "address_denied"),
        ({"url": "ftp://hooks.example/"}, "/url", "invalid_url"),
        ({"url": "https://me:pw@hooks.example/"}, "/url", "invalid_url"),
        ({"url": 7}, "/url", "wrong_type"),
        ({"events": []}, "/events", "required"),
        ({"events": ["job.done"]}, "/events/0", "not_allowed"),
        ({"events": "job.*"}, "/events", "wrong_type"),
        ({"kind": "webhook"}, "/kind", "not_allowed"),
        ({"template_id": "x"}, "/template_id", "invalid_id"),
        ({"active": "yes"}, "/active", "wrong_type"),
        ({"secret": "whsec_x"}, "/secret", "unknown_field"),
    ],
)
def test_what_cannot_be_is_refused_by_name(api, change, pointer, code):
    body = problem(api.send("/webhook-endpoints", {**ENDPOINT, **change}), 400, "invalid_fields")
    assert pointers(body) == {(pointer, code)}
    assert not WebhookEndpoint.objects.exists()


def test_url_and_events_are_required(api):
    body = problem(api.send("/webhook-endpoints", {}), 400, "invalid_fields")
    assert pointers(body) == {("/url", "required"), ("/events", "required")}


def test_a_filter_names_ones_own_template(api, merchant, stranger):
    own, foreign = make_template(merchant=merchant), make_template(merchant=stranger)
    refused = api.send("/webhook-endpoints", {**ENDPOINT, "template_id": str(foreign.pk)})
    assert pointers(problem(refused, 400, "invalid_fields")) == {("/template_id", "not_found")}
    taken = api.send("/webhook-endpoints", {**ENDPOINT, "template_id": str(own.pk)})
    assert taken.json()["template_id"] == str(own.pk)


def test_there_is_a_most(api, merchant, monkeypatch):
    monkeypatch.setattr(operations, "MOST_ENDPOINTS", 1)
    kept = make_endpoint(merchant)
    problem(api.send("/webhook-endpoints", ENDPOINT), 429, "quota_exceeded")
    assert api.call("DELETE", f"/webhook-endpoints/{kept.pk}").status_code == 204
    assert api.send("/webhook-endpoints", ENDPOINT).status_code == 201


def test_the_platform_has_none(db):
    problem(
        client_of(platform_merchant()).send("/webhook-endpoints", ENDPOINT), 403, "platform_owned"
    )


def test_an_endpoint_is_edited_switched_off_enabled_and_deleted(api, merchant):
    endpoint = make_endpoint(merchant)
    path = f"/webhook-endpoints/{endpoint.pk}"
    edited = api.change(path, {"url": "https://new.example/x", "active": False, "kind": "http"})
    endpoint.refresh_from_db()
    assert (edited.json()["state"], endpoint.host, endpoint.kind) == ("off", "new.example", "http")
    assert problem(api.send(f"{path}/test"), 409, "endpoint_off")
    assert api.send(f"{path}/enable").json()["state"] == "active"
    problem(api.change(path, {}), 400, "invalid_fields")
    assert api.call("DELETE", path).status_code == 204
    problem(api.read(path), 404, "not_found")
    assert api.read("/webhook-endpoints").json()["results"] == []
    problem(api.send(f"{path}/enable"), 404, "not_found")


def test_rotation_shows_the_new_secret_and_how_long_the_old_one_holds(api, merchant):
    endpoint = make_endpoint(merchant)
    path = f"/webhook-endpoints/{endpoint.pk}/rotate-secret"
    rotated = is_of_shape(api.send(path).json(), "WebhookEndpointWithSecret")
    assert rotated["secret"] != endpoint.secret
    assert rotated["old_secret_until"] is not None
    at_once = api.send(path, {"overlap": 0}).json()
    assert at_once["old_secret_until"] is None
    problem(api.send(path, {"overlap": 10**9}), 400, "invalid_fields")


def test_a_test_is_a_delivery_that_can_be_followed(api, merchant):
    endpoint = make_endpoint(merchant)
    sent = api.send(f"/webhook-endpoints/{endpoint.pk}/test")
    assert sent.status_code == 201, sent.content
    delivery = is_of_shape(sent.json(), "WebhookDelivery")
    assert (delivery["type"], delivery["state"]) == ("webhook_endpoint.test", "waiting")
    detail = api.read(f"/webhook-deliveries/{delivery['id']}").json()
    is_of_shape(detail, "WebhookDeliveryWithHistory")
    assert (detail["history"], detail["attempts"]) == ([], 0)
    event = api.read(f"/webhook-events/{delivery['event_id']}").json()
    is_of_shape(event, "WebhookEvent")
    assert event["body"]["data"] == {"endpoint_id": str(endpoint.pk)}
    assert event["body"] == json.loads(WebhookEvent.objects.get().body)


def test_lists_are_narrowed(api, merchant, stranger):
    one, other = make_endpoint(merchant), make_endpoint(merchant)
    mine = [make_delivery(endpoint) for endpoint in (one, other)]
    make_delivery(make_endpoint(stranger))
    Job.objects.filter(pk=mine[0].job_id).update(priority=6)

    def ids(query):
        return [row["id"] for row in api.read(f"/webhook-deliveries{query}").json()["results"]]

    assert ids("") == [str(row.pk) for row in reversed(mine)]
    assert ids(f"?endpoint={one.pk}") == [str(mine[0].pk)]
    assert ids(f"?event={mine[1].event_id}") == [str(mine[1].pk)]
    assert len(ids("?state=waiting,retrying")) == 2
    assert ids("?state=succeeded") == []
    events = api.read("/webhook-events?type=job.failed").json()["results"]
    assert len(events) == 2
    assert api.read("/webhook-events?type=job.succeeded").json()["results"] == []
    problem(api.read("/webhook-deliveries?state=lost"), 400, "invalid_parameters")


def test_redelivery_since_a_moment_wants_one_in_reach(api, merchant):
    path = f"/webhook-endpoints/{make_endpoint(merchant).pk}/redeliver"
    for body in ({}, {"since": "2020-01-01T00:00:00Z"}, {"since": "2999-01-01T00:00:00Z"}):
        assert pointers(problem(api.send(path, body), 400, "invalid_fields"))
    now = database_now().isoformat()
    assert api.send(path, {"since": now}).json() == {"redelivered": 0, "more": False}


def test_what_cannot_be_sent_again_says_why(api, merchant):
    endpoint = make_endpoint(merchant)
    sending, forgotten, off = (make_delivery(endpoint) for _ in range(3))
    under_way = make_job(status="running", attempt=1)
    WebhookDelivery.objects.filter(pk=sending.pk).update(job=under_way)
    Job.objects.filter(pk=forgotten.job_id).delete()
    WebhookEvent.objects.filter(pk=forgotten.event_id).delete()

    def again(delivery):
        return api.send(f"/webhook-deliveries/{delivery.pk}/redeliver")

    problem(again(sending), 409, "delivery_under_way")
    problem(again(forgotten), 409, "event_forgotten")
    told = api.read(f"/webhook-deliveries/{forgotten.pk}").json()
    assert (told["state"], told["type"], told["attempts"]) == ("forgotten", "", 0)
    WebhookEndpoint.objects.update(active=False)
    problem(again(off), 409, "endpoint_off")


def test_one_delivery_is_sent_again(api, merchant):
    delivery = make_delivery(make_endpoint(merchant))
    again = api.send(f"/webhook-deliveries/{delivery.pk}/redeliver")
    assert again.status_code == 200, again.content
    assert again.json()["id"] == str(delivery.pk)
    assert WebhookDelivery.objects.count() == 1
