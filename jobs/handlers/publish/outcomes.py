"""From a receipt or a driver's error to an outcome: stable codes, sentences without secrets.

A driver's own text is never repeated: it may hold addresses, logins and keys.
"""

import socket
import ssl
from typing import Any

import amqp.exceptions
import redis.exceptions

from jobs.handlers.publish.delivery import Unroutable
from jobs.handlers.publish.destinations import Destination
from jobs.handlers.publish.sending import Sending
from jobs.handlers.reach import Reach
from jobs.outcomes import Failure, Outcome, Result

# AMQP 0-9-1, section 1.1: reply codes.
_NO_ROUTE = 312


def sent(output: dict[str, Any]) -> Outcome:
    """Return the outcome of a message that the broker has confirmed."""
    return Outcome(result=Result.SUCCEEDED, output=output)


def refused(code: str, message: str) -> Outcome:
    """Return the outcome of a message that must not be sent, now or later."""
    failure = Failure(code=code, message=message, detail=Reach.NOT_SENT)
    return Outcome(result=Result.REJECTED, failure=failure)


def unknown(message: str) -> Outcome:
    """Return the outcome of a destination that this worker lacks: another one may have it."""
    failure = Failure(code="unknown_destination", message=message, detail=Reach.NOT_SENT)
    return Outcome(result=Result.FAILED, failure=failure)


def timed_out(timeout: float, sending: Sending) -> Outcome:
    """Return the outcome of an attempt that reached its time limit of `timeout` seconds."""
    what = "The broker did not confirm" if sending.begun else "No connection was free or made"
    failure = Failure(
        code="timeout", message=f"{what} within {timeout:g} s.", detail=reach(sending)
    )
    return Outcome(result=Result.TIMED_OUT, failure=failure)


def failed(error: BaseException, destination: Destination, sending: Sending) -> Outcome:
    """Return the outcome of a message that a driver could not deliver."""
    result, code, sentence = _cause(error)
    message = f'Destination "{destination.name}": {sentence}'
    return Outcome(
        result=result, failure=Failure(code=code, message=message, detail=_reach(error, sending))
    )


def reach(sending: Sending) -> Reach:
    """Tell what the broker may have."""
    return Reach.AMBIGUOUS if sending.begun else Reach.NOT_SENT


def _reach(error: BaseException, sending: Sending) -> Reach:
    if isinstance(error, Unroutable | amqp.exceptions.MessageNacked | redis.ResponseError):
        return Reach.NOT_SENT
    if isinstance(error, amqp.exceptions.ChannelError):  # the broker's answer to this message
        return Reach.NOT_SENT
    return reach(sending)


def _cause(error: BaseException) -> tuple[Result, str, str]:
    """Return how the attempt ended, a code, and a sentence."""
    if isinstance(error, amqp.exceptions.AMQPError | amqp.exceptions.MessageNacked):
        return _amqp_cause(error)
    if isinstance(error, redis.exceptions.ResponseError | redis.exceptions.AuthenticationError):
        return _redis_cause(error)
    return Result.FAILED, *_connection_cause(error)


def _amqp_cause(error: BaseException) -> tuple[Result, str, str]:
    no_route = getattr(error, "reply_code", None) == _NO_ROUTE
    match error:
        case amqp.exceptions.PreconditionFailed() | amqp.exceptions.ContentTooLarge():
            return Result.REJECTED, "message_refused", "the broker refused the message; too large?"
        case amqp.exceptions.MessageNacked():
            return Result.FAILED, "not_confirmed", "the broker did not take the message."
        case amqp.exceptions.ChannelError() if no_route:
            return Result.FAILED, *_UNROUTABLE
        case amqp.exceptions.AccessRefused() | amqp.exceptions.NotAllowed():
            return Result.FAILED, *_ACCESS
        case amqp.exceptions.NotFound():
            return Result.FAILED, "no_exchange", "its exchange does not exist; declare it."
        case amqp.exceptions.ConnectionError():
            return Result.FAILED, *_connection_cause(error)
        case _:
            return Result.FAILED, "broker_error", "the broker answered with an error."


def _redis_cause(error: BaseException) -> tuple[Result, str, str]:
    text = str(error)
    match error:
        case redis.exceptions.AuthenticationError() | redis.exceptions.NoPermissionError():
            return Result.FAILED, *_ACCESS
        case redis.exceptions.OutOfMemoryError():
            return Result.FAILED, "broker_full", "the broker's memory is full."
        case redis.exceptions.ReadOnlyError() | redis.exceptions.BusyLoadingError():
            return Result.FAILED, "broker_unavailable", "the broker takes no messages just now."
        case _ if text.startswith("WRONGTYPE"):
            return Result.FAILED, "wrong_key_type", "its key holds something else; rename either."
        case _:
            return Result.FAILED, "broker_error", "the broker answered with an error."


def _connection_cause(error: BaseException) -> tuple[str, str]:
    causes = _chain(error)
    if isinstance(error, Unroutable):
        return _UNROUTABLE
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "tls_failure", "the TLS connection failed; check the broker's certificate."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "dns_failure", "the broker's host name could not be resolved."
    if any(isinstance(cause, TimeoutError | redis.exceptions.TimeoutError) for cause in causes):
        return "broker_silent", "the broker did not answer in time."
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "connection_refused", "the broker refused the connection; is it listening there?"
    if any(isinstance(cause, redis.exceptions.AuthenticationError) for cause in causes):
        return _ACCESS
    return "connection_error", "the connection to the broker failed."


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and what it was raised from or while handling, nearest first."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


_ACCESS = (
    "access_refused",
    "the broker refused the login or the right to send; ask the operators.",
)
_UNROUTABLE = ("unroutable", "no queue takes messages with this routing key; bind one.")
