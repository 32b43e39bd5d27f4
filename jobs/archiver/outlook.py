"""What the archiver would do: for a dry run. Reads only, of bounded cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from jobs.archiver.retiring import due_weeks, retired_tables
from jobs.models import Job
from jobs.retention import Retention

MOST_COUNTED = 1_000_000
_ROWS = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass"


@dataclass(frozen=True, kw_only=True)
class DueWeek:
    """A partition that is to be dropped, and PostgreSQL's estimate of its rows."""

    name: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is to be done now."""

    to_move: int
    to_move_at_least: bool  # there are more than were counted
    due: Sequence[DueWeek]
    retired: Sequence[str]


def look_ahead(now: datetime, retention: Retention) -> Outlook:
    """Return what a run at `now` would move and drop; changes nothing."""
    before = now - timedelta(seconds=retention.archive_after)
    ended = Job.objects.filter(finalized_at__lt=before).order_by("finalized_at", "pk")
    count = ended.values("pk")[: MOST_COUNTED + 1].count()
    return Outlook(
        to_move=min(count, MOST_COUNTED),
        to_move_at_least=count > MOST_COUNTED,
        due=[DueWeek(name=week.name, rows=_rows(week.name)) for week in due_weeks(now, retention)],
        retired=retired_tables(),
    )


def _rows(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [name])
        return int(cursor.fetchone()[0])
