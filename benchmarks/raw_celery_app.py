"""The yardstick: Celery as its own guide sets it up, one no-op task on Redis, nothing durable."""

import os

from celery import Celery

app = Celery("raw", broker=os.environ["RAW_BROKER_URL"])
app.conf.task_ignore_result = True


@app.task(name="raw.noop")
def noop() -> None:
    """Do nothing."""
