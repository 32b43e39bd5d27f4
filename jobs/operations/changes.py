"""What an edit may change of a job that still waits."""

from datetime import datetime
from typing import Any

from jobs.masking import restored
from jobs.models import Dependency, Job
from jobs.operations.blueprint import PLAIN
from jobs.operations.concurrency import CONCURRENCY_FIELDS
from jobs.operations.fields import Fields
from jobs.operations.moments import read_deadline, read_run_at
from jobs.operations.new_job import JOB_FIELDS
from jobs.operations.parents import drawn_names, filled_later
from jobs.operations.work import check_work, nothing_excused
from jobs.states import JobStatus

FIXED_FIELDS = {"kind", "unique", *CONCURRENCY_FIELDS}
EDIT_FIELDS = tuple(name for name in JOB_FIELDS if name not in FIXED_FIELDS)


def read_changes(data: Any, *, job: Job, now: datetime) -> dict[str, Any]:
    """Return the columns of this job that an edit changes.

    Raises InvalidFields, also when the edit changes nothing.
    """
    fields = Fields(data, EDIT_FIELDS)
    changes: dict[str, Any] = {}
    moved = read_run_at(fields, now)
    if moved is not None:
        changes["run_at"] = moved
    if "payload" in fields:
        changes |= _payload(fields, job)
    if "deadline" in fields:
        changes["expires_at"] = read_deadline(fields, run_at=moved or job.scheduled_at, now=now)
    elif moved is not None:
        _refuse_after_deadline(fields, moved, job.expires_at)
    changes |= {name: read(fields) for name, read in PLAIN.items() if name in fields}
    if "max_attempts" in changes:
        _refuse_used_up(fields, changes["max_attempts"], job.attempt - job.earlier_attempts)
    if not changes and not fields.problems:
        fields.refuse(None, "nothing_to_change", f"must name one of {', '.join(EDIT_FIELDS)}.")
    fields.raise_problems()
    return changes


def _payload(fields: Fields, job: Job) -> dict[str, Any]:
    """Return the columns that an edited payload changes; that of a blocked job may draw on parents."""
    blocked = job.status == JobStatus.BLOCKED
    drawn = drawn_names(fields, _parents_names(job)) if blocked else frozenset[str]()
    excused = filled_later if drawn else nothing_excused
    payload = restored(fields.data["payload"], job.payload)
    work = check_work(job.kind, payload, fields, merchant_id=job.merchant_id, excused=excused)
    if work is None:
        return {}
    columns: dict[str, Any] = {"payload": work.payload, "lane": work.lane, "handler": work.handler}
    if blocked:
        columns["draws_on_parents"] = bool(job.condition or drawn)
    return columns


def _parents_names(job: Job) -> list[str]:
    return list(Dependency.objects.filter(child=job).values_list("name", flat=True))


def _refuse_after_deadline(fields: Fields, moved: datetime, deadline: datetime | None) -> None:
    if deadline is not None and deadline <= moved:
        name = "delay" if fields.data.get("delay") is not None else "run_at"
        fields.refuse(
            name,
            "too_late",
            f'must be before the job\'s deadline, {deadline:%FT%TZ}; send a later "deadline" too.',
        )


def _refuse_used_up(fields: Fields, most: int, used: int) -> None:
    if most < used:
        fields.refuse(
            "max_attempts",
            "out_of_range",
            f"must be at least {used}, the attempts already made; cancel the job to stop it.",
        )
