"""The job kind `alert`: sends one delivery. Only the platform's own merchant has such jobs."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from alerts.alerting import Alerting
from alerts.channels import WAYS, Parcel, settings_of
from alerts.channels import email as by_email
from alerts.models import Delivery
from jobs.engine import Engine
from jobs.handlers.context import AttemptContext
from jobs.handlers.http import outcomes
from jobs.handlers.http.client import GuardedClient, Sending
from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.request import Request
from jobs.handlers.http.resolver import Lookup, system_lookup
from jobs.handlers.http.response import begin_answer, read_body
from jobs.handlers.http.target import InvalidTarget
from jobs.handlers.kinds import ASYNC, InvalidPayload, Kind, PayloadProblem
from jobs.handlers.reach import Reach
from jobs.outcomes import Attempt, Outcome
from tenants.encryption import SecretUnreadable
from tenants.platform import PLATFORM_ID

ANSWER_LIMIT = 4_096  # bytes of an answer that are kept
CONNECTIONS = 100
MAILS_AT_ONCE = 4
_mailmen = ThreadPoolExecutor(MAILS_AT_ONCE, thread_name_prefix="mail")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A delivery as it stands in the database when it is sent."""

    channel_kind: str
    enabled: bool
    created_at: datetime
    message: dict[str, Any]
    settings: dict[str, Any] = field(repr=False)


class AlertRunner:
    """Runs jobs of kind `alert`; connections are shared by the jobs of one event loop."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._clients: dict[asyncio.AbstractEventLoop, GuardedClient] = {}

    async def run(self, attempt: Attempt, context: AttemptContext) -> Outcome:
        """Read the delivery and send it, all within the attempt's timeout."""
        limit = asyncio.timeout(attempt.timeout)
        sending = Sending()
        try:
            async with limit:
                return await self._sent(attempt, sending)
        except (AddressDenied, InvalidTarget) as error:
            return outcomes.refused("address_denied", f"The channel's URL {error}")
        except (DatabaseError, SecretUnreadable):
            return outcomes.secret_unavailable()
        except (aiohttp.ClientError, OSError) as error:
            reach = Reach.AMBIGUOUS if sending.connected else Reach.NOT_SENT
            if limit.expired():
                return outcomes.timed_out(attempt.timeout, reach)
            return outcomes.broken(error, reach)

    async def close(self) -> None:
        """Close the running loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    async def _sent(self, attempt: Attempt, sending: Sending) -> Outcome:
        delivery_id = UUID(attempt.payload["delivery"])
        loaded = await asyncio.to_thread(load, delivery_id)
        if loaded is None:
            return outcomes.refused("channel_gone", "The channel was deleted.")
        if not loaded.enabled:
            return outcomes.refused("channel_disabled", "The channel is switched off.")
        alerting = _alerting()
        parcel = Parcel(
            delivery_id=delivery_id,
            message=loaded.message,
            settings=loaded.settings,
            created_at=loaded.created_at,
            sent_at=attempt.started_at,
            pagerduty_url=alerting.pagerduty_url,
        )
        prepare = WAYS[loaded.channel_kind].prepare
        if prepare is None:
            # Outlives a time limit: SMTP's own is much shorter. In threads of its own, since a mail
            # server that hangs must not take those by which webhooks find their endpoints.
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(_mailmen, by_email.send, parcel, alerting)
        policy = AddressPolicy(_engine().http_allow_networks)
        return await self._exchange(prepare(parcel, policy), attempt, sending, policy)

    async def _exchange(
        self, request: Request, attempt: Attempt, sending: Sending, policy: AddressPolicy
    ) -> Outcome:
        started = time.monotonic()
        async with self._client(policy).send(request, sending) as response:
            answer = begin_answer(response)
            await read_body(response, answer, ANSWER_LIMIT)
        elapsed = time.monotonic() - started
        now = attempt.started_at + timedelta(seconds=elapsed)
        expected = 200 <= answer.status < 300
        return outcomes.answered(answer, expected, answer.output(elapsed), now)

    def _client(self, policy: AddressPolicy) -> GuardedClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = GuardedClient(policy, CONNECTIONS, self._lookup)
        return client


def load(delivery_id: UUID) -> Loaded | None:
    """Return the delivery; None when it is gone. Runs in a thread of its own, so it gives its
    connection back. Raises django.db.Error, SecretUnreadable."""
    try:
        delivery = Delivery.objects.select_related("channel").filter(pk=delivery_id).first()
        if delivery is None:
            return None
        return Loaded(
            channel_kind=delivery.channel.kind,
            enabled=delivery.channel.enabled,
            created_at=delivery.created_at,
            message=delivery.message,
            settings=settings_of(delivery.channel),
        )
    finally:
        connection.close()


def _validate(payload: Any) -> None:
    try:
        UUID(payload["delivery"])
    except (TypeError, KeyError, ValueError, AttributeError):
        raise InvalidPayload(
            (PayloadProblem("/delivery", "must be the id of a delivery."),)
        ) from None


def _admit(payload: Any, merchant_id: UUID) -> None:
    if merchant_id != PLATFORM_ID:
        fault = "belongs to the platform: it sends messages about incidents. Use another kind."
        raise InvalidPayload((PayloadProblem("", fault),))


def _lane(_payload: dict[str, Any]) -> str:
    return ASYNC


def _handler(payload: dict[str, Any]) -> str:
    return str(payload.get("channel_kind", ""))


def _engine() -> Engine:
    engine: Engine = settings.TASKFLOW_ENGINE
    return engine


def _alerting() -> Alerting:
    alerting: Alerting = settings.TASKFLOW_ALERTING
    return alerting


RUNNER = AlertRunner()
ALERT = Kind(
    name="alert",
    platform_only=True,
    validate=_validate,
    admit=_admit,
    lane=_lane,
    handler=_handler,
    run=RUNNER.run,
    close=RUNNER.close,
)
