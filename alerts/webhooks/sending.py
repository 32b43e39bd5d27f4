"""The job kind `webhook`: sends one event to one endpoint. The platform's own merchant alone has such jobs."""

import asyncio
import random
import time
from dataclasses import replace
from datetime import UTC
from typing import Any
from uuid import UUID

import aiohttp
from django.conf import settings
from django.db import Error as DatabaseError
from multidict import CIMultiDict

from alerts.webhooks.addressee import Addressee, Addressees, Load, load_addressee
from alerts.webhooks.kind_name import WEBHOOK
from alerts.webhooks.schedule import delay_after
from jobs.engine import Engine
from jobs.handlers.context import AttemptContext
from jobs.handlers.http import outcomes
from jobs.handlers.http.client import GuardedClient, Sending
from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.request import USER_AGENT, Request
from jobs.handlers.http.resolver import Lookup, system_lookup
from jobs.handlers.http.response import Answer, begin_answer, read_body
from jobs.handlers.http.retry_after import parse_retry_after
from jobs.handlers.http.target import InvalidTarget, parse_target
from jobs.handlers.kinds import ASYNC, InvalidPayload, Kind, PayloadProblem
from jobs.handlers.reach import Reach
from jobs.outcomes import Attempt, Failure, Outcome, Result
from tenants.encryption import SecretUnreadable
from tenants.platform import PLATFORM_ID

EXCERPT = 1024  # bytes of an answer that are kept
GONE = 410
_FIELDS = {"endpoint", "event", "body"}


class _Loop:
    """What the deliveries of one event loop share."""

    def __init__(self, engine: Engine, load: Load, lookup: Lookup) -> None:
        self.policy = AddressPolicy(engine.http_allow_networks)
        connections = engine.http_connections or engine.async_capacity
        self.client = GuardedClient(self.policy, connections, lookup)
        self.addressees = Addressees(load)


class _Exchange:
    """How far one attempt came."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.sending = Sending()
        self.answer: Answer | None = None

    def reach(self) -> Reach:
        if self.answer is not None:
            return Reach.ANSWERED
        return Reach.AMBIGUOUS if self.sending.connected else Reach.NOT_SENT

    def output(self) -> dict[str, Any] | None:
        """Return what is kept of the answer: its status, its time and an excerpt, no headers."""
        if self.answer is None:
            return None
        kept = self.answer.output(time.monotonic() - self.started)
        return {name: kept[name] for name in ("status", "body", "body_truncated", "duration_ms")}


class WebhookRunner:
    """Runs deliveries. `load` and `lookup` are the ways to endpoints and to addresses."""

    def __init__(self, load: Load = load_addressee, lookup: Lookup = system_lookup) -> None:
        self._load = load
        self._lookup = lookup
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}

    async def run(self, attempt: Attempt, context: AttemptContext) -> Outcome:
        """Send the event and judge the answer within the attempt's timeout.

        Everything but a 2xx is tried again, on the schedule; 410 says that nobody wants it any more.
        """
        exchange = _Exchange()
        outcome = await self._send(attempt, exchange)
        if outcome.output is None:
            outcome = replace(outcome, output=exchange.output())
        return _on_schedule(outcome, attempt)

    async def close(self) -> None:
        """Close the running loop's connections."""
        shared = self._loops.pop(asyncio.get_running_loop(), None)
        if shared is not None:
            await shared.client.close()

    async def _send(self, attempt: Attempt, exchange: _Exchange) -> Outcome:
        shared = self._shared()
        limit = asyncio.timeout(attempt.timeout)
        try:
            async with limit:
                addressee = await shared.addressees.find(UUID(attempt.payload["endpoint"]))
                if addressee is None or not addressee.open:
                    return _not_wanted(addressee)
                request = _request(addressee, attempt, shared.policy)
                async with shared.client.send(request, exchange.sending) as response:
                    exchange.answer = begin_answer(response)
                    await read_body(response, exchange.answer, EXCERPT)
        except (AddressDenied, InvalidTarget) as error:
            return outcomes.refused("address_denied", f"The URL {error}")
        except (DatabaseError, SecretUnreadable):
            return outcomes.secret_unavailable()
        except (aiohttp.ClientError, OSError) as error:
            # TimeoutError is an OSError, and a connection may break with one of its own.
            if limit.expired():
                failed = outcomes.timed_out(attempt.timeout, exchange.reach())
            else:
                failed = outcomes.broken(error, exchange.reach())
            status = exchange.answer.status if exchange.answer else None
            return replace(failed, http_status=status)
        return _judged(exchange.answer, attempt)

    def _shared(self) -> _Loop:
        loop = asyncio.get_running_loop()
        shared = self._loops.get(loop)
        if shared is None:
            shared = self._loops[loop] = _Loop(settings.TASKFLOW_ENGINE, self._load, self._lookup)
        return shared


