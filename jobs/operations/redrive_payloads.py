"""Payloads of dead-lettered jobs with a merge patch, and what that changes, before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs.masking import masked
from jobs.merge_patch import Difference, differences, merged
from jobs.models import Job
from jobs.operations.fields import FieldProblem, InvalidFields
from jobs.operations.work import Work, read_payload
from jobs.rows import Replacement

_DRAWS = "Its payload takes results of its parents; redrive it without a change, or alone."


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What a job would run with: the payload as it may be shown, what differs, and what is wrong with it."""

    payload: Mapping[str, Any]
    differences: list[Difference]
    problems: tuple[FieldProblem, ...] = ()


def draw(job: Job, *, payload: Any = None, patch: Any = None) -> Drawn:
    """Return what the job would run with, given another payload or a merge patch; changes nothing."""
    shown = masked(job.kind, job.payload)
    try:
        work = _work(job, payload) if patch is None else patched_work(job, patch)
    except InvalidFields as error:
        wished = payload if patch is None else merged(shown, patch)
        return Drawn(
            payload=wished if isinstance(wished, dict) else {},
            differences=differences(shown, wished),
            problems=error.problems,
        )
    after = masked(work.kind, work.payload)
    return Drawn(payload=after, differences=differences(shown, after))


def patched_work(job: Job, patch: Any) -> Work:
    """Return the job's work with the merge patch applied. Raises InvalidFields.

    The patch meets the payload as it is shown: hidden values are put back as in any edit, so that a patch
    of the URL cannot send them to another host.
    """
    if patch and job.draws_on_parents:
        raise InvalidFields([FieldProblem("/patch", "draws_on_parents", _DRAWS)])
    return _work(job, merged(masked(job.kind, job.payload), patch))


def patched(job_ids: Sequence[UUID], patch: Any) -> tuple[dict[UUID, Replacement], dict[UUID, str]]:
    """Return the new payloads of jobs, and for those that the patch does not fit, why. One statement."""
    replacements: dict[UUID, Replacement] = {}
    unfit: dict[UUID, str] = {}
    for job in Job.objects.filter(pk__in=job_ids):
        if job.draws_on_parents:
            unfit[job.pk] = _DRAWS
            continue
        try:
            work = patched_work(job, patch)
        except InvalidFields as error:
            unfit[job.pk] = f"With the patch its payload does not fit: {error.problems[0].detail}"
        else:
            replacements[job.pk] = Replacement(
                payload=work.payload, lane=work.lane, handler=work.handler
            )
    return replacements, unfit


def _work(job: Job, payload: Any) -> Work:
    return read_payload(payload, kind=job.kind, original=job.payload, merchant_id=job.merchant_id)
