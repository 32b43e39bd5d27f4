"""The load: twenty merchants' producers, at a rate, until they are told to stop."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.chaos.client_log import LogWriter, Planned
from tests.chaos.orders import MERCHANTS, Order, Orders, shares
from tests.chaos.producer import Producer, Unanswered

THREADS = 4
EVERY = 1.5  # seconds between two requests of a merchant
TEMPLATES = ((0, 5), (1, 7), (2, 5), (3, 11))  # merchant, step in seconds
BURST = 200


class Load:
    """Producers in threads. `start`, `pace` at will, `stop`, then `settle`."""

    def __init__(
        self,
        api_url: str,
        target_url: str,
        keys: Mapping[str, str],
        writer: LogWriter,
        streams: Sequence[Orders],
    ) -> None:
        self.writer = writer
        self._orders = streams
        self._producers = [
            Producer(api_url, orders.label, keys[orders.label], writer) for orders in self._orders
        ]
        self._shares = shares()
        self._owed = [0.0] * MERCHANTS
        self._rate = 0.0
        self._target = target_url
        self._stopping = threading.Event()
        self.failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._produce, args=(number,), daemon=True)
            for number in range(THREADS)
        ]
        self._planned: list[Planned] = []

    def start(self) -> None:
        """Begin to ask for jobs."""
        for thread in self._threads:
            thread.start()

    def pace(self, rate: float) -> None:
        """Ask for so many jobs a second from now on."""
        self._rate = rate

    def burst(self, count: int) -> None:
        """Ask for so many jobs of all merchants now. Call it before `start`."""
        for number, share in enumerate(self._shares):
            wanted = max(1, round(count * share))
            for begin in range(0, wanted, BURST):
                self._ask(number, self._orders[number].take(min(BURST, wanted - begin)))

    def plan(self) -> None:
        """Make the templates."""
        for merchant, step in TEMPLATES:
            producer = self._producers[merchant]
            url = f"{self._target}/call/{producer.label}?ms=5"
            if merchant % 2:
                arguments = {"merchant": producer.label, "ms": 5}
                payload = {"handler": "chaos.async", "arguments": arguments}
                self._planned.append(producer.plan(step, payload, "python"))
            else:
                payload = {"method": "POST", "url": url, "json": {"at": "{{ occurrence }}"}}
                self._planned.append(producer.plan(step, payload, "http"))

    def unplan(self) -> None:
        """Switch the templates off."""
        by_label = {producer.label: producer for producer in self._producers}
        for planned in self._planned:
            off_at = by_label[planned.merchant].switch_off(planned)
            self.writer.planned(replace(planned, off_at=off_at))

    def stop(self, *, within: float) -> None:
        """Ask for no more; what is under way is repeated until it is answered, or given up."""
        self._stopping.set()
        until = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for producer in self._producers:
            producer.give_up.set()
        for thread in self._threads:
            thread.join(10)
        for producer in self._producers:
            producer.give_up.clear()

    def look_for_foreign_jobs(self) -> None:
        """Have each merchant list what it sees."""
        own = {planned.template: planned.merchant for planned in self._planned}
        for producer in self._producers:
            for name, template in producer.names():
                if template is not None and own.get(template) == producer.label:
                    continue
                if name.partition("-")[0] != producer.label:
                    self.writer.foreign(f"{producer.label} sees {name}")

    def _produce(self, thread: int) -> None:
        try:
            last = time.monotonic()
            while not self._stopping.wait(EVERY):
                passed, last = time.monotonic() - last, time.monotonic()
                # What an outage of the API held up is not made up for: a flood is another test.
                passed = min(passed, 2 * EVERY)
                for number in range(thread, MERCHANTS, THREADS):
                    self._owed[number] += self._rate * self._shares[number] * passed
                    if (count := int(self._owed[number])) and not self._stopping.is_set():
                        self._owed[number] -= count
                        self._ask(number, self._orders[number].take(count))
        except Unanswered:
            return
        except BaseException as error:  # noqa: BLE001 - told by whoever stops the load
            self.failure = error

    def _ask(self, merchant: int, orders: Sequence[Order]) -> None:
        self._producers[merchant].order(orders)
