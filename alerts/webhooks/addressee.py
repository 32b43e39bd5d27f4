"""Endpoints as a delivery needs them: read off the loop, kept for a few seconds."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection
from standardwebhooks import Webhook

from alerts.models import WebhookEndpoint
from tenants.clock import database_now

KEPT = 5.0  # seconds after which a change, a rotation or a switch reaches the next delivery
MAX_KEPT = 10_000


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """Where to send, and what signs: one secret, or two while they overlap."""

    url: str
    open: bool
    signers: tuple[Webhook, ...] = field(repr=False)


Load = Callable[[UUID], Addressee | None]


def load_addressee(endpoint_id: UUID) -> Addressee | None:
    """Return the endpoint as it stands, None when it was deleted. Raises SecretUnreadable,
    django.db.Error.

    Runs in a thread of its own, so it gives its database connection back.
    """
    try:
        endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id).select_related("merchant").first()
        now = database_now() if endpoint is not None else None
    finally:
        connection.close()
    return None if endpoint is None or now is None else addressee_of(endpoint, now)


def addressee_of(endpoint: WebhookEndpoint, now: datetime) -> Addressee:
    """Return what a delivery at `now` needs. Raises SecretUnreadable."""
    return Addressee(
        url=endpoint.url,
        open=endpoint.state == "active" and endpoint.merchant.active,
        signers=tuple(Webhook(secret) for secret in endpoint.secrets(now)),
    )


class Addressees:
    """The endpoints that one event loop sends to; deliveries to one share one look."""

    def __init__(self, load: Load = load_addressee, kept: float = KEPT) -> None:
        self._load = load
        self._seconds = kept
        self._kept: OrderedDict[UUID, tuple[float, Addressee | None]] = OrderedDict()
        self._loading: dict[UUID, asyncio.Task[Addressee | None]] = {}

    async def find(self, endpoint_id: UUID) -> Addressee | None:
        """Return the endpoint, None when it is gone. Raises what the load raises."""
        kept = self._kept.get(endpoint_id)
        if kept and time.monotonic() < kept[0]:
            return kept[1]
        task = self._loading.get(endpoint_id)
        if task is None:
            task = asyncio.create_task(self._refresh(endpoint_id))
            self._loading[endpoint_id] = task
            task.add_done_callback(partial(self._loaded, endpoint_id))
        # Shielded: one delivery's time limit must not end the look that others wait for.
        return await asyncio.shield(task)

    def _loaded(self, endpoint_id: UUID, task: asyncio.Task[Addressee | None]) -> None:
        del self._loading[endpoint_id]
        if not task.cancelled():
            # Looked at here, in case nobody waits any more: asyncio would complain otherwise.
            task.exception()

    async def _refresh(self, endpoint_id: UUID) -> Addressee | None:
        found = await asyncio.to_thread(self._load, endpoint_id)
        self._kept[endpoint_id] = (time.monotonic() + self._seconds, found)
        self._kept.move_to_end(endpoint_id)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return found
