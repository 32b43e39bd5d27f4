"""django-q2 on its Redis broker, the fastest of those that it documents."""

import os

import redis

from benchmarks.peers import work as works
from benchmarks.peers.django_settings import migrate
from benchmarks.peers.peer import Slots, Work, command, redis_url
from benchmarks.peers.rq_tasks import noop
from benchmarks.peers.stamps import Stamps


class DjangoQ2:
    """A cluster of processes."""

    title = "django-q2"
    configuration = "Redis broker, processes, successes not stored, no recycling, scheduler off"
    durability = (
        "Nothing on disk but failures: jobs are lost with Redis, and those that a killed cluster "
        "had taken (its Redis broker has no receipts)."
    )
    packages = ("django-q2", "django", "redis", "psycopg")

    def __init__(self) -> None:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.peers.django_settings")
        self._redis = redis.Redis.from_url(redis_url())
        self._stamps = Stamps()

    def prepare(self) -> None:
        migrate()

    def workers(self, slots: Slots) -> list[list[str]]:
        os.environ["BENCH_WORKERS"] = str(slots.forks)
        return [command("django", "qcluster")]

    def enqueue(self, work: Work, jobs: int) -> None:
        from django_q.brokers import get_broker
        from django_q.tasks import async_task

        # One broker for all: without it each call makes a connection.
        broker = get_broker()
        function = noop if work == "noop" else works.post
        for _ in range(jobs):
            async_task(function, broker=broker)
        # What a cluster has taken is seen by nobody until it ends.
        self.enqueue_stamp(0.0)

    def enqueue_stamp(self, created: float) -> None:
        from django_q.tasks import async_task

        async_task(works.stamp, created)
        self._stamps.sent()

    def unfinished(self) -> bool:
        return bool(self._redis.llen("django_q:bench:q")) or self._stamps.missing()
