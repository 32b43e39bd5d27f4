"""Raw Celery on Redis, with the pool that is asked for."""

from collections.abc import Sequence

import redis

from benchmarks.peers.peer import Slots, Work, command, redis_url

FLAGS = ("-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")


class CeleryOnRedis:
    """Messages in Redis, taken early (Celery's default), results ignored."""

    durability = (
        "Nothing on disk: jobs are lost with Redis. A task is acknowledged before it runs, so the "
        "one that a killed worker ran is lost; those it had fetched ahead come back after an hour "
        "(visibility timeout)."
    )
    packages: Sequence[str] = ("celery", "kombu", "redis")

    def __init__(self, pool: str) -> None:
        self.pool = pool
        self.title = f"Celery, {pool}"
        self.configuration = f"pool {pool}, prefetch multiplier 64, results ignored"
        self._redis = redis.Redis.from_url(redis_url())

    def prepare(self) -> None:
        """Nothing to make."""

    def workers(self, slots: Slots) -> list[list[str]]:
        app = ("-A", "benchmarks.peers.celery_tasks")
        pool = ("-P", self.pool, "-c", str(slots.forks if self.pool == "prefork" else slots.total))
        return [command("celery", *app, "worker", *pool, *FLAGS)]

    def enqueue(self, work: Work, jobs: int) -> None:
        from benchmarks.peers import celery_tasks

        task = getattr(celery_tasks, work)
        for _ in range(jobs):
            task.delay()

    def enqueue_stamp(self, created: float) -> None:
        from benchmarks.peers.celery_tasks import stamp

        stamp.delay(created)

    def unfinished(self) -> bool:
        with self._redis.pipeline() as pipe:
            pipe.llen("celery")
            pipe.hlen("unacked")
            waiting, taken = pipe.execute()
        return bool(waiting or taken)
