"""Celery's application: short tasks on Redis, results ignored unless BENCH_RESULTS says otherwise."""

import os

from celery import Celery

from benchmarks.peers import work
from benchmarks.peers.peer import redis_url

RESULTS = "django-db" if os.environ.get("BENCH_RESULTS") else None
if RESULTS:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.peers.django_settings")

app = Celery("bench", broker=redis_url(), backend=RESULTS)
# "If you have many short tasks": https://docs.celeryq.dev/en/stable/userguide/optimizing.html
app.conf.worker_prefetch_multiplier = 64
app.conf.broker_connection_retry_on_startup = True
app.conf.task_ignore_result = RESULTS is None


@app.task(name="bench.noop")
def noop() -> None:
    """Do nothing."""


@app.task(name="bench.post")
def post() -> None:
    """Do the request."""
    work.post()


@app.task(name="bench.stamp")
def stamp(created: float) -> None:
    """Write down when this started."""
    work.stamp(created)
