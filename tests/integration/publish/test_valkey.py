"""Publish jobs to a real Valkey: lists, streams, queues of kombu and of Celery."""

import asyncio
import json
import threading
from urllib.parse import urlsplit

import kombu
import pytest
from celery import Celery
from celery.app import app_or_default
from celery.contrib.testing.worker import start_worker

from jobs.handlers.publish.destinations import CeleryQueue, Exchange, RedisList, RedisStream
from jobs.outcomes import Result
from tests.publish_kit import (
    destination,
    failure,
    publish_attempt,
    publish_runner,
    published,
    run_publish,
)

BYSTANDER = "tests:bystander"


@pytest.fixture
def there(settings, redis_url, valkey):
    """Configure one destination `there` on the Valkey of this run."""
    valkey.rpush(BYSTANDER, "untouched")

    def configure(target, **changes):
        settings.TASKFLOW_DESTINATIONS = {
            "there": destination(redis_url, target, **changes),
            "elsewhere": destination(redis_url, RedisList(key=BYSTANDER), name="elsewhere"),
        }

    yield configure
    assert valkey.lrange(BYSTANDER, 0, -1) == [b"untouched"]


def assert_no_secret(outcome, redis_url):
    assert urlsplit(redis_url).password not in repr(outcome)
    assert "redis://" not in repr(outcome)


def test_list_gets_a_document_with_body_and_headers(there, valkey, redis_url):
    there(RedisList(key="tests:list"))
    attempt = publish_attempt({"json": {"order": 17, "name": "Ärger"}, "headers": {"shop": "1"}})
    outcome = published(attempt)
    assert outcome.result is Result.SUCCEEDED
    assert outcome.output | {"duration_ms": 0} == {
        "destination": "there",
        "type": "list",
        "message_id": str(attempt.job_id),
        "body_bytes": 28,
        "duration_ms": 0,
        "key": "tests:list",
        "length": 1,
    }
    (document,) = map(json.loads, valkey.lrange("tests:list", 0, -1))
    assert document["id"] == str(attempt.job_id)
    assert document["content_type"] == "application/json"
    assert document["body"] == {"order": 17, "name": "Ärger"}
    assert document["headers"] | {"traceparent": ""} == {
        "shop": "1",
        "Idempotency-Key": str(attempt.job_id),
        "X-TaskFlow-Job": str(attempt.job_id),
        "X-TaskFlow-Attempt": "1",
        "traceparent": "",
    }
    assert_no_secret(outcome, redis_url)


def test_list_keeps_the_end_that_was_configured(there, valkey):
    for push, order in (("left", ["second", "first"]), ("right", ["first", "second"])):
        there(RedisList(key=f"tests:{push}", push=push))
        for text in ("first", "second"):
            assert published(publish_attempt({"text": text})).result is Result.SUCCEEDED
        found = [json.loads(one)["body"] for one in valkey.lrange(f"tests:{push}", 0, -1)]
        assert found == order


def test_stream_gets_an_entry_and_says_its_id(there, valkey):
    there(RedisStream(key="tests:stream"))
    attempt = publish_attempt({"text": "hello", "headers": {"shop": "1"}}, number=2)
    outcome = published(attempt)
    ((entry, fields),) = valkey.xrange("tests:stream")
    assert outcome.output["entry_id"] == entry.decode()
    assert fields[b"body"] == b"hello"
    assert fields[b"content_type"] == b"text/plain"
    assert fields[b"id"] == str(attempt.job_id).encode()
    headers = json.loads(fields[b"headers"])
    assert headers["shop"] == "1"
    assert headers["X-TaskFlow-Attempt"] == "2"


def test_stream_is_kept_at_its_length(there, valkey):
    there(RedisStream(key="tests:stream", max_length=100))

    async def many():
        async with publish_runner() as runner:
            for number in range(300):
                outcome = await run_publish(runner, publish_attempt({"json": number}))
                assert outcome.result is Result.SUCCEEDED

    asyncio.run(many())
    assert 100 <= valkey.xlen("tests:stream") < 300


def test_kombu_reads_back_what_was_sent_to_its_queue(there, redis_url):
    there(Exchange(routing_key="tests.queue"))
    attempt = publish_attempt({"json": {"order": 17}, "headers": {"shop": "1"}})
    assert published(attempt).result is Result.SUCCEEDED
    with kombu.Connection(redis_url) as connection, connection.SimpleQueue("tests.queue") as queue:
        message = queue.get(timeout=10)
        message.ack()
    assert message.payload == {"order": 17}
    assert message.headers["shop"] == "1"
    assert message.headers["Idempotency-Key"] == str(attempt.job_id)
    assert message.properties["message_id"] == str(attempt.job_id)


