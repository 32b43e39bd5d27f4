"""Merchants' signing secrets: read from the database off the loop, kept for a minute."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import connection
from standardwebhooks import Webhook

from tenants.models import Merchant

KEPT = 60.0  # seconds
MAX_KEPT = 10_000

Load = Callable[[UUID], str]


class UnknownMerchant(LookupError):
    """There is no such merchant to sign for."""


def load_secret(merchant_id: UUID) -> str:
    """Return the merchant's `whsec_…` secret. Raises UnknownMerchant, django.db.Error,
    and tenants.encryption.SecretUnreadable.

    Runs in a thread of its own, so it gives its database connection back.
    """
    try:
        merchant = Merchant.objects.get(pk=merchant_id)
    except Merchant.DoesNotExist:
        raise UnknownMerchant("The job's merchant does not exist any more.") from None
    finally:
        connection.close()
    return merchant.signing_secret


class MerchantSigners:
    """What signs for merchants on one event loop; jobs of one merchant share one lookup."""

    def __init__(self, load: Load = load_secret) -> None:
        self._load = load
        self._kept: OrderedDict[UUID, tuple[float, Webhook]] = OrderedDict()
        self._loading: dict[UUID, asyncio.Task[Webhook]] = {}

    async def signer(self, merchant_id: UUID) -> Webhook:
        """Return what signs by the merchant's secret, at most 60 s old. Raises what the load raises."""
        kept = self._kept.get(merchant_id)
        if kept and time.monotonic() < kept[0]:
            return kept[1]
        task = self._loading.get(merchant_id)
        if task is None:
            task = asyncio.create_task(self._refresh(merchant_id))
            self._loading[merchant_id] = task
            task.add_done_callback(partial(self._loaded, merchant_id))
        # Shielded: one job's time limit must not end the lookup that others wait for.
        return await asyncio.shield(task)

    def _loaded(self, merchant_id: UUID, task: asyncio.Task[Webhook]) -> None:
        del self._loading[merchant_id]
        if not task.cancelled():
            # Looked at here, in case nobody waits any more: asyncio would complain otherwise.
            task.exception()

    async def _refresh(self, merchant_id: UUID) -> Webhook:
        signer = Webhook(await asyncio.to_thread(self._load, merchant_id))
        self._kept[merchant_id] = (time.monotonic() + KEPT, signer)
        self._kept.move_to_end(merchant_id)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return signer
