"""The graph that a job is part of, and what a blocked job still waits for. Reads only, bounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from jobs.models import AnyJob, Dependency, Job
from jobs.states import NeedOutcome
from tenants.statement import execute

MOST_JOBS = 1_000
MOST_DEPENDENCIES = 10_000

# Indexes dependency_children and dependency_once. Rows are made as they are asked for, so the limit
# bounds the walk, not only the answer.
_RELATIVES = """
WITH RECURSIVE relative(id) AS (
    SELECT %(id)s::uuid
    UNION
    SELECT neighbour.id
      FROM relative
     CROSS JOIN LATERAL (
           SELECT child_id AS id FROM jobs_dependency WHERE parent_id = relative.id
           UNION ALL
           SELECT parent_id FROM jobs_dependency WHERE child_id = relative.id
           ) AS neighbour
)
SELECT id FROM relative LIMIT %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Jobs that depend on one another, oldest first, without their payloads, and their dependencies."""

    jobs: Sequence[Job]
    dependencies: Sequence[Dependency]
    # Some jobs or dependencies were left out.
    more: bool


@dataclass(frozen=True, kw_only=True)
class Waited:
    """The first open parent of a blocked job, and how many others there are."""

    name: str
    parent_id: UUID
    status: str
    needs: str
    others: int


def graph_of(job: Job) -> Graph:
    """Return the jobs that are connected with this one by dependencies, the nearest MOST_JOBS.

    All are of one merchant: a dependency never leaves it.
    """
    ids = [row[0] for row in execute(_RELATIVES, id=job.pk, limit=MOST_JOBS + 1)]
    shown = ids[:MOST_JOBS]
    dependencies = Dependency.objects.filter(parent__in=shown, child__in=shown).order_by("id")
    found = list(dependencies[: MOST_DEPENDENCIES + 1])
    return Graph(
        jobs=list(
            AnyJob.objects.filter(pk__in=shown, merchant_id=job.merchant_id)
            .defer("payload", "metadata", "backoff")
            .order_by("id")
        ),
        dependencies=found[:MOST_DEPENDENCIES],
        more=len(ids) > MOST_JOBS or len(found) > MOST_DEPENDENCIES,
    )


def waited_for(job: Job) -> Waited | None:
    """Return what a blocked job waits for; None when the populator has only to look."""
    waiting = Dependency.objects.filter(child=job, outcome=NeedOutcome.OPEN)
    first = waiting.select_related("parent").order_by("id").first()
    if first is None:
        return None
    return Waited(
        name=first.name,
        parent_id=first.parent_id,
        status=first.parent.status,
        needs=first.needs,
        others=waiting.count() - 1,
    )
