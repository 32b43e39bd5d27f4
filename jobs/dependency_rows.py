"""What the statements of jobs.statements.depending return and take, as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from jobs.rows import Row, json_of


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
    too_large: bool  # its result is left out


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A blocked job whose dependencies are met, and which draws on its parents' results."""

    job_id: UUID
    kind: str
    handler: str
    lane: str
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


def ready_rows(rows: Sequence[Row]) -> list[Ready]:
    """Read what FIND_READY returns: one row a child and parent, a child's rows together."""
    ready: list[Ready] = []
    for child, group in groupby(rows, key=itemgetter(slice(0, 6))):
        job_id, kind, handler, lane, payload, condition = child
        ready.append(
            Ready(
                job_id=job_id,
                kind=kind,
                handler=handler,
                lane=lane,
                payload=json_of(payload),
                condition=condition,
                parents=tuple(_parent_result(row[6:]) for row in group if row[6] is not None),
            )
        )
    return ready


def _parent_result(row: Row) -> ParentResult:
    name, status, output, error, too_large = row
    return ParentResult(
        name=name, status=status, result=json_of(output), error=error, too_large=too_large
    )
