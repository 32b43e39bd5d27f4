"""A maintenance window as somebody wants it: read from JSON, checked whole, not stored."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from jobs.operations.fields import Fields, InvalidFields
from jobs.operations.limits import HORIZON, MAX_NAME
from templates_app.models import MaintenanceWindow, Template
from templates_app.models.maintenance_window import LONGEST
from templates_app.operations.faults import recurrence_problem
from templates_app.planning.window_book import naive
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import Recurrence
from tenants.models import Merchant

WINDOW_FIELDS = (
    "name",
    "mode",
    "template_id",
    "starts_at",
    "ends_at",
    "recurrence",
    "duration",
    "release_over",
)
TIMES = ("starts_at", "ends_at", "recurrence", "duration")
SHORTEST = 60  # seconds
LONGEST_RELEASE = 86_400  # seconds
LONGEST_STRETCH = timedelta(seconds=LONGEST)
# Spans are computed for two months at a time (`planning.window_book`).
LOOKED_AT = timedelta(days=66)
MOST_OPENINGS = 2_000
LEAST_OPENINGS = 14


def read_window(
    data: Any,
    *,
    merchant: Merchant | None,
    window_id: UUID,
    now: datetime,
    kept: UUID | None = None,
) -> dict[str, Any]:
    """Return the columns of the window that a whole JSON object asks for.

    Without a merchant it is the platform's, for everybody's templates. Raises InvalidFields with
    every fault. `kept` is the template that has the window already; that the template is still there
    when the window is stored is for `keep_templates` to see.
    """
    fields = Fields(data, WINDOW_FIELDS)
    name = fields.text("name", longest=MAX_NAME)
    if not name.strip() and not any(one.pointer == "/name" for one in fields.problems):
        fields.refuse("name", "required", "is required: what is it for? People read it in notes.")
    mode = MaintenanceWindow.Mode
    columns: dict[str, Any] = {
        "name": name,
        "mode": fields.choice("mode", mode.HOLD, options=mode.values),
        "template_id": _template(fields, merchant, kept),
        "release_over": _optional(fields, "release_over", minimum=1, maximum=LONGEST_RELEASE),
        **dict.fromkeys(TIMES),
    }
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
        columns |= _recurring(fields, window_id, now)
    elif not lasts or any(fields.data.get(name) is not None for name in TIMES[:2]):
        columns |= _once(fields, window_id, now)
    fields.raise_problems()
    return columns


def document_of_window(window: MaintenanceWindow) -> dict[str, Any]:
    """Return a stored window as the JSON that `read_window` takes."""
    document = {name: getattr(window, name) for name in WINDOW_FIELDS}
    for name in ("starts_at", "ends_at"):
        if document[name] is not None:
            document[name] = document[name].isoformat()
    if window.template_id is not None:
        document["template_id"] = str(window.template_id)
    return document


def keep_templates(ids: Collection[UUID | None], merchant: Merchant | None) -> set[UUID]:
    """Lock these templates of a merchant, in the order of ids, and return those that exist.

    Before their windows: who deletes a template locks it first, too.
    """
    wanted = [one for one in ids if one is not None]
    if merchant is None or not wanted:
        return set()
    own = Template.objects.of(merchant).filter(pk__in=wanted).order_by("pk")
    return set(own.select_for_update(no_key=True).values_list("pk", flat=True))


def unknown_template() -> InvalidFields:
    """Return what is wrong with a window whose template is gone, as a fault of the body."""
    fields = Fields({}, WINDOW_FIELDS)
    _refuse_template(fields)
    return InvalidFields(fields.problems)


def _template(fields: Fields, merchant: Merchant | None, kept: UUID | None) -> UUID | None:
    text = fields.data.get("template_id")
    if text is None:
        return None
    try:
        found = UUID(text) if isinstance(text, str) and len(text) <= 36 else None
    except ValueError:
        found = None
    if found is not None and found == kept:
        return found
    if (
        merchant is not None
        and found is not None
        and Template.objects.of(merchant).filter(pk=found).exists()
    ):
        return found
    _refuse_template(fields)
    return None


def _refuse_template(fields: Fields) -> None:
    fields.refuse(
        "template_id",
        "unknown_template",
        "is not the id of a template of yours; leave it out for all of them.",
    )


def _optional(fields: Fields, name: str, *, minimum: int, maximum: int) -> int | None:
    if fields.data.get(name) is None:
        return None
    return fields.integer(name, minimum, minimum=minimum, maximum=maximum)


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
    """Whether the window has these times already: a past one can still be renamed."""
    return MaintenanceWindow.objects.filter(pk=window_id, **times).exists()


def _recurring(fields: Fields, window_id: UUID, now: datetime) -> dict[str, Any]:
    document = fields.data["recurrence"]
    if fields.data.get("duration") is None:
        fields.refuse("duration", "required", "is required: how many seconds does each one last?")
        duration = SHORTEST
    else:
        duration = fields.integer("duration", SHORTEST, minimum=SHORTEST, maximum=LONGEST)
    try:
        recurrence = parse(document, seed=str(window_id))
        if recurrence.next(now) is None and not _stands(
            window_id, recurrence=recurrence.document, duration=duration
        ):
            fields.refuse("recurrence", "ended", "has no occurrence in the future.")
        _refuse_dense(fields, recurrence, timedelta(seconds=duration), now)
    except RecurrenceError as error:
        fields.problems.append(recurrence_problem(error, document, f"{fields.pointer}/recurrence"))
        return {}
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
