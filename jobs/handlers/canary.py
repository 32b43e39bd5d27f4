"""The job kind `canary`: does nothing, in the lane that its payload names. The platform's own."""

from typing import Any
from uuid import UUID

from jobs.handlers.context import AttemptContext
from jobs.handlers.kinds import CANARY, LANES, InvalidPayload, Kind, PayloadProblem
from jobs.outcomes import Attempt, Failure, Outcome, Result
from tenants.platform import PLATFORM_ID

_NOT_YOURS = "is of a kind that only the platform itself may use."


def validate(payload: Any) -> None:
    """Raise InvalidPayload unless it names a lane and nothing else."""
    if payload not in [{"lane": lane} for lane in LANES]:
        names = ", ".join(f'"{lane}"' for lane in LANES)
        raise InvalidPayload((PayloadProblem("/lane", f"must be one of {names}."),))


def admit(_payload: Any, merchant_id: UUID) -> None:
    """Raise InvalidPayload for every merchant but the platform's own."""
    if merchant_id != PLATFORM_ID:
        raise InvalidPayload((PayloadProblem("", _NOT_YOURS),))


def _lane(payload: dict[str, Any]) -> str:
    return str(payload["lane"])


def _no_handler(_payload: dict[str, Any]) -> str:
    return ""


async def run(attempt: Attempt, context: AttemptContext) -> Outcome:
    """Succeed."""
    return run_in_process(attempt, context)


def run_in_process(attempt: Attempt, context: AttemptContext) -> Outcome:
    """Succeed; for another merchant's job, however it came here, be rejected."""
    context.begin()
    if attempt.merchant_id != PLATFORM_ID:
        failure = Failure(code="not_yours", message=f"This job {_NOT_YOURS}")
        return Outcome(result=Result.REJECTED, failure=failure)
    return Outcome(result=Result.SUCCEEDED)


KIND = Kind(
    name=CANARY,
    validate=validate,
    admit=admit,
    lane=_lane,
    handler=_no_handler,
    run=run,
    run_in_process=run_in_process,
    platform_only=True,
)
