"""New jobs of templates, as values, and as CREATE_OCCURRENCES takes them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.states import Origin
from tenants.identifiers import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOccurrence:
    """A template's job to be, checked and rendered by its maker: one of a set-based insert."""

    merchant_id: UUID
    template_id: UUID
    occurrence_at: datetime | None  # the nominal moment; None for run now
    run_at: datetime  # when it is really planned
    kind: str
    handler: str
    lane: str
    payload: dict[str, Any] = field(repr=False)
    priority: int
    max_attempts: int
    timeout: float  # seconds
    backoff: dict[str, Any] | None = None
    name: str = ""
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None
    missed_at: datetime | None = None  # not queued by then, it counts as missed
    overlap: str = ""  # a jobs.states.Overlap, or '' for beside its siblings
    concurrency_key: str = ""  # none
    concurrency_limit: int | None = None  # with a key
    occurrence_note: str = ""  # a sentence, when run_at is not the nominal moment
    origin: str = Origin.TEMPLATE
    id: UUID = field(default_factory=new_id)


def occurrences_text(occurrences: Sequence[NewOccurrence]) -> str:
    """Return new occurrences as CREATE_OCCURRENCES takes them: a JSON list of objects."""
    return json.dumps([_flat(one) for one in occurrences])


def _flat(one: NewOccurrence) -> dict[str, Any]:
    flat = {
        "id": one.id.hex,
        "merchant_id": one.merchant_id.hex,
        "template_id": one.template_id.hex,
        "occurrence_at": _moment(one.occurrence_at),
        "occurrence_note": one.occurrence_note,
        "origin": one.origin,
        "overlap": one.overlap,
        "missed_at": _moment(one.missed_at),
        "kind": one.kind,
        "handler": one.handler,
        "lane": one.lane,
        "name": one.name,
        "tags": one.tags,
        "metadata": one.metadata,
        "payload": one.payload,
        "priority": one.priority,
        "max_attempts": one.max_attempts,
        "backoff": one.backoff,
        "timeout": one.timeout,
        "run_at": _moment(one.run_at),
        "expires_at": _moment(one.expires_at),
    }
    if one.concurrency_key:
        flat |= {
            "concurrency_key": one.concurrency_key,
            "concurrency_limit": one.concurrency_limit,
        }
    return flat


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
