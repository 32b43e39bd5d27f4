"""How long attempts take lately, by kind and handler: what the populator sizes messages by."""

import threading
from collections.abc import Mapping

from jobs.handlers.registry import CANARY

_WEIGHT = 0.05  # of the newest attempt in the moving mean
_MOST_KEYS = 200


class RunTimes:
    """A moving mean per "kind:handler", in seconds. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means: dict[str, float] = {}
        self.finished = 0
        # Set when work is measured that was not known: until it is told, its jobs travel alone.
        self.news = threading.Event()

    def add(self, *, kind: str, handler: str, seconds: float) -> None:
        """Count one finished attempt."""
        key = run_time_key(kind, handler)
        with self._lock:
            self.finished += 1
            if kind == CANARY:
                return  # it says nothing of how long this lane's work takes
            if key not in self._means:
                self.news.set()
            mean = self._means.pop(key, seconds)
            self._means[key] = mean + _WEIGHT * (seconds - mean)
            if len(self._means) > _MOST_KEYS:
                del self._means[next(iter(self._means))]

    def means(self) -> Mapping[str, float]:
        """Return the present means."""
        with self._lock:
            return {key: round(mean, 6) for key, mean in self._means.items()}


def run_time_key(kind: str, handler: str) -> str:
    """Return the name under which run times of this work are kept."""
    return f"{kind}:{handler}"
