"""dramatiq's actors on Redis."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers import work
from benchmarks.peers.peer import redis_url

broker = RedisBroker(url=redis_url())
dramatiq.set_broker(broker)


@dramatiq.actor
def noop() -> None:
    """Do nothing."""


@dramatiq.actor
def post() -> None:
    """Do the request."""
    work.post()


@dramatiq.actor
def stamp(created: float) -> None:
    """Write down when this started."""
    work.stamp(created)
