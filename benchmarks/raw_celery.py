"""Raw Celery's figure: no-op tasks per second, from the first send to the last one done."""

import sys
import time
from pathlib import Path

import redis

from benchmarks.stack import process, wait_for


def measure_raw_celery(redis_url: str, folder: Path, *, tasks: int) -> float:
    """Return tasks per second through one prefork worker with two processes."""
    broker_url = redis_url.removesuffix("/0") + "/1"
    environment = {"RAW_BROKER_URL": broker_url}
    argv = [sys.executable, "-m", "celery", "-A", "benchmarks.raw_celery_app", "worker"]
    argv += ["-c", "2", "-l", "WARNING"]
    sender = "import benchmarks.raw_celery_app as raw\nfor _ in range({}): raw.noop.delay()"
    with (
        redis.Redis.from_url(broker_url) as broker,
        process(argv, environment, folder / "raw-celery.log"),
    ):
        _send(sender.format(1), environment, folder)
        wait_for(lambda: _is_drained(broker), within=60)
        started = time.monotonic()
        _send(sender.format(tasks), environment, folder)
        wait_for(lambda: _is_drained(broker))
        return tasks / (time.monotonic() - started)


def _send(code: str, environment: dict[str, str], folder: Path) -> None:
    argv = [sys.executable, "-c", code]
    with process(argv, environment, folder / "raw-sender.log") as sender:
        sender.wait()


def _is_drained(broker: redis.Redis) -> bool:
    return not broker.llen("celery") and not broker.hlen("unacked")
