"""Which fields of a job's page have something to say."""

from collections.abc import Sequence
from typing import Any

from jobs.admin.flow_words import concerned
from jobs.models import Breaker, Flow, Job
from jobs.states import EDITABLE, Gate, JobStatus

WAITING_SOMEHOW = (*EDITABLE, JobStatus.QUEUED)
OF_TEMPLATE = ("template_id", "origin", "occurrence", "overlap")


def silent_fields(job: Job, reader: Any) -> set[str]:
    """Return the fields that have nothing to say of the job, or nothing to this reader."""
    silent = {
        "reason": job.status not in WAITING_SOMEHOW,
        "breaker": job.gate != Gate.PARKED or not _sees(Breaker, job, reader),
        "flow_rule": job.gate != Gate.PARKED or not _sees(Flow, job, reader),
        "stop_requested": job.cancel_requested_at is None,
        "condition": not job.condition,
        "skipped_because": not job.skip_reason,
        "occurrence_note": not job.occurrence_note,
        "shown_unique": not job.unique_key,
        "shown_concurrency": not job.concurrency_key,
        **dict.fromkeys(OF_TEMPLATE, job.template_id is None),
    }
    return {name for name, nothing in silent.items() if nothing}


def flow_rule_of(job: Job) -> str:
    """Return which jobs the rule concerns that a job waits for; empty when it is deleted."""
    rules = Flow.objects.select_related("merchant")
    rule = rules.filter(pk=job.parked_by).first() if job.parked_by else None
    return concerned(rule) if rule else ""


def without(hidden: set[str], rows: Sequence[str | tuple[str, ...]]) -> list[Any]:
    """Return the rows of a page without some fields; a row that becomes empty goes as a whole."""
    shown: list[Any] = []
    for row in rows:
        fields = (row,) if isinstance(row, str) else row
        left = tuple(name for name in fields if name not in hidden)
        if left:
            shown.append(left[0] if len(left) == 1 else left)
    return shown


def _sees(model: type[Flow | Breaker], job: Job, reader: Any) -> bool:
    # The operators' own rules have no page for merchants.
    seen = model.objects.visible_to(reader)
    return job.parked_by is not None and bool(seen.filter(pk=job.parked_by).exists())
