"""How far one message has come, as the event loop and the sending thread both see it."""

import time


class OutOfTime(Exception):
    """The attempt's time was over before anything was sent."""


class Sending:
    """How far one attempt's message has come, and when its time is over. Read by two threads."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._given_up = False
        self.begun = False

    def remaining(self) -> float:
        """Return the seconds left; none when nobody waits for the message any more."""
        return 0.0 if self._given_up else self._deadline - time.monotonic()

    def is_over(self) -> bool:
        """Tell whether the attempt's time has passed."""
        return time.monotonic() >= self._deadline

    def begin(self) -> None:
        """Say that from now on the broker may have the message. Raises OutOfTime."""
        if self.remaining() <= 0:
            raise OutOfTime
        self.begun = True

    def give_up(self) -> None:
        """Say that the attempt has ended: nothing may leave that has not begun to."""
        self._given_up = True
