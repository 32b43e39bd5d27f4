"""How long to wait before the next attempt. Pure: the random number is an argument."""

from dataclasses import dataclass, fields
from typing import Any, Literal

Strategy = Literal["exponential", "linear", "fixed"]
STRATEGIES: tuple[Strategy, ...] = ("exponential", "linear", "fixed")
MAX_DELAY = 7 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Seconds before attempt n+1: base·factor^(n-1), base·n or base; at most `cap`.

    `jitter` is the share of the delay, 0 to 1, by which it may be shortened at random, so that
    jobs that failed together do not come back together ("full jitter" at 1; AWS Architecture Blog,
    "Exponential Backoff And Jitter", 2015).
    """

    strategy: Strategy = "exponential"
    base: float = 5.0
    factor: float = 2.0
    cap: float = 3600.0
    jitter: float = 0.2

    def delay(self, *, failures: int, chance: float) -> float:
        """Return the seconds to wait after `failures` (1 or more); `chance` is in [0, 1)."""
        if self.strategy == "fixed":
            full = self.base
        elif self.strategy == "linear":
            full = self.base * failures
        else:
            full = self._exponential(failures)
        full = min(full, self.cap, MAX_DELAY)
        return full * (1.0 - self.jitter * chance)

    def _exponential(self, failures: int) -> float:
        try:
            return self.base * self.factor ** (failures - 1)
        except OverflowError:
            return self.cap

    @classmethod
    def from_stored(cls, stored: dict[str, Any] | None) -> "Backoff":
        """Return the policy kept with a job; None means the default.

        Names that this version does not know are left out: a newer one may have stored them.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in (stored or {}).items() if name in known})
