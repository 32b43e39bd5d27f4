"""What an attempt came to: the vocabulary between handlers, executor and lifecycle. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Result(StrEnum):
    """How one attempt ended; stored in Execution.outcome."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # an error that another attempt may mend
    REJECTED = "rejected"  # an error that no attempt can mend: straight to the dead letters
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"  # its worker died or fell silent
    RELEASED = "released"  # handed back by a worker that shuts down; not counted


# Kinds whose handler is the host that they call.
CALLING_KINDS = frozenset({"http", "webhook"})


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt did not succeed: a stable code, and a sentence for people."""

    code: str
    message: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a handler hands back. `output` is JSON and within Engine.output_limit."""

    result: Result
    output: Any = None
    failure: Failure | None = None
    http_status: int | None = None
    # Not before so many seconds from now, as the target asked (Retry-After); already capped.
    retry_after: float | None = None
    log: tuple[str, ...] = ()
    # False: the handler surely did not start, so that even one that must not run twice may run.
    began: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What an attempt found out about the host that it called.

    `began_at`: of PostgreSQL's clock. `timeout`: the seconds that it might take.
    """

    merchant_id: UUID
    handler: str
    answered: bool
    began_at: datetime
    timeout: float = 0.0
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """An outcome with its consequence decided: what jobs.lifecycle.finish writes."""

    job_id: UUID
    ticket: int
    outcome: Result
    status: str
    delay: float = 0.0  # seconds until the next attempt, for status retryable
    http_status: int | None = None
    code: str = ""
    message: str = ""
    detail: str = ""
    fingerprint: str = ""
    output: Any = None
    log: tuple[str, ...] = ()
    call: Call | None = None
    # Not against the job's attempts when it was not the job's fault.
    counted: bool = True


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A claimed job: everything a handler may know, read once at the claim."""

    job_id: UUID
    ticket: int
    merchant_id: UUID
    kind: str
    handler: str
    name: str
    payload: dict[str, Any] = field(repr=False)
    number: int  # counts from 1 over the job's whole life
    round: int  # counts from 1 since creation or the last manual retry
    max_attempts: int
    timeout: float  # seconds
    backoff: dict[str, Any] | None
    scheduled_at: datetime
    started_at: datetime
    lost_count: int = 0
    at_most_once: bool = False  # an attempt that may have happened is not repeated
    metadata: dict[str, Any] = field(default_factory=dict)
