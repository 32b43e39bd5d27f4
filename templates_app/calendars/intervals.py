"""Sets of whole minutes or days as sorted, disjoint, half-open integer intervals."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge as merge_sorted

Interval = tuple[int, int]
Intervals = tuple[Interval, ...]

EMPTY: Intervals = ()


def merged(intervals: Iterable[Interval]) -> Intervals:
    """Return the union of intervals that are sorted by start; touching ones become one."""
    found: list[Interval] = []
    for start, end in intervals:
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        elif start < end:
            found.append((start, end))
    return tuple(found)


def union(*sets: Intervals) -> Intervals:
    """Return what lies in any of the sets."""
    filled = [one for one in sets if one]
    if len(filled) <= 1:
        return filled[0] if filled else EMPTY
    return merged(merge_sorted(*filled))


def intersection(left: Intervals, right: Intervals) -> Intervals:
    """Return what lies in both sets."""
    found: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            found.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(left: Intervals, right: Intervals) -> Intervals:
    """Return what lies in `left` and not in `right`."""
    if not left or not right:
        return left
    gaps: list[Interval] = []
    at = left[0][0]
    for start, end in right:
        if at < start:
            gaps.append((at, start))
        at = max(at, end)
    if at < left[-1][1]:
        gaps.append((at, left[-1][1]))
    return intersection(left, tuple(gaps))


def shifted(intervals: Intervals, by: int) -> Intervals:
    """Return the set moved by a number of units."""
    return tuple((start + by, end + by) for start, end in intervals)


@dataclass(frozen=True, slots=True)
class NamedIntervals:
    """Disjoint intervals with a name each, to look a point up in. Of two that overlap, the one that
    starts first keeps its name."""

    intervals: Intervals
    names: tuple[str, ...]

    @classmethod
    def of(cls, named: Iterable[tuple[int, int, str]]) -> "NamedIntervals":
        """Build from (start, end, name) in any order."""
        intervals: list[Interval] = []
        names: list[str] = []
        covered: int | None = None
        for start, end, name in sorted(named):
            begin = start if covered is None else max(start, covered)
            if begin < end:
                intervals.append((begin, end))
                names.append(name)
                covered = end
        return cls(tuple(intervals), tuple(names))

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def name_at(self, point: int) -> str | None:
        """Return the name of the interval that holds the point; None when none does."""
        position = bisect_right(self.intervals, point, key=_start) - 1
        if position >= 0 and point < self.intervals[position][1]:
            return self.names[position]
        return None

    def within(self, low: int, high: int) -> Intervals:
        """Return the set's part in [low, high), touching intervals joined."""
        position = max(bisect_right(self.intervals, low, key=_start) - 1, 0)
        found: list[Interval] = []
        for start, end in self.intervals[position:]:
            if start >= high:
                break
            if end > low:
                found.append((max(start, low), min(end, high)))
        return merged(found)


def _start(interval: Interval) -> int:
    return interval[0]
