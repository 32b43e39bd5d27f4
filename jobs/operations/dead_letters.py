"""What people do to jobs that failed for good: redrive them or discard them, one or many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.models import DeadLetter, Resolution
from jobs.operations.judging import refilled
from jobs.operations.unique_keys import refuse_held
from jobs.operations.work import read_payload
from jobs.querysets import DeadLetterQuerySet
from jobs.rows import Replacement
from tenants.models import Merchant

MOST_AT_ONCE = 10_000


class AlreadyResolved(Exception):
    """The dead letter was redriven or discarded before; nothing was changed."""

    code = "dead_letter_resolved"


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """How many dead letters a call resolved, and whether it left some for the next."""

    count: int
    more: bool


def redrive(letter: DeadLetter, *, now: datetime, by: str, payload: Any = None) -> None:
    """Run the job again, with another payload when one is given.

    Raises AlreadyResolved, CannotRetake, InvalidFields for the payload, QuotaExceeded.
    """
    _refuse_resolved(letter)
    replacements = _replacement(letter, payload) if payload is not None else {}
    quota.admit(letter.merchant, adding=1, now=now)
    if not _restart([letter.job_id], now=now, by=by, replacements=replacements):
        letter.refresh_from_db()
        _refuse_resolved(letter)
        refuse_held(letter.job)
        raise AlreadyResolved(
            "The job of this dead letter is no longer failed, or needs results of its parents "
            "that are not there; look at the job, or send a payload."
        )


def discard(letter: DeadLetter, *, now: datetime, by: str, reason: str = "") -> None:
    """Close the letter; its job stays failed. Raises AlreadyResolved."""
    if not _discard([letter.pk], now=now, by=by, reason=reason):
        letter.refresh_from_db()
        _refuse_resolved(letter)


def redrive_many(
    letters: DeadLetterQuerySet, *, merchant: Merchant, now: datetime, by: str
) -> Resolved:
    """Run the jobs of the open ones among `letters` again, oldest first. Raises QuotaExceeded.

    Letters of jobs whose unique keys other jobs hold, and of jobs that need results of their parents
    that are not there, stay open. Jobs that draw on their parents' results go in groups, each in a
    transaction of its own, as their payloads are filled in one by one.
    """
    found = list(letters.open().order_by("pk").values_list("job_id", flat=True)[: MOST_AT_ONCE + 1])
    chosen = found[:MOST_AT_ONCE]
    if not chosen:
        return Resolved(count=0, more=False)
    quota.admit(merchant, adding=len(chosen), now=now)
    drawing = lifecycle.find_drawing(chosen)
    plain = set(chosen).difference(drawing)
    restarted = _restart([one for one in chosen if one in plain], now=now, by=by, replacements={})
    for start in range(0, len(drawing), lifecycle.MOST_JUDGED):
        group = drawing[start : start + lifecycle.MOST_JUDGED]
        restarted += _restart(group, now=now, by=by, replacements={})
    return Resolved(count=restarted, more=len(found) > MOST_AT_ONCE)


def discard_many(
    letters: DeadLetterQuerySet, *, now: datetime, by: str, reason: str = ""
) -> Resolved:
    """Close the open ones among `letters`, oldest first."""
    found = list(letters.open().order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    closed = _discard(found[:MOST_AT_ONCE], now=now, by=by, reason=reason)
    return Resolved(count=closed, more=len(found) > MOST_AT_ONCE)


def _replacement(letter: DeadLetter, payload: Any) -> dict[UUID, Replacement]:
    job = letter.job
    work = read_payload(payload, kind=job.kind, original=job.payload, merchant_id=job.merchant_id)
    new = Replacement(payload=work.payload, lane=work.lane, handler=work.handler)
    return {job.pk: new}


def _restart(
    job_ids: Sequence[UUID], *, now: datetime, by: str, replacements: Mapping[UUID, Replacement]
) -> int:
    with transaction.atomic():
        given = {**refilled(job_ids), **replacements}
        moved = lifecycle.restart(job_ids=job_ids, now=now, by=by, replacements=given)
        if moved:
            transaction.on_commit(publishing.wake)
    return len(moved)


def _discard(ids: Sequence[UUID], *, now: datetime, by: str, reason: str) -> int:
    letters: DeadLetterQuerySet = DeadLetter.objects.filter(pk__in=ids)
    return letters.open().update(
        resolution=Resolution.DISCARDED, resolved_at=now, resolved_by=by[:200], reason=reason
    )


def _refuse_resolved(letter: DeadLetter) -> None:
    if letter.resolution:
        raise AlreadyResolved(
            f"The dead letter was {letter.resolution} already, at {letter.resolved_at:%FT%TZ}; "
            "look at its job."
        )
