"""Celery on Redis whose results go to PostgreSQL through django-celery-results."""

import os

from benchmarks.peers.celery_redis import CeleryOnRedis
from benchmarks.peers.django_settings import migrate
from benchmarks.peers.peer import Work
from benchmarks.peers.tables import Table


class CeleryWithResults(CeleryOnRedis):
    """A result row for each task; done is when it is written."""

    durability = (
        "Results are rows in PostgreSQL, synced. Jobs that wait are lost with Redis; those that a "
        "killed worker had: as above."
    )
    packages = ("celery", "kombu", "redis", "django-celery-results", "django", "psycopg")

    def __init__(self) -> None:
        super().__init__("prefork")
        os.environ["BENCH_RESULTS"] = "1"
        self.title = "Celery with django-celery-results"
        self.configuration = "pool prefork, prefetch multiplier 64, results in PostgreSQL"
        self._sent = 0
        self._results = Table("django_celery_results_taskresult")

    def prepare(self) -> None:
        migrate()

    def enqueue(self, work: Work, jobs: int) -> None:
        super().enqueue(work, jobs)
        self._sent += jobs

    def enqueue_stamp(self, created: float) -> None:
        super().enqueue_stamp(created)
        self._sent += 1

    def unfinished(self) -> bool:
        # The rows are counted only when the broker is empty: counting costs.
        return super().unfinished() or self._results.rows() < self._sent
