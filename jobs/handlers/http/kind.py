"""The job kind `http`: one request to a URL of the producer's choice, guarded and signed."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
from django.conf import settings
from django.db import Error as DatabaseError

from jobs.engine import Engine
from jobs.handlers.context import AttemptContext
from jobs.handlers.http import outcomes
from jobs.handlers.http.client import GuardedClient, Sending
from jobs.handlers.http.payload import HttpCall, parse_payload
from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.request import build_request
from jobs.handlers.http.resolver import Lookup, system_lookup
from jobs.handlers.http.response import Answer, begin_answer, read_body
from jobs.handlers.http.secrets import Load, MerchantSigners, UnknownMerchant, load_secret
from jobs.handlers.http.target import host_named, host_of
from jobs.handlers.kinds import ASYNC, InvalidPayload, Kind, PayloadProblem
from jobs.handlers.reach import Reach
from jobs.outcomes import Attempt, Outcome
from tenants.encryption import SecretUnreadable


class HttpLoop:
    """What HTTP jobs of one event loop share: connections and signers."""

    def __init__(self, engine: Engine, load: Load, lookup: Lookup) -> None:
        policy = AddressPolicy(engine.http_allow_networks)
        self.output_limit = engine.output_limit
        self.policy = policy
        self.client = GuardedClient(
            policy, engine.http_connections or engine.async_capacity, lookup
        )
        self.signers = MerchantSigners(load)


class Exchange:
    """How far one attempt's request and its answer have come."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.sending = Sending()
        self.answer: Answer | None = None

    def elapsed(self) -> float:
        """Return the seconds since the attempt began."""
        return time.monotonic() - self.started

    def reach(self) -> Reach:
        """Tell what the target may have seen."""
        if self.answer is not None:
            return Reach.ANSWERED
        return Reach.AMBIGUOUS if self.sending.connected else Reach.NOT_SENT

    def judged(self, call: HttpCall, attempt: Attempt) -> Outcome:
        """Return the outcome of the complete answer."""
        assert self.answer is not None
        elapsed = self.elapsed()
        # The attempt's start is on PostgreSQL's clock: a Retry-After date is measured on it too.
        now = attempt.started_at + timedelta(seconds=elapsed)
        return outcomes.answered(
            self.answer, call.expects(self.answer.status), self.answer.output(elapsed), now
        )

    def with_answer(self, outcome: Outcome) -> Outcome:
        """Return `outcome` with what had come of an answer before the exchange broke."""
        if self.answer is None:
            return outcome
        return replace(
            outcome,
            output=self.answer.output(self.elapsed()),
            http_status=self.answer.status,
        )


class HttpRunner:
    """Validates and runs HTTP jobs. `load` and `lookup` are the ways to secrets and to addresses."""

    def __init__(self, load: Load = load_secret, lookup: Lookup = system_lookup) -> None:
        self._load = load
        self._lookup = lookup
        self._loops: dict[asyncio.AbstractEventLoop, HttpLoop] = {}

    def validate(self, payload: Any) -> None:
        """Raise InvalidPayload for a payload that could never be sent."""
        try:
            parse_payload(payload, _policy())
        except AddressDenied as error:
            raise InvalidPayload((PayloadProblem("/url", str(error)),)) from None

    async def run(self, attempt: Attempt, context: AttemptContext) -> Outcome:
        """Send the request and judge the answer, all within the attempt's timeout.

        The limit spans secret, name lookup, connection, head and body. Cancellation passes through.
        """
        shared = self._shared()
        exchange = Exchange()
        limit = asyncio.timeout(attempt.timeout)
        try:
            async with limit:
                call = parse_payload(attempt.payload, shared.policy)
                await _perform(call, attempt, shared, exchange)
        except InvalidPayload as error:
            return outcomes.refused("invalid_payload", f"The payload cannot be sent: {error}")
        except AddressDenied as error:
            return outcomes.refused("address_denied", f"The URL {error}")
        except UnknownMerchant as error:
            return outcomes.refused("unknown_merchant", str(error))
        except (DatabaseError, SecretUnreadable):
            return outcomes.secret_unavailable()
        except (aiohttp.ClientError, OSError) as error:
            # TimeoutError is an OSError, and a connection may break with one of its own.
            reach = exchange.reach()
            if limit.expired():
                return exchange.with_answer(outcomes.timed_out(attempt.timeout, reach))
            return exchange.with_answer(outcomes.broken(error, reach))
        return exchange.judged(call, attempt)

    async def close(self) -> None:
        """Close the running loop's connections."""
        shared = self._loops.pop(asyncio.get_running_loop(), None)
        if shared is not None:
            await shared.client.close()

    def _shared(self) -> HttpLoop:
        loop = asyncio.get_running_loop()
        shared = self._loops.get(loop)
        if shared is None:
            shared = self._loops[loop] = HttpLoop(_engine(), self._load, self._lookup)
        return shared


async def _perform(call: HttpCall, attempt: Attempt, shared: HttpLoop, exchange: Exchange) -> None:
    signer = await shared.signers.signer(attempt.merchant_id)
    request = build_request(call, attempt, signer)
    async with shared.client.send(request, exchange.sending) as response:
        exchange.answer = begin_answer(response)
        await read_body(response, exchange.answer, shared.output_limit)


def _engine() -> Engine:
    engine: Engine = settings.TASKFLOW_ENGINE
    return engine


def _policy() -> AddressPolicy:
    return AddressPolicy(_engine().http_allow_networks)


def _always_async(_payload: dict[str, Any]) -> str:
    return ASYNC


RUNNER = HttpRunner()


def _host(payload: dict[str, Any]) -> str:
    return host_of(payload["url"])


def _host_named(name: str) -> str | None:
    return host_named(name, _policy())


KIND = Kind(
    name="http",
    validate=RUNNER.validate,
    lane=_always_async,
    handler=_host,
    host=_host_named,
    run=RUNNER.run,
    close=RUNNER.close,
)
