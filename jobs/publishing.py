"""Everything that goes to the broker. All of it is hints: losing any of it loses no job.

A message carries job ids and tickets only; the task is named, never imported.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import KombuError
from redis.client import PubSub

logger = logging.getLogger(__name__)

EXECUTE = "jobs.execute"
_WAKE = "taskflow:wake"
_INCARNATION = "taskflow:incarnation"
# After a failed hint the next ones are left out for so long: a frozen broker must not hold requests.
_SILENCE = 1.0
_silent_until = 0.0
# Below the socket's timeout, so that a quiet broker is not taken for a dead one.
_LONGEST_WAIT = 2.0


class BrokerUnavailable(Exception):
    """The broker did not take the messages for certain; some may have arrived all the same."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One broker message: jobs of one lane, in the order they shall start."""

    lane: str
    tickets: tuple[tuple[UUID, int], ...]


def publish(messages: Sequence[Message]) -> None:
    """Send the messages in one pipelined round trip. Raises BrokerUnavailable."""
    try:
        with current_app.producer_or_acquire() as producer, producer.batch(max_size=1000):
            for message in messages:
                current_app.send_task(
                    EXECUTE,
                    args=[[[str(job_id), ticket] for job_id, ticket in message.tickets]],
                    queue=message.lane,
                    producer=producer,
                    retry=False,
                    ignore_result=True,
                )
    except (KombuError, redis.RedisError, OSError) as error:
        raise BrokerUnavailable(str(error)) from error


def wake() -> None:
    """Tell the populator that there may be due work. Never raises, takes 0.25 s at the most.

    A lost hint costs one poll interval.
    """
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        _hints().publish(_WAKE, b"")
    except (redis.RedisError, OSError) as error:
        _silent_until = time.monotonic() + _SILENCE
        logger.warning("The populator was not woken: %s", error)


def wait_for_wake(seconds: float) -> None:
    """Return when somebody woke the populator, or after `seconds`, whatever comes first."""
    until = time.monotonic() + min(seconds, _LONGEST_WAIT)
    try:
        listener = _listener()
        # The client's clock, not BLPOP's: the server looks at its timeouts ten times a second, and
        # would be up to 0.1 s late for a job's exact moment.
        while (left := until - time.monotonic()) > 0:
            if listener.get_message(ignore_subscribe_messages=True, timeout=left) is not None:
                break
        while listener.get_message(ignore_subscribe_messages=True, timeout=0) is not None:
            pass  # one look serves all hints that came until now
    except (redis.RedisError, OSError) as error:
        logger.warning("Cannot listen for hints, polling instead: %s", error)
        _listener.cache_clear()
        time.sleep(max(0.0, until - time.monotonic()))


def broker_incarnation() -> str:
    """Return the mark that the broker carries, leaving one where there is none.

    A changed mark means that the broker was flushed or replaced and has lost its messages.
    Raises BrokerUnavailable.
    """
    fresh = uuid4().hex
    try:
        found = _waiter().set(_INCARNATION, fresh, nx=True, get=True)
    except (redis.RedisError, OSError) as error:
        raise BrokerUnavailable(str(error)) from error
    return found.decode() if isinstance(found, bytes) else fresh


def ping() -> bool:
    """Tell whether the broker answers within a quarter of a second."""
    try:
        return bool(_hints().ping())
    except (redis.RedisError, OSError):
        return False


@cache
def _hints() -> redis.Redis:
    """For requests: gives up quickly, never retries."""
    return _client(socket_timeout=0.25, socket_connect_timeout=0.25)


@cache
def _listener() -> PubSub:
    listener: PubSub = _waiter().pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe(_WAKE)
    return listener


@cache
def _waiter() -> redis.Redis:
    """For the populator's loop: outlives the longest wait."""
    return _client(socket_timeout=5.0, socket_connect_timeout=1.0)


def _client(**timeouts: float) -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, retry=None, **timeouts)
