"""What a producer may ask for: the rules of a new job."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.operations.blueprint import read_plain
from jobs.operations.concurrency import (
    ANY_NUMBER,
    CONCURRENCY_FIELDS,
    Concurrency,
    read_concurrency,
)
from jobs.operations.fields import Fields
from jobs.operations.moments import read_deadline, read_run_at
from jobs.operations.parents import FAMILY_FIELDS, NO_FAMILY, Family, filled_later, read_family
from jobs.operations.unique_keys import read_unique
from jobs.operations.work import Work, asked_for, check_work, nothing_excused, own_retries
from jobs.unique import Unique

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
    "unique",
    *CONCURRENCY_FIELDS,
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
    unique: Unique | None = None
    concurrency: Concurrency = ANY_NUMBER
    family: Family = NO_FAMILY
    pointer: str = ""  # where the request names it


def read_new_job(data: Any, *, now: datetime, merchant_id: UUID, pointer: str = "") -> NewJob:
    """Return what one JSON object asks for. Raises InvalidFields with every fault."""
    fields = Fields(data, NEW_JOB_FIELDS, pointer)
    run_at = read_run_at(fields, now) or now
    family = read_family(fields) if _has_family(fields) else NO_FAMILY
    work = _work(fields, family, merchant_id)
    expires_at = read_deadline(fields, run_at=run_at, now=now)
    unique = read_unique(fields)
    concurrency = read_concurrency(fields)
    plain = read_plain(fields)
    fields.raise_problems()
    assert work is not None
    plain |= own_retries(work, fields)
    return NewJob(
        work=work,
        run_at=run_at,
        expires_at=expires_at,
        unique=unique,
        concurrency=concurrency,
        family=family,
        pointer=pointer,
        **plain,
    )


def _has_family(fields: Fields) -> bool:
    return any(name in fields for name in FAMILY_FIELDS)


def _work(fields: Fields, family: Family, merchant_id: UUID) -> Work | None:
    asked = asked_for(fields)
    if asked is None:
        return None
    excused = filled_later if family.draws_on_parents else nothing_excused
    return check_work(*asked, fields, merchant_id=merchant_id, excused=excused)
