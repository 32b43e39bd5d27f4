"""What a running attempt may use: its log, its progress, its deadline, whether to stop."""

import logging
import threading
import time
from functools import cached_property

from jobs.handlers.text import storable
from jobs.outcomes import Attempt

MAX_LOG_LINES = 1000
MAX_LINE = 2000  # characters
MAX_LOG = 64 * 1024  # characters of all lines together
MAX_NOTE = 200  # characters


class AttemptTimedOut(BaseException):
    """Raised into a running handler by the process lane when the time limit strikes.

    Not an Exception, so that a handler's `except Exception` does not keep the attempt alive.
    """


class AttemptContext:
    """Handed to a handler with its attempt. Safe to use from any thread."""

    def __init__(self, attempt: Attempt) -> None:
        self.job_id = attempt.job_id
        self.attempt = attempt.number
        # On this process's monotonic clock: good for "how long have I got", not for wall time.
        self.deadline = time.monotonic() + attempt.timeout
        self.began = False  # the handler was called, or is about to be
        self._cancelled = False  # only ever set: needs no lock
        self._lock = threading.Lock()
        self._log: list[str] = []
        self._room = MAX_LOG
        self._dropped = 0
        self._progress: tuple[int, str] | None = None

    def log(self, line: str) -> None:
        """Keep one line with the attempt; beyond 1,000 lines or 64 KiB only their number is kept."""
        kept = storable(str(line), MAX_LINE)
        with self._lock:
            if len(self._log) < MAX_LOG_LINES and len(kept) <= self._room:
                self._log.append(kept)
                self._room -= len(kept)
            else:
                self._dropped += 1

    @cached_property
    def logger(self) -> logging.Logger:
        """A standard logger whose records, from INFO up, are kept as lines of this attempt."""
        # Built by hand: logging.getLogger would keep one logger per job for the process's life.
        logger = logging.Logger(f"taskflow.job.{self.job_id}", logging.INFO)  # noqa: LOG001
        logger.addHandler(_KeepingHandler(self))
        return logger

    def progress(self, percent: int, note: str = "") -> None:
        """Show how far the attempt is: 0 to 100, and a line. Raises ValueError outside of that."""
        if not 0 <= percent <= 100:
            raise ValueError(f"progress is between 0 and 100 percent; got {percent}")
        with self._lock:
            self._progress = (int(percent), storable(note, MAX_NOTE))

    def cancelled(self) -> bool:
        """Tell whether the attempt was asked to stop."""
        return self._cancelled

    def remaining(self) -> float:
        """Return the seconds left until the timeout; negative when it has passed."""
        return self.deadline - time.monotonic()

    def limit_to(self, seconds: float) -> None:
        """Bring the deadline forward to `seconds` from now, when that is earlier."""
        self.deadline = min(self.deadline, time.monotonic() + seconds)

    def begin(self) -> None:
        """Make `began` true; called by the kind, right before the handler."""
        self.began = True

    def ask_to_stop(self) -> None:
        """Make `cancelled` true; called by the executor."""
        self._cancelled = True

    def taken_log(self) -> tuple[str, ...]:
        """Return the kept lines, with a last one that counts the dropped ones."""
        with self._lock:
            lines = list(self._log)
            if self._dropped:
                lines.append(f"… {self._dropped} more lines were dropped")
        return tuple(lines)

    def taken_progress(self) -> tuple[int, str] | None:
        """Return the last progress reported, None when there was none since the last call."""
        with self._lock:
            latest, self._progress = self._progress, None
        return latest


class _KeepingHandler(logging.Handler):
    """Turns log records into lines of an attempt."""

    def __init__(self, context: AttemptContext) -> None:
        super().__init__(logging.INFO)
        self._context = context
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except (TypeError, ValueError, KeyError):
            # Arguments that do not fit the format: the line is worth keeping all the same.
            line = f"{record.levelname} {record.msg}"
        self._context.log(line)
