"""Runs one attempt by its kind and turns whatever happens into an outcome."""

import asyncio
import logging
from dataclasses import replace

from jobs.fault_points import EXECUTOR_AFTER_EFFECT, reach
from jobs.handlers.context import AttemptContext
from jobs.handlers.registry import UnknownKind, find_kind
from jobs.outcomes import Attempt, Failure, Outcome, Result

logger = logging.getLogger(__name__)


class Interrupted(BaseException):
    """Raised by the alarm in the handler's own frame; not an Exception, so handlers let it pass."""

    def __init__(self, result: Result) -> None:
        self.result = result


async def run_attempt(attempt: Attempt, context: AttemptContext) -> Outcome:
    """Run in the async lane. Cancellation passes through; every other exception is an outcome."""
    try:
        kind = find_kind(attempt.kind)
        if kind.run is None:
            return _wrong_lane(attempt)
        outcome = await kind.run(attempt, context)
        reach(EXECUTOR_AFTER_EFFECT)
    except UnknownKind as error:
        outcome = _unknown(error)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - logged by _crashed, and an outcome
        # Any exception at all: one that got out would end the loop of all attempts.
        outcome = _crashed(attempt, error)
    return _with_log(outcome, context)


def run_attempt_in_process(attempt: Attempt, context: AttemptContext) -> Outcome:
    """Run in the process lane; every exception but the executor's own time limit is an outcome."""
    try:
        kind = find_kind(attempt.kind)
        if kind.run_in_process is None:
            return _wrong_lane(attempt)
        outcome = kind.run_in_process(attempt, context)
        reach(EXECUTOR_AFTER_EFFECT)
    except UnknownKind as error:
        outcome = _unknown(error)
    except Interrupted:
        raise
    except BaseException as error:  # noqa: BLE001 - logged by _crashed, and an outcome
        outcome = _crashed(attempt, error)
    return _with_log(outcome, context)


def time_limit(attempt: Attempt) -> float:
    """Return the seconds the attempt may take: the job's timeout, or its handler's lower one."""
    try:
        own = find_kind(attempt.kind).time_limit(attempt.payload)
    except UnknownKind:
        own = None
    return attempt.timeout if own is None else min(attempt.timeout, own)


def _with_log(outcome: Outcome, context: AttemptContext) -> Outcome:
    lines = context.taken_log()
    return replace(outcome, log=(*outcome.log, *lines)) if lines else outcome


def _unknown(error: UnknownKind) -> Outcome:
    # An older worker may not know a newer kind: another attempt may meet a newer worker.
    failure = Failure(code="unknown_kind", message=str(error))
    return Outcome(result=Result.FAILED, failure=failure, began=False)


def _wrong_lane(attempt: Attempt) -> Outcome:
    return Outcome(
        result=Result.REJECTED,
        failure=Failure(
            code="wrong_lane", message=f"Jobs of kind {attempt.kind!r} cannot run in this lane."
        ),
    )


def _crashed(attempt: Attempt, error: BaseException) -> Outcome:
    logger.error(
        "Job %s: its kind %r failed unexpectedly", attempt.job_id, attempt.kind, exc_info=error
    )
    return Outcome(
        result=Result.FAILED,
        failure=Failure(
            code="internal_error",
            message=f"The platform failed to run the attempt ({type(error).__name__}).",
        ),
    )
