"""When a maintenance window is open: once between two moments, or again and again."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from jobs.operations.fields import Fields
from jobs.operations.limits import HORIZON
from templates_app.models import MaintenanceWindow
from templates_app.models.maintenance_window import LONGEST
from templates_app.operations.faults import recurrence_problem
from templates_app.planning.window_book import naive
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import Recurrence

TIMES = ("starts_at", "ends_at", "recurrence", "duration")
SHORTEST = 60  # seconds
LONGEST_STRETCH = timedelta(seconds=LONGEST)
# Spans are computed for two months at a time (`planning.window_book`).
LOOKED_AT = timedelta(days=66)
MOST_OPENINGS = 2_000
LEAST_OPENINGS = 14


def read_times(
    fields: Fields, named: Collection[str], *, window_id: UUID, now: datetime
) -> dict[str, Any]:
    """Return the columns of TIMES, those of the other sort None; adds to `fields` what is wrong.

    A recurrence that is not `named` is stored already, and stays although it cannot be read any more.
    """
    columns: dict[str, Any] = dict.fromkeys(TIMES)
    recurs = fields.data.get("recurrence") is not None
    lasts = not recurs and fields.data.get("duration") is not None
    for absent in ("starts_at", "ends_at") if recurs else ():
        if fields.data.get(absent) is not None:
            fields.refuse(
                absent,
                "conflict",
                'cannot be combined with "recurrence": a window happens once or again and again. '
                "Leave it out.",
            )
    if lasts:
        fields.refuse(
            "duration",
            "conflict",
            'belongs to "recurrence", which is missing: send both, or "starts_at" and "ends_at" only.',
        )
    if recurs:
        columns |= _recurring(fields, named, window_id, now)
    elif not lasts or any(fields.data.get(name) is not None for name in TIMES[:2]):
        columns |= _once(fields, window_id, now)
    return columns


def _once(fields: Fields, window_id: UUID, now: datetime) -> dict[str, Any]:
    times = {name: fields.moment(name) for name in ("starts_at", "ends_at")}
    for name in times:
        if fields.data.get(name) is None:
            fields.refuse(
                name, "required", 'is required, or else "recurrence" and "duration" for both.'
            )
    start, end = times["starts_at"], times["ends_at"]
    if start is None or end is None:
        return times
    if end <= start:
        fields.refuse("ends_at", "empty_window", 'must be later than "starts_at".')
    elif end - start > LONGEST_STRETCH:
        fields.refuse(
            "ends_at",
            "too_long",
            f"makes the window longer than {LONGEST_STRETCH.days} days; pause the templates.",
        )
    elif end <= now and not _stands(window_id, starts_at=start, ends_at=end):
        fields.refuse("ends_at", "too_early", "has passed; a window lies in the future.")
    elif end > now + HORIZON:
        fields.refuse("ends_at", "too_late", "is more than ten years ahead.")
    return times


def _stands(window_id: UUID, **times: Any) -> bool:
    """Whether the window has these times already: whoever sends them again does not move it."""
    return MaintenanceWindow.objects.filter(pk=window_id, **times).exists()


def _recurring(
    fields: Fields, named: Collection[str], window_id: UUID, now: datetime
) -> dict[str, Any]:
    document = fields.data["recurrence"]
    if fields.data.get("duration") is None:
        fields.refuse("duration", "required", "is required: how many seconds does each one last?")
        duration = SHORTEST
    else:
        duration = fields.integer("duration", SHORTEST, minimum=SHORTEST, maximum=LONGEST)
    try:
        recurrence = parse(document, seed=str(window_id))
    except RecurrenceError as error:
        if "recurrence" in named:
            _refuse(fields, error)
        # Else it was readable when it was stored; who changes its length cannot help that.
        return {"recurrence": document, "duration": duration}
    try:
        if recurrence.next(now) is None and not _stands(
            window_id, recurrence=recurrence.document, duration=duration
        ):
            fields.refuse("recurrence", "ended", "has no occurrence in the future.")
        _refuse_dense(fields, recurrence, timedelta(seconds=duration), now)
    except RecurrenceError as error:
        _refuse(fields, error)
    return {"recurrence": dict(recurrence.document), "duration": duration}


def _refuse_dense(fields: Fields, recurrence: Recurrence, lasts: timedelta, now: datetime) -> None:
    """Refuse what opens too often, or leaves no time between the windows."""
    start = naive(now)
    until = start + LOOKED_AT
    stretch_from = stretch_to = start - LONGEST_STRETCH
    moments = (moment for moment in recurrence.moments(start) if moment.runs)
    for number, moment in enumerate(islice(moments, MOST_OPENINGS + 1)):
        if moment.due > until and number >= LEAST_OPENINGS:
            return
        if moment.due > stretch_to:
            stretch_from = moment.due
        stretch_to = max(stretch_to, moment.due + lasts)
        if stretch_to - stretch_from > LONGEST_STRETCH:
            fields.refuse(
                "duration",
                "never_open",
                f"leaves no time between the windows for more than {LONGEST_STRETCH.days} days; "
                "make them shorter or rarer.",
            )
            return
        if number == MOST_OPENINGS and moment.due <= until:
            fields.refuse(
                "recurrence",
                "too_dense",
                f"opens more than {MOST_OPENINGS:,} times in {LOOKED_AT.days} days; make it rarer.",
            )


def _refuse(fields: Fields, error: RecurrenceError) -> None:
    document = fields.data["recurrence"]
    fields.problems.append(recurrence_problem(error, document, f"{fields.pointer}/recurrence"))