def test_exchange_on_valkey_reaches_the_queues_that_are_bound(there, redis_url):
    there(Exchange(name="tests.orders", routing_key="paid"))
    with kombu.Connection(redis_url) as connection:
        exchange = kombu.Exchange("tests.orders", "direct")
        queue = kombu.Queue("tests.paid", exchange, routing_key="paid")(connection.default_channel)
        queue.declare()
        assert published(publish_attempt({"text": "for paid"})).result is Result.SUCCEEDED
        message = queue.get(no_ack=True)
    assert message is not None
    assert message.payload == "for paid"


def test_message_that_no_queue_takes_is_a_failure_that_may_be_mended(there):
    there(Exchange(name="tests.nobody", routing_key="paid"))
    outcome = published(publish_attempt({"text": "x"}))
    assert failure(outcome) == (Result.FAILED, "unroutable", "not_sent")
    there(Exchange(name="tests.nobody", routing_key="paid", mandatory=False))
    assert published(publish_attempt({"text": "x"})).result is Result.SUCCEEDED


@pytest.fixture
def estate(redis_url):
    """Another Celery application. Celery's test worker makes it the current one, so undo that."""
    ours = app_or_default()
    estate = Celery("estate", broker=redis_url, set_as_current=False)
    estate.conf.task_default_queue = "estate"
    estate.conf.worker_enable_remote_control = False
    yield estate
    ours.set_current()
    ours.set_default()
    estate.close()


def test_celery_worker_of_another_application_runs_the_task(there, estate):
    there(CeleryQueue(queue="estate", tasks=("estate.*",)))
    calls, called = [], threading.Event()

    @estate.task(name="estate.charge", bind=True)
    def charge(task, *args, **kwargs):
        calls.append((args, kwargs, task.request))
        called.set()

    attempt = publish_attempt(
        {
            "task": "estate.charge",
            "args": [17],
            "kwargs": {"currency": "EUR"},
            "headers": {"shop": "1"},
            "expires": 3600,
        }
    )
    outcome = published(attempt)
    assert outcome.output["task"] == "estate.charge"
    assert outcome.output["queue"] == "estate"
    with start_worker(estate, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        assert called.wait(30)
    ((args, kwargs, request),) = calls
    assert (args, kwargs) == ((17,), {"currency": "EUR"})
    assert request.id == str(attempt.job_id)
    assert request.shop == "1"
    assert request.get("X-TaskFlow-Attempt") == "1"
    assert request.expires is not None


def test_key_prefix_reaches_an_estate_that_has_one(there, valkey):
    there(CeleryQueue(queue="estate", tasks=("*",)), key_prefix="shop:")
    assert published(publish_attempt({"task": "any.task"})).result is Result.SUCCEEDED
    assert valkey.llen("shop:estate") == 1


def test_messages_share_one_connection(there, valkey):
    there(RedisList(key="tests:list"), connections=1)

    async def many():
        before = valkey.info("stats")["total_connections_received"]
        async with publish_runner() as runner:
            outcomes = await asyncio.gather(
                *(run_publish(runner, publish_attempt({"json": n})) for n in range(50))
            )
        assert {outcome.result for outcome in outcomes} == {Result.SUCCEEDED}
        return valkey.info("stats")["total_connections_received"] - before

    opened = asyncio.run(many())
    assert valkey.llen("tests:list") == 50
    assert opened <= 2  # kombu asks with one whether the server is there, and works with another


def test_connections_are_closed_with_the_runner(there, valkey):
    there(RedisList(key="tests:list"))
    before = valkey.info("clients")["connected_clients"]
    assert published(publish_attempt({"text": "x"})).result is Result.SUCCEEDED
    assert valkey.info("clients")["connected_clients"] == before


def test_connection_that_the_server_closed_is_replaced(there, valkey):
    there(RedisList(key="tests:list"))

    async def two():
        async with publish_runner() as runner:
            first = await run_publish(runner, publish_attempt({"text": "x"}))
            valkey.client_kill_filter(_type="normal", skipme=True)
            second = await run_publish(runner, publish_attempt({"text": "x"}))
        return first, second

    assert [outcome.result for outcome in asyncio.run(two())] == [Result.SUCCEEDED] * 2
