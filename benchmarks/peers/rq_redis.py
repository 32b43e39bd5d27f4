"""RQ on Redis: a pool of workers, one process each."""

import redis
from rq import Queue
from rq.registry import StartedJobRegistry

from benchmarks.peers import work as works
from benchmarks.peers.peer import Slots, Work, command, redis_url
from benchmarks.peers.rq_tasks import noop

TOGETHER = 500


class Rq:
    """Its documentation advises `Worker`, which forks for each job, and `SimpleWorker`, which does
    not, for jobs of a few milliseconds that are trusted: both are measured.
    """

    durability = (
        "Nothing on disk: jobs are lost with Redis. What a killed worker ran is found later and "
        "marked failed, not run again unless told."
    )
    packages = ("rq", "redis")

    def __init__(self, worker: str) -> None:
        self.worker = worker
        forks = "a fork for each job" if worker == "Worker" else "no fork"
        self.title = f"RQ, {worker}"
        self.configuration = f"worker-pool of {worker} ({forks}), enqueue_many, results not kept"
        self._redis = redis.Redis.from_url(redis_url())
        self._queue = Queue(connection=self._redis)
        self._started = StartedJobRegistry(queue=self._queue)

    def prepare(self) -> None:
        """Nothing to make."""

    def workers(self, slots: Slots) -> list[list[str]]:
        pool = ("worker-pool", "--quiet", "--num-workers", str(slots.forks))
        which = ("--url", redis_url(), "--worker-class", f"rq.worker.{self.worker}", "default")
        return [command("rq.cli", *pool, *which)]

    def enqueue(self, work: Work, jobs: int) -> None:
        function = noop if work == "noop" else works.post
        for begin in range(0, jobs, TOGETHER):
            count = min(TOGETHER, jobs - begin)
            self._queue.enqueue_many(
                [Queue.prepare_data(function, result_ttl=0, timeout=60) for _ in range(count)]
            )

    def enqueue_stamp(self, created: float) -> None:
        self._queue.enqueue(works.stamp, created, result_ttl=0)

    def unfinished(self) -> bool:
        # The registry's own count() tidies up on the way, which costs.
        return bool(self._redis.llen(self._queue.key) or self._redis.zcard(self._started.key))
