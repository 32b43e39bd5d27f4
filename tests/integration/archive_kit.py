"""What the archive's tests share: jobs that ended days ago, and where a job lies."""

from datetime import timedelta
from typing import Any

from django.db import connection

from jobs.models import ArchivedJob, Job
from jobs.retention import Retention
from tests.factories.jobs import NOW, make_job

DAY = timedelta(days=1)
RETENTION = Retention(archive_after=86_400.0, days=30)


def ended(days: float = 2, *, status: str = "succeeded", **overrides: Any) -> Job:
    """Return a stored job that ended so many days before NOW."""
    return make_job(status=status, finalized_at=NOW - days * DAY, **overrides)


def is_archived(job: Job) -> bool:
    """Tell where a job lies; it must lie in exactly one place."""
    archived = ArchivedJob.objects.filter(pk=job.pk).count()
    assert archived + Job.objects.filter(pk=job.pk).count() == 1
    return archived == 1


def tables_like(pattern: str) -> set[str]:
    """Return the tables whose names are LIKE this."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE %s", [pattern]
        )
        return {row[0] for row in cursor.fetchall()}


def drop_archive() -> None:
    """Leave no weeks of the archive to other tests; emptied they are by Django, not dropped."""
    for name in tables_like("jobs\\_archivedjob\\_%"):
        with connection.cursor() as cursor:
            cursor.execute(f'DROP TABLE "{name}"')
