"""Huey's tasks on Redis."""

from huey import RedisHuey

from benchmarks.peers import work
from benchmarks.peers.peer import redis_url

huey = RedisHuey("bench", url=redis_url(), results=False)


@huey.task()
def noop() -> None:
    """Do nothing."""


@huey.task()
def post() -> None:
    """Do the request."""
    work.post()


@huey.task()
def stamp(created: float) -> None:
    """Write down when this started."""
    work.stamp(created)
