"""What a producer may ask for: the rules of a new job."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.operations.blueprint import PLAIN
from jobs.operations.fields import Fields
from jobs.operations.moments import read_deadline, read_run_at
from jobs.operations.parents import FAMILY_FIELDS, NO_FAMILY, Family, filled_later, read_family
from jobs.operations.work import Work, asked_for, check_work, nothing_excused

JOB_FIELDS = (
    "kind",
    "payload",
    "run_at",
    "delay",
    "priority",
    "max_attempts",
    "backoff",
    "timeout",
    "deadline",
    "name",
    "tags",
    "metadata",
)
NEW_JOB_FIELDS = (*JOB_FIELDS, *FAMILY_FIELDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """A checked request for one job."""

    work: Work
    run_at: datetime
    priority: int
    max_attempts: int
    backoff: dict[str, Any] | None
    timeout: float
    expires_at: datetime | None
    name: str
    tags: list[str]
    metadata: dict[str, Any]
    family: Family = NO_FAMILY


def read_new_job(data: Any, *, now: datetime, pointer: str = "") -> NewJob:
    """Return what one JSON object asks for. Raises InvalidFields with every fault."""
    fields = Fields(data, NEW_JOB_FIELDS, pointer)
    run_at = read_run_at(fields, now) or now
    family = read_family(fields) if _has_family(fields) else NO_FAMILY
    work = _work(fields, family)
    expires_at = read_deadline(fields, run_at=run_at, now=now)
    plain = {name: read(fields) for name, read in PLAIN.items()}
    fields.raise_problems()
    assert work is not None
    return NewJob(work=work, run_at=run_at, expires_at=expires_at, family=family, **plain)


def _has_family(fields: Fields) -> bool:
    return any(name in fields for name in FAMILY_FIELDS)


def _work(fields: Fields, family: Family) -> Work | None:
    asked = asked_for(fields)
    if asked is None:
        return None
    excused = filled_later if family.draws_on_parents else nothing_excused
    return check_work(*asked, fields, excused)
