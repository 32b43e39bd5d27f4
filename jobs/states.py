"""The machine of a job's life, as data.

The statements name the statuses they leave and enter; `lifecycle.finish`, whose callers choose the
status, refuses one that has no arrow from running. tests/integration/test_state_machine.py drives
every verb from every status and holds what happened against this table.
"""

from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job stands."""

    BLOCKED = "blocked"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYABLE = "retryable"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


S = JobStatus

WAITING = (S.SCHEDULED, S.RETRYABLE)  # the populator takes these when they are due
EDITABLE = (S.BLOCKED, S.SCHEDULED, S.RETRYABLE)
FINAL = (S.SUCCEEDED, S.FAILED, S.CANCELLED, S.SKIPPED)
RESTARTABLE = (S.FAILED, S.CANCELLED)

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    S.BLOCKED: frozenset({S.SCHEDULED, S.CANCELLED, S.SKIPPED, S.FAILED}),
    S.SCHEDULED: frozenset({S.QUEUED, S.CANCELLED, S.FAILED}),
    S.QUEUED: frozenset({S.RUNNING, S.SCHEDULED, S.CANCELLED, S.FAILED}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.RETRYABLE, S.FAILED, S.CANCELLED, S.SCHEDULED}),
    S.RETRYABLE: frozenset({S.QUEUED, S.CANCELLED, S.FAILED}),
    S.SUCCEEDED: frozenset(),
    S.FAILED: frozenset({S.SCHEDULED}),
    S.CANCELLED: frozenset({S.SCHEDULED}),
    S.SKIPPED: frozenset(),
}
