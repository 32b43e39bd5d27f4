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


class Overlap(StrEnum):
    """What a template's job does that falls due while a sibling is still going; '' runs beside it.

    A sibling is a job of the same template. It is going from being queued to its end, between its
    attempts as well. Which siblings count: see jobs.statements.overlapping.
    """

    SKIP = "skip"  # ends as skipped
    QUEUE_ONE = "queue_one"  # waits, unless another one waits already: then it is skipped
    CANCEL_RUNNING = "cancel_running"  # has the siblings cancelled, and waits until they are gone
    # Of backfills and of what is made up for: one after another, in the order of the occurrences.
    WAIT = "wait"


class Gate(StrEnum):
    """What keeps a waiting job from the queue; '' is open. Shut and held go with an overlap policy."""

    SHUT = "shut"  # not due yet, or its overlap is not decided yet
    HELD = "held"  # waits for a sibling to end
    PARKED = "parked"  # due, and in the line of a flow rule that has no room
    KEYED = "keyed"  # has no place of its concurrency key yet


class Needs(StrEnum):
    """What a job that depends on another one needs of it."""

    SUCCESS = "success"  # that it succeeded
    FAILURE = "failure"  # that it failed for good
    FINISHED = "finished"  # that it ended, in whatever way


class NeedOutcome(StrEnum):
    """What became of a dependency."""

    OPEN = "open"  # the parent has not ended, or its end was not looked at yet
    MET = "met"
    UNMET = "unmet"  # the parent ended in another way


class Origin(StrEnum):
    """Who made a template's job; '' for jobs that were created one by one."""

    TEMPLATE = "template"  # the expander, from the recurrence: a plan, replaced by an edit
    BACKFILL = "backfill"
    RUN_NOW = "run_now"
    # A plan of the expander that a person restarted, changed, or has made up for: theirs since, so
    # neither an edit of the template nor its misfire policy takes it back.
    PERSON = "person"


S = JobStatus

WAITING = (S.SCHEDULED, S.RETRYABLE)  # the populator takes these when they are due
EDITABLE = (S.BLOCKED, S.SCHEDULED, S.RETRYABLE)
STARTED = (S.QUEUED, S.RUNNING, S.RETRYABLE)
FINAL = (S.SUCCEEDED, S.FAILED, S.CANCELLED, S.SKIPPED)
RESTARTABLE = (S.FAILED, S.CANCELLED, S.SKIPPED)

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    S.BLOCKED: frozenset({S.SCHEDULED, S.CANCELLED, S.SKIPPED, S.FAILED}),
    # Skipped: an occurrence that its template's overlap or misfire policy does not run.
    S.SCHEDULED: frozenset({S.QUEUED, S.CANCELLED, S.FAILED, S.SKIPPED}),
    S.QUEUED: frozenset({S.RUNNING, S.SCHEDULED, S.CANCELLED, S.FAILED}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.RETRYABLE, S.FAILED, S.CANCELLED, S.SCHEDULED}),
    S.RETRYABLE: frozenset({S.QUEUED, S.CANCELLED, S.FAILED}),
    S.SUCCEEDED: frozenset(),
    S.FAILED: frozenset({S.SCHEDULED}),
    S.CANCELLED: frozenset({S.SCHEDULED}),
    # Somebody wants the occurrence run after all.
    S.SKIPPED: frozenset({S.SCHEDULED}),
}
