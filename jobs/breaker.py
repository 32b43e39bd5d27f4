"""The circuit breaker: hosts that do not answer are left alone, and tried again one job at a time. Pure.

One for each merchant and host: what one merchant does to a host holds up nobody else. So many failures
in a row open it; it stays shut for a pause that doubles with each probe that fails; one answer closes
it. A host that answers is up, whatever it says: an error 500 is the application's, and the job's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from jobs.outcomes import Attempt, Call, Ending, Outcome, Result
from jobs.states import JobStatus

# Seconds until a job whose attempt was not counted looks again, or gets in line.
AGAIN = 1.0
CALLING_KINDS = frozenset({"http"})
# What stands between callers and the application says these when the application is away.
GATEWAY_STATUSES = frozenset({502, 503, 504})
UNREACHED = frozenset(
    {
        "connection_error",
        "connection_refused",
        "connection_reset",
        "dns_failure",
        "host_unreachable",
        "incomplete_body",
        "protocol_error",
        "timeout",
        "tls_failure",
    }
)

Host = tuple[UUID, str]  # merchant, handler


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What a group of calls says of one host: whether it answered, and the failures since."""

    answered: bool = False
    failures: int = 0
    code: str = ""


def call_of(attempt: Attempt, outcome: Outcome) -> Call | None:
    """Return what an attempt says of its host; None when it says nothing."""
    if attempt.kind not in CALLING_KINDS or not attempt.handler:
        return None
    code = outcome.failure.code if outcome.failure else ""
    if outcome.result is Result.SUCCEEDED and outcome.http_status is not None:
        answered = True  # a job may expect a 503
    elif outcome.http_status is not None and code not in UNREACHED:
        answered = outcome.http_status not in GATEWAY_STATUSES
    elif outcome.result in {Result.FAILED, Result.TIMED_OUT} and code in UNREACHED:
        answered = False
    else:
        return None
    return Call(
        merchant_id=attempt.merchant_id, handler=attempt.handler, answered=answered, code=code
    )


def tally(calls: Iterable[Call]) -> dict[Host, Tally]:
    """Sum up calls, in the order in which they ended."""
    tallies: dict[Host, Tally] = {}
    for call in calls:
        host = call.merchant_id, call.handler
        before = tallies.get(host, Tally())
        if call.answered:
            tallies[host] = Tally(answered=True)
        else:
            tallies[host] = replace(before, failures=before.failures + 1, code=call.code)
    return tallies


def spared(ending: Ending) -> Ending:
    """Return the ending of an attempt that does not count, since its host is away."""
    if ending.status not in {JobStatus.RETRYABLE, JobStatus.FAILED}:
        return ending
    return replace(ending, status=JobStatus.RETRYABLE, delay=AGAIN, counted=False)
