"""A maintenance window as somebody wants it: read from JSON, checked, not stored."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.operations.fields import Fields, InvalidFields
from templates_app.models import MaintenanceWindow, Template
from templates_app.operations.reading import read_name
from templates_app.operations.window_times import TIMES, read_times
from tenants.models import Merchant

WINDOW_FIELDS = ("name", "mode", "template_id", *TIMES, "release_over")
LONGEST_RELEASE = 86_400  # seconds


def read_window(
    data: Any, *, merchant: Merchant | None, window_id: UUID, now: datetime
) -> dict[str, Any]:
    """Return the columns of the window that a whole JSON object asks for.

    Without a merchant it is the platform's, for everybody's templates. Raises InvalidFields with
    every fault. That the template is still there when the window is stored is for `keep_templates`
    to see.
    """
    fields = Fields(data, WINDOW_FIELDS)
    columns = _columns(fields, WINDOW_FIELDS, merchant, window_id=window_id, now=now, kept=None)
    fields.raise_problems()
    return columns


def read_window_change(window: MaintenanceWindow, data: Any, *, now: datetime) -> dict[str, Any]:
    """Return all columns of a stored window as they would be with this change.

    Only what `data` names is checked, and what depends on that: whatever has become of the rest, a
    window can be renamed and ended. Naming one sort of times gives the other up. Raises
    InvalidFields.
    """
    fields = Fields(data, WINDOW_FIELDS)
    if not fields.problems and not fields.data:
        fields.refuse(None, "nothing_to_change", "names nothing to change.")
    fields.raise_problems()
    whole = Fields(_merged(document_of_window(window), fields.data), WINDOW_FIELDS)
    read = _columns(
        whole,
        fields.data.keys(),
        window.merchant,
        window_id=window.pk,
        now=now,
        kept=window.template_id,
    )
    whole.raise_problems()
    return {name: getattr(window, name) for name in WINDOW_FIELDS} | read


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


def _columns(
    fields: Fields,
    named: Collection[str],
    merchant: Merchant | None,
    *,
    window_id: UUID,
    now: datetime,
    kept: UUID | None,
) -> dict[str, Any]:
    """Return the named columns; of the times all four, since each must fit the others.

    `kept` is the template that has the window already.
    """
    columns: dict[str, Any] = {}
    if "name" in named:
        columns["name"] = read_name(fields, "what is it for? People read it in notes.")
    if "mode" in named:
        mode = MaintenanceWindow.Mode
        columns["mode"] = fields.choice("mode", mode.HOLD, options=mode.values)
    if "template_id" in named:
        columns["template_id"] = _template(fields, merchant, kept)
    if "release_over" in named:
        columns["release_over"] = _release_over(fields)
    if set(named).intersection(TIMES):
        columns |= read_times(fields, named, window_id=window_id, now=now)
    return columns


def _merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    once, again = TIMES[:2], TIMES[2:]
    given_up: dict[str, Any] = {}
    for wanted, other in ((once, again), (again, once)):
        if any(changes.get(name) is not None for name in wanted):
            given_up |= dict.fromkeys(other)
    return {**document, **given_up, **changes}


def _release_over(fields: Fields) -> int | None:
    if fields.data.get("release_over") is None:
        return None
    return fields.integer("release_over", 1, minimum=1, maximum=LONGEST_RELEASE)


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
