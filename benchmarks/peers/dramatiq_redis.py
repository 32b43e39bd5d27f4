"""dramatiq on Redis: processes of threads."""

import redis

from benchmarks.peers.peer import Slots, Work, command, redis_url


class Dramatiq:
    """Acknowledged after the run."""

    title = "dramatiq"
    configuration = "a process per core, threads in each, default middleware"
    durability = (
        "Nothing on disk: jobs are lost with Redis. A killed worker's jobs are run again by "
        "another, a minute later."
    )
    packages = ("dramatiq", "redis")

    def __init__(self) -> None:
        self._redis = redis.Redis.from_url(redis_url())

    def prepare(self) -> None:
        """Nothing to make."""

    def workers(self, slots: Slots) -> list[list[str]]:
        module = "benchmarks.peers.dramatiq_tasks"
        shape = ("--processes", str(slots.processes), "--threads", str(slots.threads))
        return [command("dramatiq", module, *shape, "--skip-logging")]

    def enqueue(self, work: Work, jobs: int) -> None:
        from benchmarks.peers import dramatiq_tasks

        actor = getattr(dramatiq_tasks, work)
        for _ in range(jobs):
            actor.send()

    def enqueue_stamp(self, created: float) -> None:
        from benchmarks.peers.dramatiq_tasks import stamp

        stamp.send(created)

    def unfinished(self) -> bool:
        # A message stays in this hash until it is acknowledged.
        return bool(self._redis.hlen("dramatiq:default.msgs"))
