"""Breakers in words: what a host's jobs may do now, what happened to it, and who waits for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, QuerySet

from jobs.breaker import BreakerState, at_once
from jobs.handlers.registry import ASYNC
from jobs.models import Breaker, Job
from jobs.states import WAITING, Gate
from jobs.waiting_reason import duration

MOST_COUNTED = 1_000
FIRST_IN_LINE = 10
COLOURS = {
    BreakerState.CLOSED: "info",
    BreakerState.OPEN: "danger",
    BreakerState.HALF_OPEN: "warning",
}


@dataclass(frozen=True)
class Happened:
    """A line of a breaker's story."""

    at: datetime
    words: str


def state(breaker: Breaker) -> str:
    """Return the state for a badge, such as "half-open, at most 4 at once"."""
    if breaker.state != BreakerState.HALF_OPEN:
        return breaker.state
    if breaker.recovering_at is None:
        return "half-open, one job tries it"
    return f"half-open, at most {at_once(breaker.answers):,} at once"


def meaning(breaker: Breaker) -> str:
    """Return what the state means for the host's jobs and what comes next, in a sentence."""
    engine = settings.TASKFLOW_ENGINE
    match BreakerState(breaker.state):
        case BreakerState.CLOSED:
            return (
                "All of its jobs go. It is given up after "
                f"{_calls(engine.breaker_failures)} in a row without an answer."
            )
        case BreakerState.OPEN:
            return (
                f"All of its jobs wait, at no cost of attempts, until one tries it. {_patience()}"
            )
    if breaker.recovering_at is None:
        return (
            f"The next of its jobs tries it; the others wait until that is answered. {_patience()}"
        )
    return (
        "It answers again. With each round of answers twice as many of its jobs go; from "
        f"{engine.breaker_unbound:,} at once on, or when none waits, it is taken back for good. "
        "One failure gives it up again."
    )


def story(breaker: Breaker) -> list[Happened]:
    """Return what happened to the host, in order."""
    told = []
    if breaker.opened_at is not None:
        told.append(Happened(breaker.opened_at, f"It was given up ({breaker.error_code})."))
    if breaker.recovering_at is not None:
        told.append(Happened(breaker.recovering_at, "It was tried, and answered."))
        words = f"The latest answer, of {breaker.answers:,} so far."
    else:
        failed = "A call was not answered"
        if breaker.failures > 1:
            failed = f"{_calls(breaker.failures)} in a row were not answered"
        words = f"{failed}; the last error was {breaker.error_code}."
        if breaker.probes:
            words += f" So far {breaker.probes:,} of them tried the host after a pause."
    told.append(Happened(breaker.changed_at, words))
    if breaker.state == BreakerState.OPEN and breaker.probe_at is not None:
        told.append(Happened(breaker.probe_at, "From then on one job tries it."))
    return told


def line_of(breaker: Breaker) -> QuerySet[Job]:
    """Return the jobs that wait for a host, in their order."""
    # As the index job_parked is conditioned and begins, or all waiting jobs would be read, or sorted.
    parked = Job.objects.filter(
        gate=Gate.PARKED,
        status__in=WAITING,
        parked_by=breaker.pk,
        merchant=breaker.merchant_id,
        lane=ASYNC,
    )
    first: QuerySet[Job] = parked.order_by("parked_rank", "id")
    return first


def waiting() -> Any:
    """Return an expression that counts the jobs that wait for each host of a list, up to a bound."""
    line = Job.objects.filter(
        gate=Gate.PARKED, status__in=WAITING, parked_by=OuterRef("pk")
    ).order_by("merchant", "lane")
    return Func(
        ArraySubquery(line.values("pk")[:MOST_COUNTED]),
        function="cardinality",
        output_field=IntegerField(),
    )


def counted(number: int) -> str:
    """Return a number of jobs that was counted up to the bound."""
    if number >= MOST_COUNTED:
        return f"{MOST_COUNTED:,} or more jobs"
    return "1 job" if number == 1 else f"{number:,} jobs"


def _patience() -> str:
    longest = duration(settings.TASKFLOW_ENGINE.breaker_patience)
    return f"Those that have waited for {longest} without an answer fail."


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number:,} calls"
