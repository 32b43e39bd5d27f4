"""Publish jobs to exchanges of kombu's in-memory transport: routing, and what is refused."""

import asyncio

import kombu
import pytest

from jobs.handlers.publish.destinations import Exchange
from jobs.outcomes import Result
from tests.publish_kit import (
    destination,
    failure,
    publish_attempt,
    publish_runner,
    published,
    run_publish,
)

MEMORY = "memory://"


@pytest.fixture
def queues(settings):
    """Bind queues to an exchange of memory; gives them by name."""
    with kombu.Connection(MEMORY) as connection:
        channel = connection.default_channel

        def bind(exchange_name, exchange_type, **bindings):
            exchange = kombu.Exchange(exchange_name, exchange_type)
            found = {}
            for name, routing_key in bindings.items():
                queue = kombu.Queue(f"{exchange_name}.{name}", exchange, routing_key=routing_key)
                found[name] = queue(channel)
                found[name].declare()
            target = Exchange(
                name=exchange_name,
                type=exchange_type,
                routing_key="order.paid",
                routing_keys=("order.*", "*"),
            )
            settings.TASKFLOW_DESTINATIONS = {"there": destination(MEMORY, target)}
            return found

        yield bind


def bodies(queue):
    found = []
    while (message := queue.get(no_ack=True)) is not None:
        found.append(message.payload)
    return found


def test_direct_exchange_reaches_the_queue_of_the_key(queues):
    bound = queues("direct", "direct", paid="order.paid", due="order.due")
    assert published(publish_attempt({"json": {"order": 17}})).result is Result.SUCCEEDED
    assert bodies(bound["paid"]) == [{"order": 17}]
    assert bodies(bound["due"]) == []


def test_topic_exchange_reaches_all_queues_that_match(queues):
    bound = queues("topic", "topic", all="order.#", due="order.due")
    for key in ("order.paid", "order.due"):
        attempt = publish_attempt({"text": key, "routing_key": key})
        assert published(attempt).result is Result.SUCCEEDED
    assert bodies(bound["all"]) == ["order.paid", "order.due"]
    assert bodies(bound["due"]) == ["order.due"]


def test_fanout_exchange_reaches_every_queue(queues):
    bound = queues("fanout", "fanout", one="", two="")
    assert published(publish_attempt({"text": "to all"})).result is Result.SUCCEEDED
    assert [bodies(queue) for queue in bound.values()] == [["to all"]] * 2


def test_message_without_a_queue_is_unroutable(queues):
    bound = queues("lonely", "direct", paid="order.paid")
    outcome = published(publish_attempt({"text": "x", "routing_key": "nobody"}))
    assert failure(outcome) == (Result.FAILED, "unroutable", "not_sent")
    assert bodies(bound["paid"]) == []


def test_concurrent_messages_each_arrive_once(queues):
    bound = queues("crowd", "direct", paid="order.paid")

    async def crowd():
        async with publish_runner() as runner:
            attempts = [publish_attempt({"json": number}) for number in range(100)]
            return await asyncio.gather(*(run_publish(runner, one) for one in attempts))

    assert {outcome.result for outcome in asyncio.run(crowd())} == {Result.SUCCEEDED}
    assert sorted(bodies(bound["paid"])) == list(range(100))