def _request(addressee: Addressee, attempt: Attempt, policy: AddressPolicy) -> Request:
    """Return the request: the same id and bytes at each attempt, signed by each secret that holds.

    The signatures are of the attempt's start, a space between them (Standard Webhooks 1.0).
    """
    event_id, body = attempt.payload["event"], attempt.payload["body"]
    # `sign` takes the clock face for UTC, whatever the zone.
    signed_at = attempt.started_at.astimezone(UTC)
    signatures = [signer.sign(event_id, signed_at, body) for signer in addressee.signers]
    headers = CIMultiDict(
        {
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
    )
    return Request("POST", parse_target(addressee.url, policy), headers, body.encode())


def _judged(answer: Answer | None, attempt: Attempt) -> Outcome:
    assert answer is not None
    if 200 <= answer.status < 300:
        return Outcome(result=Result.SUCCEEDED, http_status=answer.status)
    wish = parse_retry_after(answer.retry_after, attempt.started_at) if answer.retry_after else None
    return Outcome(
        result=Result.REJECTED if answer.status == GONE else Result.FAILED,
        http_status=answer.status,
        retry_after=wish,
        failure=Failure(
            code=f"http_{answer.status}",
            message=f"The endpoint answered {answer.status}; only 200 to 299 counts as received.",
            detail=Reach.ANSWERED,
        ),
    )


def _not_wanted(addressee: Addressee | None) -> Outcome:
    gone = addressee is None
    return Outcome(
        result=Result.CANCELLED,
        failure=Failure(
            code="endpoint_gone" if gone else "endpoint_off",
            message="The endpoint was deleted." if gone else "The endpoint is switched off.",
            detail=Reach.NOT_SENT,
        ),
    )


def _on_schedule(outcome: Outcome, attempt: Attempt) -> Outcome:
    if outcome.result not in {Result.FAILED, Result.TIMED_OUT}:
        return outcome
    # Not a secret: the dice only spread retries.
    delay = delay_after(attempt.round, chance=random.random())  # noqa: S311
    return replace(outcome, retry_after=max(delay or 0.0, outcome.retry_after or 0.0))


def _validate(payload: Any) -> None:
    """Raise InvalidPayload for what the fan-out would never write."""
    if not isinstance(payload, dict) or set(payload) != _FIELDS:
        raise InvalidPayload((PayloadProblem("", "must be what the fan-out makes."),))


def _admit(_payload: Any, merchant_id: UUID) -> None:
    """Refuse everybody but the platform itself."""
    if merchant_id != PLATFORM_ID:
        raise InvalidPayload(
            (
                PayloadProblem(
                    "", 'cannot be of kind "webhook": TaskFlow makes these. Use the kind "http".'
                ),
            )
        )


def _always_async(_payload: dict[str, Any]) -> str:
    return ASYNC


def _handler(_payload: dict[str, Any]) -> str:
    return ""


RUNNER = WebhookRunner()
KIND = Kind(
    name=WEBHOOK,
    validate=_validate,
    admit=_admit,
    platform_only=True,
    lane=_always_async,
    handler=_handler,
    run=RUNNER.run,
    close=RUNNER.close,
)
