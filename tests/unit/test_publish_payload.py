"""The payload of a publish job: every fault has its place and a remedy."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from jobs.handlers.kinds import InvalidPayload
from jobs.handlers.publish.destinations import (
    CeleryQueue,
    Exchange,
    RedisList,
    RedisStream,
    Target,
)
from jobs.handlers.publish.message import build_message
from jobs.handlers.publish.payload import parse_payload
from jobs.handlers.registry import ASYNC, find_kind, validate_payload
from tests.handlers_kit import make_attempt
from tests.publish_kit import destination

URL = "redis://:hunter2@127.0.0.1:9/0"
TARGETS: dict[str, Target] = {
    "orders": Exchange(name="orders", routing_key="due", routing_keys=("due", "order.*")),
    "fixed": Exchange(name="fixed", routing_key="due"),
    "queues": Exchange(routing_keys=("mail.*",)),
    "list": RedisList(key="l"),
    "stream": RedisStream(key="s"),
    "shop": CeleryQueue(tasks=("shop.*",)),
}
KNOWN = {name: destination(URL, target, name=name) for name, target in TARGETS.items()}
SECRET = replace(KNOWN["list"], name="secret", merchants=frozenset({UUID(int=7)}))


def problems(payload, known=KNOWN):
    with pytest.raises(InvalidPayload) as refused:
        parse_payload(payload, known)
    assert "hunter2" not in str(refused.value)
    return [(problem.pointer, problem.message) for problem in refused.value.problems]


@pytest.mark.parametrize(
    "payload",
    [
        {"destination": "orders", "json": None},
        {"destination": "orders", "json": {"a": 1}, "routing_key": "order.paid"},
        {"destination": "orders", "json": {"a": 1}, "routing_key": "due"},
        {"destination": "fixed", "text": "", "routing_key": "due"},
        {"destination": "queues", "text": "x", "routing_key": "mail.de"},
        {"destination": "list", "text": "x", "headers": {"a-b_c.D": "Ärger"}},
        {"destination": "list", "text": "x", "headers": dict.fromkeys("abcd", "x" * 8000)},
        {"destination": "orders", "json": 1, "routing_key": "order." + "ü" * 124},
        {"destination": "stream", "json": [1]},
        {"destination": "shop", "task": "shop.close"},
        {"destination": "shop", "task": "shop.close", "args": [1], "kwargs": {"a": 1}},
        {"destination": "shop", "task": "shop.close", "expires": 0.5},
    ],
)
def test_payload_that_fits_is_taken(payload):
    order = parse_payload(payload, KNOWN)
    assert order.destination is KNOWN[payload["destination"]]


@pytest.mark.parametrize(
    ("payload", "pointer", "sentence"),
    [
        (None, "", "must be an object."),
        ({"json": 1}, "/destination", "is required; add it."),
        ({"destination": 5, "json": 1}, "/destination", "must be a string."),
        ({"destination": "list"}, "/json", 'is required; add it, or "text".'),
        ({"destination": "list", "json": 1, "text": "x"}, "/text",
         'cannot be combined with "json"; send one body.'),
        ({"destination": "list", "json": 1, "body": 2}, "/body", "is not known here; remove it."),
        ({"destination": "list", "json": 1, "routing_key": "x"}, "/routing_key",
         "means nothing to a list; remove it."),
        ({"destination": "list", "json": 1, "task": "x"}, "/task",
         'is for Celery, and "list" is a list; remove it.'),
        ({"destination": "fixed", "json": 1, "routing_key": "x"}, "/routing_key",
         "is set by the operators here; remove it."),
        ({"destination": "orders", "json": 1, "routing_key": "x"}, "/routing_key",
         "is not allowed here; use due, order.*."),
        ({"destination": "queues", "json": 1}, "/routing_key", "is required; use mail.*."),
        ({"destination": "shop"}, "/task", "is required; name the Celery task."),
        ({"destination": "shop", "task": "os.system"}, "/task",
         "is not a task that may be called here; use shop.*."),
        ({"destination": "shop", "task": "shop.x", "json": 1}, "/json",
         'means nothing to a Celery task; use "args" and "kwargs".'),
        ({"destination": "shop", "task": "shop.x", "expires": 0}, "/expires",
         "must be more than 0."),
        ({"destination": "shop", "task": "shop.x", "args": {}}, "/args", "must be a list."),
        ({"destination": "shop", "task": "shop.\x00"}, "/task",
         "must have at most 255 bytes, without control characters."),
        ({"destination": "orders", "json": 1, "routing_key": "order." + "ü" * 125}, "/routing_key",
         "must have at most 255 bytes, without control characters."),
        ({"destination": "list", "text": "x", "headers": dict.fromkeys("abcde", "x" * 7000)},
         "/headers", "must have at most 32 KiB together."),
        ({"destination": "list", "text": "x", "headers": {"a": 1}}, "/headers/a",
         "must be a string."),
        ({"destination": "list", "text": "x", "headers": {"a b": "1"}}, "/headers/a b",
         "is not a header name; use letters, digits, dots, hyphens and underscores."),
        ({"destination": "list", "text": "x", "headers": {"a": "1\n2"}}, "/headers/a",
         "must not hold control characters or line breaks; encode them."),
        ({"destination": "list", "text": "x", "headers": {"a": "1", "A": "2"}}, "/headers/A",
         "is given twice, in different spellings; keep one."),
        ({"destination": "shop", "task": "shop.x", "headers": {"ETA": "1"}}, "/headers/ETA",
         "belongs to Celery's protocol; choose another name."),
    ],
)  # fmt: skip
def test_fault_is_named_at_its_place(payload, pointer, sentence):
    assert problems(payload) == [(pointer, sentence)]


@pytest.mark.parametrize(
    "name",
    ["CC", "bcc", "compression", "Idempotency-Key", "X-TaskFlow-Job", "traceparent", "x-death"],
)
def test_header_that_brokers_or_taskflow_own_is_refused(name):
    ((pointer, sentence),) = problems(
        {"destination": "orders", "json": 1, "headers": {name: "other.queue"}}
    )
    assert pointer == f"/headers/{name}"
    assert sentence == "is set by TaskFlow or read by brokers; remove it."


def test_unknown_destination_is_refused_with_the_known_ones():
    ((pointer, sentence),) = problems({"destination": "nowhere", "json": 1})
    assert pointer == "/destination"
    assert sentence == (
        'is not a known destination ("nowhere"); use fixed, list, orders, queues, shop, stream.'
    )


def test_destination_of_some_merchants_is_not_told_to_others():
    known = {"secret": SECRET, "list": KNOWN["list"]}
    ((_, sentence),) = problems({"destination": "nowhere", "json": 1}, known)
    assert sentence.endswith("use list.")
    ((_, sentence),) = problems({"destination": "nowhere", "json": 1}, {"secret": SECRET})
    assert "secret" not in sentence


def test_without_destinations_the_kind_says_that_it_is_off():
    with pytest.raises(InvalidPayload, match="this installation has none") as refused:
        validate_payload("publish", {"destination": "orders", "json": 1})
    assert refused.value.problems[0].pointer == "/destination"


@pytest.mark.parametrize(
    "payload",
    [
        {"destination": "list", "json": float("nan")},
        {"destination": "list", "text": "\ud800"},
        {"destination": "shop", "task": "shop.x", "args": ["\ud800"]},
        {"destination": "shop", "task": "shop.x", "kwargs": {"a": float("inf")}},
    ],
)
def test_body_that_is_no_json_or_no_text_is_refused(payload):
    ((pointer, _),) = problems(payload)
    assert pointer in ("", "/json", "/text", "/args", "/kwargs")


def test_kind_is_measured_and_filtered_by_destination():
    kind = find_kind("publish")
    payload = {"destination": "orders", "json": 1}
    assert (kind.lane(payload), kind.handler(payload)) == (ASYNC, "orders")


def test_all_attempts_of_a_job_send_the_same_message_but_for_the_attempt():
    payload = {"destination": "list", "json": {"a": 1}, "headers": {"shop": "7"}}
    first = make_attempt(payload)
    second = replace(first, number=2)
    order = parse_payload(payload, KNOWN)
    one, two = build_message(order, first), build_message(order, second)
    assert (one.id, one.body, one.properties) == (two.id, two.body, two.properties)
    changed = {name for name in one.headers if one.headers[name] != two.headers[name]}
    assert changed == {"X-TaskFlow-Attempt", "traceparent"}


def test_celery_task_expires_by_the_clock_of_the_attempt():
    payload = {"destination": "shop", "task": "shop.x", "expires": 60}
    attempt = make_attempt(payload, started_at=datetime(2030, 1, 1, tzinfo=UTC))
    message = build_message(parse_payload(payload, KNOWN), attempt)
    assert message.headers["expires"] == "2030-01-01T00:01:00+00:00"
    assert message.headers["id"] == str(attempt.job_id)
    assert json.loads(message.body)[:2] == [[], {}]
    assert message.headers["origin"] == "taskflow"
