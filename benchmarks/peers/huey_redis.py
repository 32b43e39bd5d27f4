"""Huey on Redis: processes for no-ops, threads for requests, as its guide says."""

from benchmarks.peers.peer import Slots, Work, command
from benchmarks.peers.stamps import Stamps


class Huey:
    """Takes a task off the list before it runs."""

    title = "Huey"
    configuration = "RedisHuey, blocking, results off; processes for no-ops, threads for requests"
    durability = (
        "Nothing on disk: jobs are lost with Redis. The task that a killed worker ran is lost."
    )
    packages = ("huey", "redis")

    def __init__(self) -> None:
        self._stamps = Stamps()

    def prepare(self) -> None:
        """Nothing to make."""

    def workers(self, slots: Slots) -> list[list[str]]:
        # Its guide: processes for what computes, threads for what waits.
        computes = slots.forks <= slots.processes
        kind, workers = ("process", slots.forks) if computes else ("thread", slots.total)
        consumer = "huey.bin.huey_consumer"
        shape = ("-w", str(workers), "-k", kind, "-q", "-n")
        return [command(consumer, "benchmarks.peers.huey_tasks.huey", *shape)]

    def enqueue(self, work: Work, jobs: int) -> None:
        from benchmarks.peers import huey_tasks

        task = getattr(huey_tasks, work)
        for _ in range(jobs):
            task()
        # Huey does not tell what runs.
        self.enqueue_stamp(0.0)

    def enqueue_stamp(self, created: float) -> None:
        from benchmarks.peers.huey_tasks import stamp

        stamp(created)
        self._stamps.sent()

    def unfinished(self) -> bool:
        from benchmarks.peers.huey_tasks import huey

        return bool(huey.pending_count()) or self._stamps.missing()
