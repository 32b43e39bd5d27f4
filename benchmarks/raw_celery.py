"""Raw Celery's figure: no-op tasks per second, from the first send to the last one done."""

import os
import sys
import time
from pathlib import Path

import redis

from benchmarks.stack import process, wait_for


def measure_raw_celery(redis_url: str, folder: Path, *, tasks: int) -> float:
    """Return tasks per second through one prefork worker with two processes."""
    broker_url = redis_url.removesuffix("/0") + "/1"
    os.environ["RAW_BROKER_URL"] = broker_url
    from benchmarks.raw_celery_app import noop

    argv = [sys.executable, "-m", "celery", "-A", "benchmarks.raw_celery_app", "worker"]
    argv += ["-c", "2", "-l", "WARNING"]
    with (
        redis.Redis.from_url(broker_url) as broker,
        process(argv, {}, folder / "raw-celery.log"),
    ):
        noop.delay()
        wait_for(lambda: _is_drained(broker), within=60)
        started = time.monotonic()
        for _ in range(tasks):
            noop.delay()
        wait_for(lambda: _is_drained(broker))
        return tasks / (time.monotonic() - started)


def _is_drained(broker: redis.Redis) -> bool:
    return not broker.llen("celery") and not broker.hlen("unacked")
