"""Queued -> running -> whatever the attempt came to."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from jobs.engine import Engine
from jobs.fault_points import EXECUTOR_AFTER_CLAIM, reach
from jobs.lifecycle.announcing import announce, ends_jobs
from jobs.outcomes import Attempt, Ending
from jobs.rows import Ended, Stranded, attempt_row, ended_row
from jobs.statements import running
from jobs.states import TRANSITIONS, JobStatus
from tenants.statement import execute


class IllegalTransition(ValueError):
    """The machine in jobs.states has no such arrow."""


def claim(
    *,
    tickets: Sequence[tuple[UUID, int]],
    worker_id: UUID,
    engine: Engine,
    at_most_once: Sequence[str] = (),
) -> list[Attempt]:
    """Start the attempts whose ticket is still good, for a worker that is alive.

    `at_most_once`: the handlers, as "kind:handler", whose attempts are not to be repeated.
    """
    found = execute(
        running.CLAIM,
        ids=[job_id for job_id, _ in tickets],
        tickets=[ticket for _, ticket in tickets],
        worker=worker_id,
        grace=engine.deadline_grace,
        at_most_once=list(at_most_once),
    )
    reach(EXECUTOR_AFTER_CLAIM)
    return [attempt_row(row) for row in found]


@ends_jobs
def finish(endings: Sequence[Ending]) -> list[Ended]:
    """End attempts: new status, execution and dead letter in one statement.

    An attempt missing from the answer was no longer this worker's to end. Raises
    IllegalTransition, with nothing written, for a status that a running job cannot come to.
    """
    for ending in endings:
        if ending.status not in TRANSITIONS[JobStatus.RUNNING]:
            raise IllegalTransition(f"A running job cannot become {ending.status!r}.")
    found = execute(
        running.FINISH,
        ids=[ending.job_id for ending in endings],
        tickets=[ending.ticket for ending in endings],
        outcomes=[ending.outcome.value for ending in endings],
        statuses=[ending.status for ending in endings],
        delays=[ending.delay for ending in endings],
        http_statuses=[ending.http_status for ending in endings],
        codes=[ending.code for ending in endings],
        messages=[ending.message for ending in endings],
        details=[ending.detail for ending in endings],
        fingerprints=[ending.fingerprint for ending in endings],
        outputs=[None if e.output is None else json.dumps(e.output) for e in endings],
        logs=[json.dumps(ending.log) for ending in endings],
        counted=[ending.counted for ending in endings],
    )
    return announce("finish", [ended_row(row) for row in found])


def find_stranded(*, now: datetime, limit: int) -> list[Stranded]:
    """Return running attempts whose worker is gone or whose deadline has passed.

    At least `limit` when there are so many; all of one worker together.
    """
    found = execute(running.FIND_STRANDED, now=now, limit=limit)
    return [Stranded(attempt=attempt_row(row), lost=row[17], worker_id=row[18]) for row in found]


def find_running(tickets: Sequence[tuple[UUID, int]]) -> list[Attempt]:
    """Read back running attempts whose ticket is still good."""
    found = execute(
        running.FIND_RUNNING,
        ids=[job_id for job_id, _ in tickets],
        tickets=[ticket for _, ticket in tickets],
    )
    return [attempt_row(row) for row in found]
