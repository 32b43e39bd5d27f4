"""What the recurrence manager asks of its jobs: plans that are missed, skipped, replaced, ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from jobs.lifecycle.announcing import announce, ends_jobs
from jobs.rows import Missed, Moved, missed_row, moved_row
from jobs.statements import occurrences
from tenants.statement import execute


def find_missed(*, now: datetime, limit: int) -> list[Missed]:
    """Return jobs that nobody queued by their `missed_at`, the longest missed first.

    The populator leaves them alone until `skip` or `release_missed` decides. Those of a merchant
    that is not active are not among them: they wait, as all its jobs do.
    """
    return [missed_row(row) for row in execute(occurrences.FIND_MISSED, now=now, limit=limit)]


def find_missed_of(*, template_ids: Sequence[UUID], now: datetime) -> list[Missed]:
    """Return the missed jobs of these templates, in the order in which they were due."""
    found = execute(occurrences.FIND_MISSED_OF, template_ids=list(template_ids), now=now)
    return [missed_row(row) for row in found]


@ends_jobs
def skip(*, reasons: Mapping[UUID, str], now: datetime) -> list[Moved]:
    """End scheduled jobs that never started as skipped, each for its reason (cut at 200).

    One that stands in the line of its concurrency key, or has a place of it, stays.
    """
    found = execute(
        occurrences.SKIP,
        ids=list(reasons),
        reasons=[reason[:200] for reason in reasons.values()],
        now=now,
    )
    return announce("skip", [moved_row(row) for row in found])


def release_missed(*, job_ids: Sequence[UUID]) -> list[Moved]:
    """Let jobs run that count as missed; their overlap policy is asked anew.

    Due at once as a rule: the caller tells the populator (`publishing.wake`) after the commit.
    """
    found = execute(occurrences.RELEASE_MISSED, ids=list(job_ids))
    return announce("release", [moved_row(row) for row in found])


def make_up(
    *, template_id: UUID, dues: Mapping[datetime, datetime], origin: str, overlap: str
) -> list[Moved]:
    """Let skipped occurrences of a template run after all, each due at the time given for it.

    `dues` is by nominal moment; one whose job was not skipped is left alone. `origin` and `overlap`
    are as those of new occurrences (`create_occurrences`), and replace what the jobs had.
    """
    found = execute(
        occurrences.MAKE_UP,
        template_id=template_id,
        occurrences=list(dues),
        dues=list(dues.values()),
        origin=origin,
        overlap=overlap,
    )
    return announce("restart", [moved_row(row) for row in found])


@ends_jobs
def withdraw(*, template_ids: Sequence[UUID]) -> list[tuple[UUID, datetime]]:
    """Delete the templates' plans: what the expander made and no worker has ever started.

    Returns each (template, nominal moment) that has no job any more; what is due already is among
    them, and the caller's to make again. A job that a worker claims at this very moment stays. One
    that has a place of its concurrency key, or stands first in its line, is cancelled, and gives up its
    nominal moment.
    Backfills, run-now jobs, and jobs that a person restarted or changed stay as well.
    """
    found = execute(occurrences.WITHDRAW, template_ids=list(template_ids))
    announce("cancel", [moved_row(row[2:]) for row in found if row[2] is not None])
    return [(row[0], row[1]) for row in found]


@ends_jobs
def cancel_plans(*, template_id: UUID, now: datetime) -> list[Moved]:
    """Cancel all jobs of a template that wait, whoever made them; running ones finish."""
    found = execute(occurrences.CANCEL_PLANS, template_id=template_id, now=now)
    return announce("cancel", [moved_row(row) for row in found])
