"""What producers ask for: a seeded mix of kinds, delays, retries, dependencies, keys and cancels."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.client_log import Asked

MERCHANTS = 20
HOT, SLOW = 0, 1
HOT_SHARE = 0.4
BACKOFF = 0.3  # seconds
KEYS, LIMIT = 3, 2
# For jobs that must succeed in spite of lost attempts.
MANY = 30


def shares() -> list[float]:
    """Return each merchant's part of the load."""
    slow = 0.03
    others = (1 - HOT_SHARE - slow) / (MERCHANTS - 2)
    return [HOT_SHARE, slow, *[others] * (MERCHANTS - 2)]


@dataclass(frozen=True)
class Order:
    """A job's body for the API, what the log keeps of it, and whether it is cancelled at once."""

    body: dict[str, Any]
    asked: Asked
    cancel: bool = False


class Orders:
    """An endless stream of orders of one merchant, `m0`, `m1` and so on."""

    def __init__(self, merchant: int, target: str, seed: int) -> None:
        self.label = f"m{merchant}"
        self._slow = merchant == SLOW
        self._target = target
        self.chance = random.Random(f"{seed} orders {merchant}")
        self._count = 0

    def take(self, count: int) -> list[Order]:
        """Return orders for about `count` jobs, for one request; graphs are not cut."""
        orders: list[Order] = []
        while len(orders) < count:
            orders.extend(self.next_few())
        return orders

    def next_few(self) -> Iterator[Order]:
        """Yield the next order, or a graph's."""
        if self._slow:
            yield self.http(ms=self.chance.randint(500, 2500))
            return
        lot = self.chance.random()
        if lot < 0.40:
            yield self.http(ms=self.chance.choice((5, 5, 5, 5, 400)))
        elif lot < 0.52:
            yield self.http(ms=5, fails=self.chance.randint(1, 2))
        elif lot < 0.72:
            yield self.python("chaos.async", ms=5)
        elif lot < 0.78:
            yield self.python("chaos.process", ms=self.chance.choice((5, 5, 200)))
        elif lot < 0.86:
            yield self.http(ms=5, delay=round(self.chance.uniform(1, 12), 1))
        elif lot < 0.90:
            key = f"key-{self.chance.randrange(KEYS)}"
            yield self.python("chaos.async", ms=50, key=key)
        elif lot < 0.93:
            yield self.http(ms=5, fails=MANY, attempts=2)
        elif lot < 0.97:
            yield from self._graph()
        else:
            delay = self.chance.choice((0.0, 0.0, 2.0))
            yield self.http(ms=1500, delay=delay, cancel=True)

    def _graph(self) -> Iterator[Order]:
        parent = self.http(ms=5)
        parent.body["ref"] = _ref(parent.asked.name)
        yield parent
        for _ in range(2):
            yield self.python("chaos.async", ms=5, parent=parent.asked.name)

    def http(self, *, ms: int, fails: int = 0, **more: Any) -> Order:
        """Return a call of the target that takes `ms` and fails so often."""
        url = f"{self._target}/call/{self.label}?fail={fails}&ms={ms}"
        payload = {"method": "POST", "url": url, "json": {}}
        return self._order("http", "", payload, fails=fails, **more)

    def python(self, handler: str, *, ms: int, fails: int = 0, **more: Any) -> Order:
        """Return a call of a function that takes `ms` and fails so often."""
        arguments = {"merchant": self.label, "fail": fails, "ms": ms}
        payload = {"handler": handler, "arguments": arguments}
        return self._order("python", handler, payload, fails=fails, **more)

    def _order(
        self,
        kind: str,
        handler: str,
        payload: dict[str, Any],
        *,
        fails: int,
        attempts: int = MANY,
        delay: float = 0.0,
        key: str = "",
        parent: str = "",
        cancel: bool = False,
        backoff: float = BACKOFF,
    ) -> Order:
        self._count += 1
        name = f"{self.label}-{self._count}"
        body: dict[str, Any] = {
            "kind": kind,
            "name": name,
            "payload": payload,
            "max_attempts": attempts,
            "backoff": {"strategy": "fixed", "base": backoff, "jitter": 0},
            "timeout": 20,
        }
        if delay:
            body["delay"] = delay
        if key:
            body |= {"concurrency_key": key, "concurrency_limit": LIMIT}
        if parent:
            body["depends_on"] = [{"job": _ref(parent)}]
        asked = Asked(
            name=name,
            merchant=self.label,
            kind=kind,
            handler=handler,
            delay=delay,
            fails=fails,
            key=key,
            limit=LIMIT if key else 0,
            parents=(parent,) if parent else (),
        )
        return Order(body, asked, cancel)


def _ref(name: str) -> str:
    return name.replace("-", "_")
