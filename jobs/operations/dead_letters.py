"""What people do to jobs that failed for good: redrive them or discard them, one or many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.masking import masked
from jobs.models import DeadLetter, Resolution
from jobs.operations.judging import refilled
from jobs.operations.unique_keys import refuse_held
from jobs.operations.work import read_payload
from jobs.querysets import DeadLetterQuerySet
from jobs.rows import Replacement
from tenants.audit import Actor, record
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


def redrive(letter: DeadLetter, *, now: datetime, by: Actor, payload: Any = None) -> None:
    """Run the job again, with another payload when one is given.

    Raises AlreadyResolved, CannotRetake, InvalidFields for the payload, QuotaExceeded.
    """
    _refuse_resolved(letter)
    replacements = _replacement(letter, payload) if payload is not None else {}
    quota.admit(letter.merchant, adding=1, now=now)
    with transaction.atomic():
        pair = [(letter.pk, letter.job_id)]
        restarted = _restart(pair, now=now, by=by, replacements=replacements)
        if restarted:
            _record_redrive(letter, replacements, by=by)
    if not restarted:
        letter.refresh_from_db()
        _refuse_resolved(letter)
        refuse_held(letter.job)
        raise AlreadyResolved(
            "The job of this dead letter is no longer failed, or needs results of its parents "
            "that are not there; look at the job, or send a payload."
        )


def discard(letter: DeadLetter, *, now: datetime, by: Actor, reason: str = "") -> None:
    """Close the letter; its job stays failed. Raises AlreadyResolved."""
    with transaction.atomic():
        closed = _discard([letter.pk], now=now, by=by, reason=reason)
        if closed:
            record(
                by=by,
                verb="discard",
                object_type="dead_letter",
                object_id=letter.pk,
                merchant_id=letter.merchant_id,
                before={"resolution": "open"},
                after={"resolution": "discarded", "reason": reason},
            )
    if not closed:
        letter.refresh_from_db()
        _refuse_resolved(letter)


def redrive_many(
    letters: DeadLetterQuerySet,
    *,
    merchant: Merchant,
    now: datetime,
    by: Actor,
    chosen_by: Mapping[str, Any] | None = None,
) -> Resolved:
    """Run the jobs of the open ones among `letters` again, oldest first. Raises QuotaExceeded.

    `chosen_by` says in the audit trail how the letters were chosen.

    Letters of jobs whose unique keys other jobs hold, and of jobs that need results of their parents
    that are not there, stay open. Jobs that draw on their parents' results go in groups, each in a
    transaction of its own, as their payloads are filled in one by one.
    """
    found = list(letters.open().order_by("pk").values_list("pk", "job_id")[: MOST_AT_ONCE + 1])
    chosen = found[:MOST_AT_ONCE]
    if not chosen:
        return Resolved(count=0, more=False)
    quota.admit(merchant, adding=len(chosen), now=now)
    drawn = set(lifecycle.find_drawing([job_id for _, job_id in chosen]))
    drawing = [pair for pair in chosen if pair[1] in drawn]
    groups = [[pair for pair in chosen if pair[1] not in drawn]]
    starts = range(0, len(drawing), lifecycle.MOST_JUDGED)
    groups += [drawing[start : start + lifecycle.MOST_JUDGED] for start in starts]
    restarted = 0
    for group in groups:
        with transaction.atomic():
            count = _restart(group, now=now, by=by, replacements={})
            if count:
                _record_many("redrive", chosen_by, merchant.pk, count, by=by)
        restarted += count
    return Resolved(count=restarted, more=len(found) > MOST_AT_ONCE)


def discard_many(
    letters: DeadLetterQuerySet,
    *,
    merchant: Merchant,
    now: datetime,
    by: Actor,
    reason: str = "",
    chosen_by: Mapping[str, Any] | None = None,
) -> Resolved:
    """Close the open ones among `letters`, oldest first. `chosen_by`: see redrive_many."""
    found = list(letters.open().order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    with transaction.atomic():
        closed = _discard(found[:MOST_AT_ONCE], now=now, by=by, reason=reason)
        if closed:
            _record_many("discard", chosen_by, merchant.pk, closed, by=by, reason=reason)
    return Resolved(count=closed, more=len(found) > MOST_AT_ONCE)


def _replacement(letter: DeadLetter, payload: Any) -> dict[UUID, Replacement]:
    job = letter.job
    work = read_payload(payload, kind=job.kind, original=job.payload, merchant_id=job.merchant_id)
    new = Replacement(payload=work.payload, lane=work.lane, handler=work.handler)
    return {job.pk: new}


def _record_redrive(
    letter: DeadLetter, replacements: Mapping[UUID, Replacement], *, by: Actor
) -> None:
    job = letter.job
    before: dict[str, Any] = {"resolution": "open"}
    after: dict[str, Any] = {"resolution": "redriven"}
    if replacements:
        before["payload"] = masked(job.kind, job.payload)
        after["payload"] = masked(job.kind, replacements[job.pk].payload)
    record(
        by=by,
        verb="redrive",
        object_type="dead_letter",
        object_id=letter.pk,
        merchant_id=letter.merchant_id,
        before=before,
        after=after,
    )


def _record_many(
    verb: str,
    chosen_by: Mapping[str, Any] | None,
    merchant_id: UUID,
    count: int,
    *,
    by: Actor,
    **more: Any,
) -> None:
    record(
        by=by,
        verb=verb,
        object_type="dead_letter",
        merchant_id=merchant_id,
        after={"chosen_by": dict(chosen_by or {}), "count": count, **more},
    )


def _restart(
    pairs: Sequence[tuple[UUID, UUID]],
    *,
    now: datetime,
    by: Actor,
    replacements: Mapping[UUID, Replacement],
) -> int:
    """Run the jobs of (letter, job) again whose letters are still open; return how many."""
    job_ids = [job_id for _, job_id in pairs]
    with transaction.atomic():
        given = {**refilled(job_ids), **replacements}
        moved = lifecycle.restart(
            job_ids=job_ids,
            now=now,
            by=by.shown,
            replacements=given,
            letters=[letter_id for letter_id, _ in pairs],
        )
        if moved:
            transaction.on_commit(publishing.wake)
    return len(moved)


def _discard(ids: Sequence[UUID], *, now: datetime, by: Actor, reason: str) -> int:
    letters: DeadLetterQuerySet = DeadLetter.objects.filter(pk__in=ids)
    # In the order in which a redrive locks them.
    locked = letters.open().order_by("job_id").select_for_update().values_list("pk", flat=True)
    return DeadLetter.objects.filter(pk__in=list(locked)).update(
        resolution=Resolution.DISCARDED, resolved_at=now, resolved_by=by.shown, reason=reason
    )


def _refuse_resolved(letter: DeadLetter) -> None:
    if letter.resolution:
        raise AlreadyResolved(
            f"The dead letter was {letter.resolution} already, at {letter.resolved_at:%FT%TZ}; "
            "look at its job."
        )
