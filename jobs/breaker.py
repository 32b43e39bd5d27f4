"""The circuit breaker: hosts that do not answer are left alone, tried again, and taken back slowly. Pure.

One for each merchant and host: what one merchant does to a host holds up nobody else. So many failures
in a row open it; it stays shut for a pause that doubles with each probe that fails. From the first
answer on it lets twice as many calls go at once with each full round of answers, until so many that it
bounds nothing any more; one failure on the way opens it again. A host that answers is up, whatever it
says: an error 500 is the application's, and the job's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from jobs.outcomes import CALLING_KINDS, Attempt, Call, Ending, Outcome, Result
from jobs.states import JobStatus

# Seconds until a job whose attempt was not counted looks again, or gets in line.
AGAIN = 1.0
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


class BreakerState(StrEnum):
    """What a breaker lets go, in the field's words."""

    CLOSED = "closed"  # everything: fewer failures in a row than it takes
    OPEN = "open"  # nothing, until the pause is over
    HALF_OPEN = "half_open"  # a probe, and with each round of answers twice as many


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What a group of calls says of a host: whether it answered, and the failures since."""

    answered: bool = False
    failures: int = 0
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What a group of calls says of a host that is given up.

    `reopens`: a call that tried it failed, and might take `timeout` seconds; else so many of these were
    answered. `failures` counts calls that were under way before, too.
    """

    answers: int = 0
    failures: int = 0
    code: str = ""
    reopens: bool = False
    timeout: float = 0.0


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
        merchant_id=attempt.merchant_id,
        handler=attempt.handler,
        answered=answered,
        code=code,
        began_at=attempt.started_at,
        timeout=attempt.timeout,
    )


def by_host(calls: Iterable[Call]) -> dict[Host, list[Call]]:
    """Sort calls by whom they called, each host's in the order in which they ended."""
    hosts: dict[Host, list[Call]] = {}
    for call in calls:
        hosts.setdefault((call.merchant_id, call.handler), []).append(call)
    return hosts


def tally(calls: Iterable[Call]) -> Tally:
    """Sum up the calls of one host that is not given up, in the order in which they ended."""
    found = Tally()
    for call in calls:
        if call.answered:
            found = Tally(answered=True)
        else:
            found = replace(found, failures=found.failures + 1, code=call.code)
    return found


def heard(calls: Sequence[Call], *, probe_at: datetime) -> News:
    """Sum up the calls of one host that is given up, to be tried from `probe_at` on.

    What was under way before neither opens nor closes: a call that hangs for a minute says nothing
    of a host that has come up since.
    """
    tries = [call for call in calls if call.began_at >= probe_at]
    failed = [call for call in calls if not call.answered]
    reopens = not all(call.answered for call in tries)
    return News(
        answers=0 if reopens else len(tries),
        failures=len(failed),
        code=failed[-1].code if failed else "",
        reopens=reopens,
        timeout=max((call.timeout for call in tries if not call.answered), default=0.0),
    )


def silence(*, longest: float, patience: float) -> float:
    """Return for how many seconds nobody may try a host, besides the try itself, and it still counts as tried.

    After more than that nobody knows whether it was away all the time, and patience begins anew.
    """
    return max(4 * longest, patience / 4)


def at_once(answers: int) -> int:
    """Return how many calls may be in workers' hands after so many answers since it was given up.

    One, the probe; then twice as many with each round of as many answers as there may be calls. So it
    depends on their number alone, in whichever order several workers report them.
    """
    return 1 << (answers + 1).bit_length() - 1


def spared(ending: Ending) -> Ending:
    """Return the ending of an attempt that does not count, since its host is away."""
    if ending.status not in {JobStatus.RETRYABLE, JobStatus.FAILED}:
        return ending
    return replace(ending, status=JobStatus.RETRYABLE, delay=AGAIN, counted=False)
