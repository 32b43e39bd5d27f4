"""What people and producers ask for: edit, cancel, run now, restart."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from jobs.lifecycle import unique_keys
from jobs.lifecycle.announcing import announce, ends_jobs
from jobs.models import Job
from jobs.querysets import JobQuerySet
from jobs.rows import Moved, Replacement, moved_row
from jobs.statements import steering
from jobs.states import Gate, JobStatus, Origin
from tenants.statement import execute

# What a job waited in line for may speak of what was changed: its host, its kind of work, its priority.
_GATE_OUT_OF_LINE = Case(When(gate=Gate.PARKED, then=Value("")), default=F("gate"))
# Who has a place of its concurrency key and has not begun gives it back. It waits for the next one
# behind the gate of the key: behind the one before it might wait for a sibling that waits for its place.
_GIVES_BACK = Q(holds_place=True, status=JobStatus.SCHEDULED, attempt=F("earlier_attempts"))
_UNDECIDED = ~Q(overlap="") & Q(attempt=0, status=JobStatus.SCHEDULED, holds_place=False)
_WHEN_MOVED = {
    "gate": Case(
        When(_GIVES_BACK, then=Value(Gate.KEYED)),
        When(_UNDECIDED, then=Value(Gate.SHUT)),
        default=_GATE_OUT_OF_LINE,
    ),
    "holds_place": Case(When(_GIVES_BACK, then=Value(False)), default=F("holds_place")),
    "in_line": False,
    # Others in the line may have waited for it.
    "tells_line": Case(
        When(_GIVES_BACK | Q(gate=Gate.KEYED), then=Value(True)),
        default=F("tells_line"),
    ),
}
_THEIRS = Case(When(origin=Origin.TEMPLATE, then=Value(Origin.PERSON)), default=F("origin"))


def edit(*, job_id: UUID, changes: Mapping[str, Any]) -> bool:
    """Change a job that still waits; False when it no longer does.

    `changes` are columns other than the status; a new `run_at` moves the next attempt as well, and
    its overlap is decided then. Who has not begun gives a place of its concurrency key back. A job in the
    line of a flow rule is asked by all of its rules again, as it is now, and waits for a host with new
    patience. An occurrence that a person changed is theirs: it cannot be missed any more, and its
    template's edits leave it alone.
    """
    columns = {**changes, "missed_at": None, "origin": _THEIRS, "gate": _GATE_OUT_OF_LINE}
    columns["unanswered_since"] = None
    if "run_at" in columns:
        columns |= {"scheduled_at": columns["run_at"], **_WHEN_MOVED}
    waiting: JobQuerySet = Job.objects.filter(id=job_id)
    if columns.get("draws_on_parents"):
        # Opened meanwhile, nobody would put the parents' results in any more.
        waiting = waiting.filter(status=JobStatus.BLOCKED)
    return waiting.editable().update(**columns) == 1


@ends_jobs
def cancel(*, job_ids: Sequence[UUID], now: datetime) -> list[Moved]:
    """Cancel jobs that have not started; ask running ones to stop (they stay running until then)."""
    found = execute(steering.CANCEL, ids=list(job_ids), now=now)
    return announce("cancel", [moved_row(row) for row in found])


def advance(*, job_ids: Sequence[UUID], now: datetime) -> list[Moved]:
    """Make waiting jobs due at once. An occurrence is the person's since, as after an edit."""
    found = execute(steering.ADVANCE, ids=list(job_ids), now=now)
    return announce("advance", [moved_row(row) for row in found])


def restart(
    *,
    job_ids: Sequence[UUID],
    now: datetime,
    by: str,
    replacements: Mapping[UUID, Replacement] | None = None,
    letters: Sequence[UUID] | None = None,
) -> list[Moved]:
    """Give failed, cancelled and skipped jobs a new round of attempts, now; their history stays.

    A job whose payload still speaks of its parents' results is left out without a replacement. An
    occurrence is the person's since, as after an edit, and asks no overlap policy; only jobs that go
    one after another (Overlap.WAIT) still do. Open dead letters of theirs are resolved as redriven
    by `by`. A job takes its unique key again; one whose key another job holds is left as it is.

    `letters`: restart only jobs of which one of these dead letters is still open. It cannot be discarded
    meanwhile, so that nothing runs that somebody has decided not to run.
    """
    edited = list((replacements or {}).items())
    with transaction.atomic():
        refused = unique_keys.retake(job_ids, now=now)
        found = execute(
            steering.RESTART,
            ids=[job_id for job_id in job_ids if job_id not in refused],
            now=now,
            by=by[:200],
            letters=None if letters is None else list(letters),
            edited=[job_id for job_id, _ in edited],
            payloads=[json.dumps(new.payload) for _, new in edited],
            lanes=[new.lane for _, new in edited],
            handlers=[new.handler for _, new in edited],
        )
    return announce("restart", [moved_row(row) for row in found])
