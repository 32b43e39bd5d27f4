"""The twenty merchants and their API keys."""

from collections.abc import Iterator
from dataclasses import dataclass

from apikeys.operations import issue_key
from apikeys.scopes import Scope
from tenants.clock import database_now
from tenants.operations import create_merchant
from tests.chaos.orders import MERCHANTS

# The limits are not what is tested.
NO_LIMIT = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A merchant: its label in logs and URLs, its id, its key."""

    label: str
    merchant_id: str
    key: str


def open_merchants() -> Iterator[Opened]:
    """Store the merchants, each with a key that may do everything."""
    for number in range(MERCHANTS):
        label = f"m{number}"
        merchant = create_merchant(
            name=label, slug=label, requests_per_minute=NO_LIMIT, max_waiting_jobs=100_000_000
        )
        issued = issue_key(
            merchant=merchant, name="chaos", scopes=list(Scope.values), now=database_now()
        )
        yield Opened(label=label, merchant_id=str(merchant.pk), key=issued.text)
