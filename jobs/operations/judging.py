"""What becomes of a job whose parents ended as it needs, and which draws on their results."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from jobs import lifecycle
from jobs.conditions import InvalidCondition, UndecidedCondition, holds
from jobs.dependency_rows import Judgement, Ready
from jobs.filling import NothingThere, TooMuch, filled
from jobs.fingerprint import error_fingerprint
from jobs.handlers.registry import InvalidPayload, UnknownKind, find_kind
from jobs.handlers.text import storable
from jobs.operations.fields import json_size
from jobs.operations.limits import MAX_PAYLOAD
from jobs.rows import Replacement
from jobs.states import JobStatus

_LONGEST = 1_000  # characters of an error's message


class Unfit(Exception):
    """The job cannot run with its parents' results; `code` is its error's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def judge(ready: Ready) -> Judgement:
    """Decide on one job; never raises. What cannot be decided fails, and a person sees it."""
    try:
        return _judge(ready)
    except Unfit as fault:
        return _failed(ready, fault.code, str(fault))
    except Exception as error:  # noqa: BLE001 - one job's fault must not hold up all others
        return _failed(ready, "parents_unusable", f"Unforeseen: {type(error).__name__}.")


def refilled(job_ids: Sequence[UUID]) -> dict[UUID, Replacement]:
    """Return the payloads with which ended jobs may run although their parents did not let them.

    The parents' results are put in as they are now, whatever the condition says. A job that draws on
    nothing, or on something that is not there, is left out.
    """
    judgements = [judge(replace(ready, condition="")) for ready in lifecycle.find_unfilled(job_ids)]
    return {
        one.job_id: Replacement(payload=one.payload, lane=one.lane, handler=one.handler)
        for one in judgements
        if one.payload is not None
    }


def _judge(ready: Ready) -> Judgement:
    parents = _parents(ready)
    if ready.condition and not _holds(ready.condition, parents):
        return Judgement(
            job_id=ready.job_id,
            status=JobStatus.SKIPPED,
            reason=f"Its condition is false: {ready.condition:.150}",
        )
    payload = _payload(ready, parents)
    kind = find_kind(ready.kind)
    return Judgement(
        job_id=ready.job_id,
        status=JobStatus.SCHEDULED,
        payload=payload,
        lane=kind.lane(payload),
        handler=kind.handler(payload),
    )


def _parents(ready: Ready) -> Mapping[str, Mapping[str, Any]]:
    if any(parent.too_large for parent in ready.parents):
        raise Unfit(
            "parents_too_large",
            "The results that it looks at have more than "
            f"{lifecycle.MOST_RESULTS // 1024} KiB of JSON, or nest too deep.",
        )
    return {
        parent.name: {"status": parent.status, "result": parent.result, "error": parent.error}
        for parent in ready.parents
    }


def _holds(condition: str, parents: Mapping[str, Mapping[str, Any]]) -> bool:
    try:
        return holds(condition, parents)
    except (InvalidCondition, UndecidedCondition) as fault:
        raise Unfit("condition_undecided", f"Its condition has no answer: {fault}.") from fault


def _payload(ready: Ready, parents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = filled(ready.payload, parents, most=MAX_PAYLOAD)
        _refuse_large(payload)
        kind = find_kind(ready.kind)
        kind.admit(payload, ready.merchant_id)
        kind.validate(payload)
    except NothingThere as fault:
        raise Unfit("payload_unfilled", str(fault)) from fault
    except TooMuch as fault:
        raise Unfit(
            "payload_unfilled", "With its parents' results its payload is too large."
        ) from fault
    except (InvalidPayload, UnknownKind) as fault:
        raise Unfit(
            "payload_unfilled",
            f"With its parents' results its payload does not fit: {fault!s:.300}",
        ) from fault
    return payload


def _refuse_large(payload: Mapping[str, Any]) -> None:
    if json_size(payload) > MAX_PAYLOAD:
        raise TooMuch


def _failed(ready: Ready, code: str, message: str) -> Judgement:
    message = storable(message, _LONGEST)  # it may quote what a parent answered
    return Judgement(
        job_id=ready.job_id,
        status=JobStatus.FAILED,
        reason=message,
        code=code,
        fingerprint=error_fingerprint(
            kind=ready.kind, handler=ready.handler, code=code, message=message
        ),
    )
