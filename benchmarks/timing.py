"""Repeated measurements and what they come to."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import TypeVar

T = TypeVar("T")


def milliseconds(step: Callable[[], object], times: int) -> list[float]:
    """Run a step so many times; return how long each took."""
    return [_took(step) for _ in range(times)]


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the worst of samples."""
    ordered = sorted(samples)
    return {
        "median": round(statistics.median(ordered), 2),
        "p99": round(ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)], 2),
        "worst": round(ordered[-1], 2),
    }


def per_second(ask: Callable[[T], object], questions: Sequence[T], *, seconds: float) -> int:
    """Ask the questions over and over for so long; return answers per second.

    The clock is read once per question; that is some 50 ns.
    """
    return rate(ask, cycle(questions), seconds=seconds)


def rate(ask: Callable[[T], object], questions: Iterable[T], *, seconds: float) -> int:
    """Ask until the questions or the seconds are used up; return answers per second."""
    clock = time.perf_counter
    answered = 0
    started = clock()
    stop = started + seconds
    for question in questions:
        ask(question)
        answered += 1
        if clock() >= stop:
            break
    return round(answered / (clock() - started))


def _took(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return (time.perf_counter() - started) * 1000
