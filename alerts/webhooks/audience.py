"""Who listens: the merchants with an endpoint that nobody switched off, and to which types of events.

Asked for every batch of jobs that ends, so it is remembered in each process. Once a second one row says whether
anybody's endpoints changed; only then they are read, all of them. An endpoint made, changed or enabled is so
heard by all processes a second later at the latest, and ten thousand endpoints cost no more than one.
"""

import time
from uuid import UUID

from alerts.webhooks.events import types_of
from alerts.webhooks.statements import AUDIENCE, AUDIENCE_VERSION
from tenants.platform import PLATFORM_ID
from tenants.statement import execute

KEPT = 1.0  # seconds
_NOTHING: frozenset[str] = frozenset()
_UNKNOWN = UUID(int=0)


class Audience:
    """The types of events that each merchant's endpoints subscribe to, at most `kept` seconds old.

    Threads may look at once: at worst each of them reads the same.
    """

    def __init__(self, kept: float = KEPT) -> None:
        self.kept = kept
        self._types: dict[UUID, frozenset[str]] = {}
        self._version: UUID | None = _UNKNOWN
        self._until = 0.0

    def is_there(self) -> bool:
        """Tell whether anybody listens. Reads the database at most once in `kept` seconds."""
        if time.monotonic() >= self._until:
            self.look()
        return bool(self._types)

    def wants(self, merchant_id: UUID, event_type: str) -> bool:
        """Tell whether some endpoint of the merchant subscribes to the type, as last looked at."""
        return event_type in self._types.get(merchant_id, _NOTHING)

    def look(self) -> None:
        """Read who listens now, unless nothing changed since. What the platform does for itself is told to nobody: its own
        deliveries would be events, and be delivered, for ever."""
        found = execute(AUDIENCE_VERSION)
        version = found[0][0] if found else None
        if version != self._version:
            self._read()
            self._version = version
        self._until = time.monotonic() + self.kept

    def _read(self) -> None:
        types: dict[UUID, frozenset[str]] = {}
        for merchant_id, subscribed in execute(AUDIENCE, platform=PLATFORM_ID):
            types[merchant_id] = types.get(merchant_id, _NOTHING) | types_of(subscribed)
        self._types = types

    def forget(self) -> None:
        """Look again, and read, the next time that somebody asks."""
        self._version = _UNKNOWN
        self._until = 0.0


AUDIENCE_OF_ALL = Audience()
