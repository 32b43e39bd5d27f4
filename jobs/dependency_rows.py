"""What the statements of jobs.statements.depending return and take, as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from jobs.rows import Row, json_of
from jobs.states import JobStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDependency:
    """One arrow of a graph to be stored with the jobs that it comes with."""

    parent_id: UUID
    child_id: UUID
    name: str
    needs: str  # a jobs.states.Needs


@dataclass(frozen=True, kw_only=True)
class ParentResult:
    """What a child may look at of a parent that ended."""

    name: str
    status: str
    result: Any = field(repr=False)  # the output of its last attempt
    error: str  # the code of its last attempt's error, or ''
    too_large: bool  # together with the others' its result is; it is left out


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A blocked job whose dependencies are met, and which draws on its parents' results."""

    job_id: UUID
    merchant_id: UUID
    kind: str
    handler: str
    payload: dict[str, Any] = field(repr=False)
    condition: str
    parents: tuple[ParentResult, ...]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a ready job comes to: scheduled with its filled payload, skipped, or failed."""

    job_id: UUID
    status: str
    payload: dict[str, Any] | None = field(default=None, repr=False)  # when scheduled
    lane: str = ""
    handler: str = ""
    reason: str = ""  # why it is skipped, or its error's message
    code: str = ""  # of the error
    fingerprint: str = ""


def unstorable(judgement: Judgement) -> Judgement:
    """Return what a job comes to whose judgement PostgreSQL refuses: a failure with our words only."""
    return Judgement(
        job_id=judgement.job_id,
        status=JobStatus.FAILED,
        code="parents_unusable",
        reason="What it takes of its parents' results cannot be stored.",
        fingerprint="0" * 16,
    )


def ready_rows(rows: Sequence[Row]) -> list[Ready]:
    """Read what FIND_READY returns: one row a child and parent, the payload on the first of a child."""
    return [_ready(list(group)) for _, group in groupby(rows, key=itemgetter(0))]


def _ready(rows: Sequence[Row]) -> Ready:
    job_id, merchant_id, kind, handler, payload, condition = rows[0][:6]
    return Ready(
        job_id=job_id,
        merchant_id=merchant_id,
        kind=kind,
        handler=handler,
        payload=json_of(payload),
        condition=condition,
        parents=tuple(_parent_result(row[6:]) for row in rows if row[6] is not None),
    )


def _parent_result(row: Row) -> ParentResult:
    name, status, output, error, too_large = row
    try:
        result = json_of(output)
    except (RecursionError, ValueError):
        # PostgreSQL nests deeper and counts further than Python; raised, it would stop every step.
        result, too_large = None, True
    return ParentResult(name=name, status=status, result=result, error=error, too_large=too_large)
