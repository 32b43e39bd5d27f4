"""The lines that `work.stamp` writes, counted."""

import os
from pathlib import Path


class Stamps:
    """Knows how many stamp jobs were handed over, and whether all have started.

    For a queue that does not tell what its workers have taken: a stamp handed over last has started
    only when all that was taken before it has, too, but for what the other workers still run.
    """

    def __init__(self) -> None:
        self._path = Path(os.environ["BENCH_STAMPS"])
        self._sent = 0

    def sent(self) -> None:
        """Take note of one more stamp job."""
        self._sent += 1

    def missing(self) -> bool:
        """Tell whether a stamp job has not started yet."""
        return self._started() < self._sent

    def _started(self) -> int:
        return len(self._path.read_bytes().splitlines()) if self._path.exists() else 0
