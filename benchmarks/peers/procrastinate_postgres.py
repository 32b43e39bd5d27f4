"""Procrastinate: jobs are rows in PostgreSQL."""

from procrastinate import App, SyncPsycopgConnector

from benchmarks.peers.peer import Slots, Work, command, database_url
from benchmarks.peers.tables import Table

TOGETHER = 1000
UNFINISHED = "status IN ('todo', 'doing')"


class Procrastinate:
    """A worker process per core, coroutines in each; jobs are handed over a thousand at a time."""

    title = "Procrastinate"
    configuration = "a process per core, coroutines, batch_defer of 1,000, LISTEN/NOTIFY"
    durability = (
        "Jobs are rows in PostgreSQL, synced. A killed worker's jobs stay `doing` until a task "
        "that the user writes retries stalled ones."
    )
    packages = ("procrastinate", "psycopg")

    def __init__(self) -> None:
        self._app = App(connector=SyncPsycopgConnector(conninfo=database_url()))
        self._jobs = Table("procrastinate_jobs")

    def prepare(self) -> None:
        self._app.open()
        self._app.schema_manager.apply_schema()

    def workers(self, slots: Slots) -> list[list[str]]:
        app = ("--app", "benchmarks.peers.procrastinate_tasks.app")
        one = command("procrastinate", *app, "worker", "--concurrency", str(slots.threads))
        return [one] * slots.processes

    def enqueue(self, work: Work, jobs: int) -> None:
        for begin in range(0, jobs, TOGETHER):
            count = min(TOGETHER, jobs - begin)
            self._app.configure_task(work).batch_defer(*({} for _ in range(count)))

    def enqueue_stamp(self, created: float) -> None:
        self._app.configure_task("stamp").defer(created=created)

    def unfinished(self) -> bool:
        return self._jobs.has(UNFINISHED)
