"""Celery's consumer, but it sends its tasks' events in groups.

Celery flushes after each event, so Flower's view of a busy worker cost that worker a quarter of its
time: a publish of a millisecond for every message of jobs.
"""

import time
from typing import Any

from celery.worker.consumer import Consumer

# Seconds that Flower may be behind.
GATHER = 0.5


class GroupingConsumer(Consumer):
    """Used by every worker (CELERY_WORKER_CONSUMER)."""

    hub: Any
    _flush_events: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # A moment, not a flag: a timer that was lost with its connection must not be the last one.
        self._flush_at = 0.0

    def on_send_event_buffered(self) -> None:  # type: ignore[override]
        """Have the group flushed a while after its first event; Celery calls this after each."""
        # From any thread. It must wake the loop each time, flush or not: with prefetching disabled
        # the loop fetches the next message only when it turns, and a task's end turns it by nothing
        # but its event (a fifth of the throughput is left without).
        if self.hub:
            self.hub.call_soon(self._gather)

    def _gather(self) -> None:
        now = time.monotonic()
        if now >= self._flush_at:
            self._flush_at = now + GATHER
            self.hub.call_later(GATHER, self._flush_events)
