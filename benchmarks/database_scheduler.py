"""django-celery-beat's DatabaseScheduler: what one edit costs it, and the memory of its process.

A part of `python -m benchmarks.templates`; needs its servers in the environment. Reloading is its
design: any change of a task makes each scheduler read all of them anew.
"""

import argparse
import os
import time
from datetime import UTC, datetime

from benchmarks.memory import memory_mb
from benchmarks.part import Figures, say, start_django, tell
from benchmarks.timing import spread

EDITS = 3
CRONTABS = 1_440
INTERVALS = 50
BATCH = 5_000


def main() -> None:
    """Store tasks, edit some, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--periodic-tasks", type=int, required=True)
    options = parser.parse_args()
    tell(lambda: measure(options.periodic_tasks))


def measure(tasks: int) -> Figures:
    """Return the figures of so many periodic tasks: four of five crontabs, hourly and daily."""
    start_django()
    from django_celery_beat.models import PeriodicTask, PeriodicTasks
    from django_celery_beat.schedulers import DatabaseScheduler

    from taskflow.celery import app

    say(f"storing {tasks:,} periodic tasks")
    _store(tasks)
    pid = os.getpid()
    before = memory_mb(pid)
    started = time.perf_counter()
    scheduler = DatabaseScheduler(app=app)
    scheduler.tick()
    first = (time.perf_counter() - started) * 1000
    samples = []
    for number in range(EDITS):
        held = scheduler.schedule
        started = time.perf_counter()
        task = PeriodicTask.objects.get(name=f"task {number}")
        task.description = f"Edited at {started}"
        task.save()
        PeriodicTasks.changed(task)
        scheduler.tick()
        samples.append((time.perf_counter() - started) * 1000)
        say(f"edit: {samples[-1]:,.0f} ms")
        if scheduler.schedule is held:
            raise AssertionError("the tick did not reload the schedule")
    return {
        "tasks": tasks,
        "loaded": len(scheduler.schedule),
        "first_tick_ms": round(first),
        "edit_ms": spread(samples),
        "memory_before": before,
        "memory": memory_mb(pid),
    }


def _store(tasks: int) -> None:
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

    # Hourly and daily ones at spread minutes.
    crontabs = CrontabSchedule.objects.bulk_create(
        CrontabSchedule(minute=str(one % 60), hour="*" if one % 3 == 0 else str(one // 60))
        for one in range(CRONTABS)
    )
    intervals = IntervalSchedule.objects.bulk_create(
        IntervalSchedule(every=one + 10, period=IntervalSchedule.MINUTES)
        for one in range(INTERVALS)
    )
    now = datetime.now(UTC)
    PeriodicTask.objects.bulk_create(
        (
            PeriodicTask(
                name=f"task {one}",
                task="benchmark.nothing",
                queue="control",
                last_run_at=now,
                date_changed=now,
                crontab=None if one % 5 == 0 else crontabs[one % CRONTABS],
                interval=intervals[one % INTERVALS] if one % 5 == 0 else None,
            )
            for one in range(tasks)
        ),
        batch_size=BATCH,
    )


if __name__ == "__main__":
    main()
