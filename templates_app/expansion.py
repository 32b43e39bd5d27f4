"""The expander's tunables."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """All in seconds but for `batch`, the templates of one transaction.

    `horizon`: how far ahead occurrences have become jobs, at least. `tick`: how often beat asks.
    """

    horizon: float = 60.0
    tick: float = 5.0
    batch: int = 500
