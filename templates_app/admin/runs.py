"""The last and the next run of templates, for a page of a list: one statement for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenants.statement import execute

# Indexes job_template_newest (of both tables of jobs) and job_template_unfinished. A template whose newest jobs were all
# skipped is looked back upon for so many jobs, not through all of its history.
RUNS = """
SELECT wanted.id, last.id, last.status, last.started_at, next.at
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
LEFT JOIN LATERAL (
    SELECT newest.id, newest.status, newest.started_at
    FROM (
        SELECT job.id, job.status, job.started_at
        FROM jobs_anyjob AS job
        WHERE job.template_id = wanted.id
        ORDER BY job.id DESC
        LIMIT 200
    ) AS newest
    WHERE newest.started_at IS NOT NULL
    ORDER BY newest.id DESC
    LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT min(job.scheduled_at) AS at
    FROM jobs_job AS job
    WHERE job.template_id = wanted.id
        AND job.status NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')
        AND job.status IN ('scheduled', 'blocked')
) AS next ON true
"""


@dataclass(frozen=True, kw_only=True)
class Runs:
    """A template's newest job that has started, and when its next one is due; None for neither."""

    last_id: UUID | None = None
    last_status: str = ""
    last_started_at: datetime | None = None
    next_at: datetime | None = None


def runs_of(ids: Sequence[UUID]) -> Mapping[UUID, Runs]:
    """Return the runs of each of these templates."""
    if not ids:
        return {}
    rows = execute(RUNS, ids=list(ids))
    return {
        row[0]: Runs(
            last_id=row[1], last_status=row[2] or "", last_started_at=row[3], next_at=row[4]
        )
        for row in rows
    }
