"""The job kind `publish`: one message to a destination that operators configured."""

import asyncio
import time
from typing import Any
from uuid import UUID

from django.conf import settings

from jobs.handlers.context import AttemptContext
from jobs.handlers.kinds import ASYNC, InvalidPayload, Kind
from jobs.handlers.publish import outcomes
from jobs.handlers.publish.delivery import Receipt
from jobs.handlers.publish.destinations import Destination, Destinations
from jobs.handlers.publish.line import Line
from jobs.handlers.publish.message import Message, build_message
from jobs.handlers.publish.payload import Order, UnknownDestination, admit, parse_payload
from jobs.handlers.publish.sending import OutOfTime, Sending
from jobs.outcomes import Attempt, Outcome


class PublishRunner:
    """Validates and runs publish jobs."""

    def __init__(self) -> None:
        # By loop, so that a forked child never touches its parent's connections.
        self._lines: dict[asyncio.AbstractEventLoop, dict[str, Line]] = {}

    def validate(self, payload: Any) -> None:
        """Raise InvalidPayload for a payload that could never be sent."""
        parse_payload(payload, configured())

    def admit(self, payload: Any, merchant_id: UUID) -> None:
        """Raise InvalidPayload for a destination that is not the merchant's to use."""
        admit(payload, configured(), merchant_id)

    async def run(self, attempt: Attempt, context: AttemptContext) -> Outcome:
        """Send the message and wait for the broker's confirmation, all within the timeout.

        Nothing leaves after the limit that had not begun to. Cancellation passes through.
        """
        try:
            order = parse_payload(attempt.payload, configured())
        except UnknownDestination as error:
            return outcomes.unknown(f"The payload {error.problems[0].message}")
        except InvalidPayload as error:
            return outcomes.refused("invalid_payload", f"The payload cannot be sent: {error}")
        destination = order.destination
        if not destination.serves(attempt.merchant_id):
            message = f'The destination "{destination.name}" is not for this merchant.'
            return outcomes.refused("destination_denied", message)
        return await self._sent(order, build_message(order, attempt), attempt)

    async def close(self) -> None:
        """Close the running loop's connections."""
        lines = self._lines.pop(asyncio.get_running_loop(), {})
        await asyncio.gather(*(line.close() for line in lines.values()))

    async def _sent(self, order: Order, message: Message, attempt: Attempt) -> Outcome:
        started = time.monotonic()
        sending = Sending(attempt.timeout)
        limit = asyncio.timeout(attempt.timeout)
        try:
            async with limit:
                line = self._line(order.destination)
                receipt = await line.send(message, order.routing_key, sending)
        except OutOfTime:
            return outcomes.timed_out(attempt.timeout, sending)
        except Exception as error:  # noqa: BLE001
            # Three drivers' errors, and whatever a broken connection makes of their inner state.
            # A socket's limit may strike a moment before the attempt's, which it was cut to.
            if limit.expired() or sending.is_over():
                return outcomes.timed_out(attempt.timeout, sending)
            return outcomes.failed(error, order.destination, sending)
        finally:
            sending.give_up()
        elapsed = time.monotonic() - started
        return outcomes.sent(_output(order.destination, message, receipt, elapsed))

    def _line(self, destination: Destination) -> Line:
        lines = self._lines.setdefault(asyncio.get_running_loop(), {})
        if destination.name not in lines:
            lines[destination.name] = Line(destination)
        return lines[destination.name]


def configured() -> Destinations:
    """Return the operators' destinations by name."""
    known: Destinations = settings.TASKFLOW_DESTINATIONS
    return known


def _output(
    destination: Destination, message: Message, receipt: Receipt, elapsed: float
) -> dict[str, Any]:
    """Return what is kept of a sent message: where it went, never its URL or its body."""
    return {
        "destination": destination.name,
        "type": destination.type,
        "message_id": message.id,
        "body_bytes": len(message.body.encode()),
        "duration_ms": round(elapsed * 1000),
        **receipt.facts,
    }


def _always_async(_payload: dict[str, Any]) -> str:
    return ASYNC


def _destination_name(payload: dict[str, Any]) -> str:
    return str(payload["destination"])


def _names(merchant_id: UUID | None) -> list[str]:
    return [
        name
        for name, destination in configured().items()
        if merchant_id is None or destination.serves(merchant_id)
    ]


RUNNER = PublishRunner()
KIND = Kind(
    name="publish",
    validate=RUNNER.validate,
    admit=RUNNER.admit,
    lane=_always_async,
    handler=_destination_name,
    handlers=_names,
    run=RUNNER.run,
    close=RUNNER.close,
)
