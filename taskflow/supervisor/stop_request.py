"""Signals that ask the supervisor to stop: Ctrl-C, SIGTERM, a closed terminal."""

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Counts the requests: the first is for an orderly stop, the second for a quick one."""

    def __init__(self) -> None:
        self.count = 0

    @classmethod
    def installed(cls) -> "StopRequest":
        """Return one that listens from now on, for the rest of this process's life."""
        request = cls()
        for number in SIGNALS:
            signal.signal(number, request.note)
        return request

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """Count one more request."""
        self.count += 1

    @property
    def made(self) -> bool:
        return self.count > 0

    @property
    def urgent(self) -> bool:
        return self.count > 1
