"""What follows from an outcome: done, again later, or never again. Pure but for the dice."""

import random

from jobs.backoff import Backoff
from jobs.breaker import call_of
from jobs.fingerprint import error_fingerprint
from jobs.outcomes import Attempt, Ending, Failure, Outcome, Result
from jobs.states import JobStatus

_UNKNOWN = Failure(code="unknown", message="The handler gave no reason.")
WORKER_LOST = Failure(
    code="worker_lost", message="The worker stopped or fell silent while it ran this attempt."
)
POISON = Failure(
    code="poison", message="Its worker was lost every time; the job probably kills its worker."
)

AMBIGUOUS = "ambiguous"
_MAYBE_HAPPENED = {
    Result.LOST: "its worker was lost",
    Result.TIMED_OUT: "it took too long and was stopped",
    Result.RELEASED: "its worker shut down while it ran",
}


def verdict(attempt: Attempt, outcome: Outcome, *, poison_losses: int) -> Ending:
    """Decide the job's next status after an attempt."""
    failure = outcome.failure
    if outcome.result in {Result.FAILED, Result.TIMED_OUT, Result.REJECTED, Result.LOST}:
        failure = failure or _UNKNOWN
    status, delay = _next_status(attempt, outcome, poison_losses=poison_losses)
    if _is_ambiguous(attempt, outcome):
        failure = _ambiguous(outcome)
    elif outcome.result is Result.LOST and attempt.lost_count + 1 >= poison_losses:
        failure = POISON
    return Ending(
        job_id=attempt.job_id,
        ticket=attempt.ticket,
        outcome=outcome.result,
        status=status,
        delay=delay,
        http_status=outcome.http_status,
        code=failure.code if failure else "",
        message=failure.message if failure else "",
        detail=failure.detail if failure else "",
        fingerprint=_fingerprint(attempt, failure) if failure else "",
        output=outcome.output,
        log=outcome.log,
        call=call_of(attempt, outcome),
    )


def _next_status(
    attempt: Attempt, outcome: Outcome, *, poison_losses: int
) -> tuple[JobStatus, float]:
    match outcome.result:
        case Result.SUCCEEDED:
            return JobStatus.SUCCEEDED, 0.0
        case Result.CANCELLED:
            return JobStatus.CANCELLED, 0.0
        case _ if _is_not_repeated(attempt, outcome):
            return JobStatus.FAILED, 0.0
        case Result.RELEASED:
            return JobStatus.SCHEDULED, 0.0
        case Result.REJECTED:
            return JobStatus.FAILED, 0.0
        case Result.LOST if attempt.lost_count + 1 >= poison_losses:
            return JobStatus.FAILED, 0.0
    if attempt.round >= attempt.max_attempts:
        return JobStatus.FAILED, 0.0
    policy = Backoff.from_stored(attempt.backoff)
    # Not a secret: the jitter only spreads retries.
    delay = policy.delay(failures=attempt.round, chance=random.random())  # noqa: S311
    return JobStatus.RETRYABLE, max(delay, outcome.retry_after or 0.0)


def _is_not_repeated(attempt: Attempt, outcome: Outcome) -> bool:
    """Tell whether a handler that must not run twice has, or may have, done its work.

    One that raises RetryLater (the only failure of Python handlers with a `retry_after`) says itself
    that it did nothing.
    """
    if not attempt.at_most_once or not outcome.began:
        return False
    return outcome.result is not Result.FAILED or outcome.retry_after is None


def _is_ambiguous(attempt: Attempt, outcome: Outcome) -> bool:
    return _is_not_repeated(attempt, outcome) and outcome.result in _MAYBE_HAPPENED


def _ambiguous(outcome: Outcome) -> Failure:
    why = _MAYBE_HAPPENED[outcome.result]
    return Failure(
        code=AMBIGUOUS,
        message=f"The attempt may have done its work: {why}. Its handler must not run twice; look "
        "at what it did, then redrive or discard.",
        detail=outcome.failure.message if outcome.failure else "",
    )


def _fingerprint(attempt: Attempt, failure: Failure) -> str:
    return error_fingerprint(
        kind=attempt.kind, handler=attempt.handler, code=failure.code, message=failure.message
    )
