"""The four ways of handing a message to a broker, over an open kombu channel."""

from dataclasses import dataclass
from typing import Any

from kombu import Producer
from kombu.transport import virtual

from jobs.handlers.publish.destinations import (
    CeleryQueue,
    Exchange,
    RedisList,
    RedisStream,
    Target,
)
from jobs.handlers.publish.message import Message


class Unroutable(Exception):
    """No queue takes what is sent to this exchange with this routing key."""


@dataclass(frozen=True)
class Receipt:
    """What the broker said, or was told; kept as a part of the job's result."""

    facts: dict[str, Any]


def deliver(channel: Any, target: Target, message: Message, routing_key: str) -> Receipt:
    """Send the message and wait for the broker's confirmation.

    AMQP confirms by its publisher confirms; Redis by the answer to the command. Raises Unroutable,
    and what the drivers raise.
    """
    match target:
        case Exchange():
            return _to_exchange(channel, target, message, routing_key)
        case CeleryQueue():
            return _to_celery(channel, target, message)
        case RedisList():
            return _to_list(channel, target, message)
        case RedisStream():
            return _to_stream(channel, target, message)


def _to_exchange(channel: Any, target: Exchange, message: Message, routing_key: str) -> Receipt:
    if target.name and isinstance(channel, virtual.Channel):
        _look_for_queues(channel, target, routing_key)
    _publish(channel, message, target.name, routing_key, mandatory=target.mandatory)
    return Receipt({"exchange": target.name, "routing_key": routing_key})


def _to_celery(channel: Any, target: CeleryQueue, message: Message) -> Receipt:
    # As Celery itself does: by the unnamed exchange, straight to the queue.
    _publish(channel, message, "", target.queue, mandatory=True)
    return Receipt({"queue": target.queue, "task": message.headers["task"]})


def _to_list(channel: Any, target: RedisList, message: Message) -> Receipt:
    with channel.conn_or_acquire() as client:
        push = client.lpush if target.push == "left" else client.rpush
        length = push(target.key, message.document())
    return Receipt({"key": target.key, "length": int(length)})


def _to_stream(channel: Any, target: RedisStream, message: Message) -> Receipt:
    with channel.conn_or_acquire() as client:
        entry = client.xadd(
            target.key, message.fields(), maxlen=target.max_length, approximate=True
        )
    return Receipt({"key": target.key, "entry_id": entry.decode()})


def _publish(
    channel: Any, message: Message, exchange: str, routing_key: str, *, mandatory: bool
) -> None:
    properties: dict[str, Any] = {**message.properties}
    Producer(channel, auto_declare=False).publish(
        message.body,
        exchange=exchange,
        routing_key=routing_key,
        content_type=message.content_type,
        content_encoding="utf-8",
        headers=message.headers,
        mandatory=mandatory,
        **properties,
    )


def _look_for_queues(channel: virtual.Channel, target: Exchange, routing_key: str) -> None:
    """Say what type the exchange has, which a virtual transport keeps per process; and, since it
    drops silently what no queue takes, look for one."""
    if target.name not in channel.get_exchanges():
        channel.exchange_declare(exchange=target.name, type=target.type)
    if not target.mandatory or target.type == "fanout":
        return
    bound = channel.typeof(target.name).lookup(
        channel.get_table(target.name), target.name, routing_key, None
    )
    if not [queue for queue in bound if queue]:
        raise Unroutable
