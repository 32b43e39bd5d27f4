"""Where jobs of kind `publish` may send: destinations that operators configure. Pure.

A destination's URL holds a secret: it is never shown, logged or answered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

DEFAULT_CONNECTIONS = 4


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An exchange; the unnamed one routes to the queue that the routing key names."""

    name: str = ""
    type: str = "direct"
    routing_key: str = ""
    # What a payload may choose instead.
    routing_keys: tuple[str, ...] = ()
    # A message that no queue takes is a failure.
    mandatory: bool = True


@dataclass(frozen=True, kw_only=True)
class RedisList:
    """A list of JSON documents; `push` is the end that a new one goes to."""

    key: str
    push: str = "left"


@dataclass(frozen=True, kw_only=True)
class RedisStream:
    """A stream; beyond `max_length` entries (about) the oldest are dropped."""

    key: str
    max_length: int | None = None


@dataclass(frozen=True, kw_only=True)
class CeleryQueue:
    """A queue of another application's Celery workers, and the tasks that jobs may call there."""

    queue: str = "celery"
    tasks: tuple[str, ...] = ()


Target = Exchange | RedisList | RedisStream | CeleryQueue


@dataclass(frozen=True, kw_only=True)
class Destination:
    """One configured place. `merchants` may use it; all may when it is empty."""

    name: str
    url: str = field(repr=False)
    target: Target
    ca_file: str = ""
    # Prefixes all keys of a Celery application on Redis (its `global_keyprefix`).
    key_prefix: str = ""
    # Messages on their way at once, of one worker process; each has a connection and a thread.
    connections: int = DEFAULT_CONNECTIONS
    merchants: frozenset[UUID] = frozenset()

    @property
    def type(self) -> str:
        """Return the word that configuration and results have for the target."""
        return TYPES[type(self.target)]

    def serves(self, merchant_id: UUID) -> bool:
        """Tell whether the merchant's jobs may send here."""
        return not self.merchants or merchant_id in self.merchants


TYPES: Mapping[type[Target], str] = {
    Exchange: "exchange",
    RedisList: "list",
    RedisStream: "stream",
    CeleryQueue: "celery",
}

Destinations = Mapping[str, Destination]


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of the patterns is `name`, or ends in `*` and begins like it."""
    return any(
        name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        for pattern in patterns
    )
