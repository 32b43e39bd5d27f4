"""From an answer or an error to an outcome: stable codes, sentences without secrets."""

import errno
from datetime import datetime
from typing import Any

import aiohttp

from jobs.handlers.http.response import Answer
from jobs.handlers.http.retry_after import parse_retry_after
from jobs.handlers.reach import Reach
from jobs.outcomes import Failure, Outcome, Result

RETRYABLE = frozenset({408, 425, 429})


def answered(answer: Answer, expected: bool, output: dict[str, Any], now: datetime) -> Outcome:
    """Return the outcome of a complete answer; `now` is for a Retry-After that is a date."""
    if expected:
        return Outcome(result=Result.SUCCEEDED, output=output, http_status=answer.status)
    retryable = answer.status in RETRYABLE or answer.status >= 500
    wish = parse_retry_after(answer.retry_after, now) if answer.retry_after and retryable else None
    return Outcome(
        result=Result.FAILED if retryable else Result.REJECTED,
        output=output,
        http_status=answer.status,
        retry_after=wish,
        failure=Failure(
            code=f"http_{answer.status}",
            message=_status_sentence(answer.status),
            detail=Reach.ANSWERED,
        ),
    )


def refused(code: str, message: str) -> Outcome:
    """Return the outcome of a request that must not be sent, now or later."""
    failure = Failure(code=code, message=message, detail=Reach.NOT_SENT)
    return Outcome(result=Result.REJECTED, failure=failure)


def timed_out(timeout: float, reach: Reach) -> Outcome:
    """Return the outcome of an attempt that reached its time limit of `timeout` seconds."""
    what = {
        Reach.NOT_SENT: "No connection was made",
        Reach.AMBIGUOUS: "The target did not answer",
        Reach.ANSWERED: "The target's answer did not end",
    }[reach]
    return Outcome(
        result=Result.TIMED_OUT,
        failure=Failure(code="timeout", message=f"{what} within {timeout:g} s.", detail=reach),
    )


def broken(error: Exception, reach: Reach) -> Outcome:
    """Return the outcome of a connection that failed. The error's own text is not repeated:
    it holds URLs."""
    code, message = _cause(error)
    return Outcome(result=Result.FAILED, failure=Failure(code=code, message=message, detail=reach))


def secret_unavailable() -> Outcome:
    """Return the outcome of a request that could not be signed because the database is away."""
    failure = Failure(
        code="secret_unavailable",
        message="The signing secret could not be read; TaskFlow tries again.",
        detail=Reach.NOT_SENT,
    )
    return Outcome(result=Result.FAILED, failure=failure)


def _status_sentence(status: int) -> str:
    if 300 <= status < 400:
        return f"The target answered {status}; redirects are not followed, so name the final URL."
    return f"The target answered {status}, which the job does not expect."


def _cause(error: Exception) -> tuple[str, str]:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "dns_failure", "The target's host name could not be resolved."
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return "tls_failure", "The TLS connection failed; check the target's certificate."
        case aiohttp.ClientConnectorCertificateError():
            return "tls_failure", "The TLS connection failed; check the target's certificate."
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            return "connection_reset", "The target closed the connection before it had answered."
        case aiohttp.ClientPayloadError():
            return "incomplete_body", "The connection broke before the end of the answer's body."
        case aiohttp.ClientResponseError():
            return "protocol_error", "The target's answer is not valid HTTP."
        case OSError():
            return _os_cause(error.errno)
        case _:
            return "connection_error", "The connection to the target failed."


def _os_cause(number: int | None) -> tuple[str, str]:
    match number:
        case errno.ECONNREFUSED:
            return "connection_refused", "The target refused the connection; is it listening there?"
        case errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED:
            return "connection_reset", "The target closed the connection before it had answered."
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ETIMEDOUT:
            return "host_unreachable", "There is no way to the target's network."
        case _:
            return "connection_error", "The connection to the target failed."
