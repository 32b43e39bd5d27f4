"""What is asked of a new recurrence beyond its grammar: whether it ever runs, and too often."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, pairwise

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.kinds import Built
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.value import BEGINNING, Recurrence

# How many gaps between occurrences are looked at before a jitter is believed to fit them all.
GAPS_LOOKED_AT = 400
TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


def examined(recurrence: Recurrence, built: Built) -> Recurrence:
    """Return the recurrence with all that there is to warn of; refuse what never happens."""
    found = built.examine()
    _refuse_never(recurrence, built)
    if recurrence.jitter:
        start = recurrence.starts_at or built.origin
        _refuse_long_jitter(built.schedule, start, recurrence.jitter)
    return replace(recurrence, cautions=(*found, *recurrence.cautions)) if found else recurrence


def _refuse_never(recurrence: Recurrence, built: Built) -> None:
    """The kinds refuse what is impossible in itself; here the bounds have their say."""
    if built.proven and recurrence.starts_at is None and recurrence.ends_at is None:
        return
    start = recurrence.starts_at or built.origin or BEGINNING
    if next((one for one in recurrence.moments(start - TICK) if one.runs), None) is None:
        bounded = recurrence.starts_at is not None or recurrence.ends_at is not None
        raise RecurrenceError(
            "never",
            "ends_at" if recurrence.ends_at else "recurrence",
            "This schedule never runs"
            + (" between its start and its end." if bounded else ": nothing is left of it."),
        )


def _refuse_long_jitter(schedule: Schedule, origin: datetime | None, jitter: timedelta) -> None:
    start = origin or datetime(2026, 1, 1)  # noqa: DTZ001 - naive UTC
    looked_at = islice(schedule.moments(start - TICK), GAPS_LOOKED_AT)
    instants = [moment.scheduled for moment in looked_at if moment.runs]
    shortest = min((later - earlier for earlier, later in pairwise(instants)), default=None)
    if shortest is not None and jitter >= shortest:
        raise RecurrenceError(
            "jitter_too_large",
            "jitter",
            f"Jitter ({_span(jitter)}) must be shorter than the shortest gap between runs "
            f"({_span(shortest)}).",
            hint=f"Use at most {int(shortest.total_seconds()) - 1} seconds."
            if shortest > SECOND
            else "Leave it out.",
        )


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
