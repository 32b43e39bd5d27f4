"""Maintenance windows: which instants they stop, and when held occurrences are released.

Instants and spans are aware or naive UTC, but all of one sort. Windows that overlap or touch form
one chain. In a chain, an occurrence that any `skip` window covers is skipped; the others are held
until the chain ends and then released evenly, in their order, each template at its own phase.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

LONGEST_DEFAULT = timedelta(minutes=15)
SHORTEST_RELEASE = timedelta(seconds=60)


class WindowMode(StrEnum):
    """What a window does to an occurrence within it."""

    SKIP = "skip"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Window:
    """One span [start, end) of a maintenance window; a recurring window has one for each time.

    `release_over` is how long the release of what it held takes; None for the default, a quarter of
    the span, at least a minute, at most fifteen.
    """

    start: datetime
    end: datetime
    mode: WindowMode
    name: str = ""
    release_over: timedelta | None = None

    @property
    def release_span(self) -> timedelta:
        """How long the release takes; at least a minute."""
        chosen = self.release_over
        if chosen is None:
            chosen = min(LONGEST_DEFAULT, (self.end - self.start) / 4)
        return max(chosen, SHORTEST_RELEASE)


@dataclass(frozen=True, slots=True)
class Chain:
    """Windows that overlap or touch, by start. Held occurrences are released over
    [end, end + release_span)."""

    start: datetime
    end: datetime
    windows: tuple[Window, ...]

    @property
    def release_span(self) -> timedelta:
        """The longest that any of its holding windows takes."""
        holding = [one for one in self.windows if one.mode is WindowMode.HOLD]
        return max(one.release_span for one in holding or self.windows)


@dataclass(frozen=True, slots=True)
class Stop:
    """What stops an occurrence: the window, and the chain at whose end the held ones go."""

    mode: WindowMode
    window: Window
    until: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """A held occurrence, the windows' names that held it, and when it is released."""

    occurrence: datetime
    released_at: datetime
    held_by: tuple[str, ...]


class Windows:
    """The windows that apply to one template: the platform's, its merchant's and its own."""

    def __init__(self, windows: Iterable[Window]) -> None:
        self.chains = _chained(sorted(windows, key=lambda one: (one.start, one.end, one.name)))
        self._starts = [chain.start for chain in self.chains]

    def at(self, instant: datetime) -> Stop | None:
        """Return what stops an occurrence at this instant; None when it may run."""
        position = self._position(instant)
        if position is None:
            return None
        chain = self.chains[position]
        window = _covering(chain, instant)
        return Stop(window.mode, window, chain.end)

    def held_range(self, instant: datetime) -> tuple[datetime, datetime] | None:
        """Return the range whose planned occurrences `releases` needs to answer for this instant.

        It holds the instant's chain and those that a release runs from or into. None when no window
        stops the instant. The range, and so each release time, does not depend on which of its
        instants is asked for: any number of expanders comes to the same answer.
        """
        first = last = self._position(instant)
        if first is None or last is None:
            return None
        while first > 0 and self._spills_over(first - 1):
            first -= 1
        while last + 1 < len(self.chains) and self._spills_over(last):
            last += 1
        return self.chains[first].start, self.chains[last].end

    def releases(self, seed: str, occurrences: Sequence[datetime]) -> list[Release]:
        """Return when each held occurrence of one template is released, in order.

        `occurrences` are all that are planned in `held_range`, sorted; those that no window holds
        are passed over. The i-th of k that wait at a chain's end `e` goes at e + R * (i + phase) / k
        with the release span R and a phase in [0, 1) hashed from `seed`, the template's id. What
        would fall into a later chain waits there, ahead of what that chain holds itself.
        """
        released: list[Release] = []
        waiting: list[tuple[datetime, tuple[str, ...]]] = []
        phase = phase_of(seed)
        first = self._first_after(occurrences[0]) if occurrences else len(self.chains)
        for position in range(first, len(self.chains)):
            chain = self.chains[position]
            if not waiting and chain.start > occurrences[-1]:
                break
            waiting = [(at, _with(names, chain)) for at, names in waiting]
            waiting += self._held_by(chain, occurrences)
            following = self.chains[position + 1].start if position + 1 < len(self.chains) else None
            carried: list[tuple[datetime, tuple[str, ...]]] = []
            for index, (at, names) in enumerate(waiting):
                goes = chain.end + chain.release_span * ((index + phase) / len(waiting))
                if following is not None and goes >= following:
                    carried.append((at, names))
                else:
                    released.append(Release(at, goes, names))
            waiting = carried
        return released

    def _held_by(
        self, chain: Chain, occurrences: Sequence[datetime]
    ) -> list[tuple[datetime, tuple[str, ...]]]:
        low, high = bisect_left(occurrences, chain.start), bisect_left(occurrences, chain.end)
        stops = ((at, _covering(chain, at)) for at in occurrences[low:high])
        return [(at, (one.name,)) for at, one in stops if one.mode is WindowMode.HOLD]

    def _first_after(self, instant: datetime) -> int:
        """Return the position of the first chain that ends after an instant."""
        return bisect_right(self.chains, instant, key=lambda chain: chain.end)

    def _position(self, instant: datetime) -> int | None:
        position = bisect_right(self._starts, instant) - 1
        return position if position >= 0 and instant < self.chains[position].end else None

    def _spills_over(self, position: int) -> bool:
        chain = self.chains[position]
        return chain.end + chain.release_span > self.chains[position + 1].start


def recurring(
    starts: Iterable[datetime],
    lasts: timedelta,
    mode: WindowMode,
    *,
    name: str = "",
    release_over: timedelta | None = None,
) -> list[Window]:
    """Return the windows that open at these instants and last this long, in elapsed time."""
    return [Window(start, start + lasts, mode, name, release_over) for start in starts]


def phase_of(seed: str) -> float:
    """Return a number in [0, 1) that is the same for a seed in every process and release."""
    digest = blake2b(seed.encode(), digest_size=4, person=b"taskflow-window"[:16]).digest()
    return int.from_bytes(digest, "big") / 2**32


def _chained(windows: Sequence[Window]) -> tuple[Chain, ...]:
    chains: list[Chain] = []
    for window in windows:
        if window.start >= window.end:
            continue
        if chains and window.start <= chains[-1].end:
            last = chains[-1]
            chains[-1] = Chain(last.start, max(last.end, window.end), (*last.windows, window))
        else:
            chains.append(Chain(window.start, window.end, (window,)))
    return tuple(chains)


def _covering(chain: Chain, instant: datetime) -> Window:
    """Return the window of a chain that decides at one of its instants: the first that skips."""
    covering = [one for one in chain.windows if one.start <= instant < one.end]
    return next((one for one in covering if one.mode is WindowMode.SKIP), covering[0])


def _with(names: tuple[str, ...], chain: Chain) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, chain.windows[0].name)))
