"""What the drafts of templates, calendars and windows read alike."""

from collections.abc import Collection
from uuid import UUID

from jobs.operations.fields import Fields
from jobs.operations.limits import MAX_NAME
from templates_app.models import Calendar
from tenants.models import Merchant

MAX_DESCRIPTION = 2_000  # characters
MOST_CALENDARS = 20


def read_name(fields: Fields, question: str) -> str:
    """Return a name that is not blank; one that is missing is asked for by the question."""
    told = len(fields.problems)
    name = fields.text("name", longest=MAX_NAME)
    if not name.strip() and len(fields.problems) == told:
        fields.refuse("name", "required", f"is required: {question}")
    return name


def read_description(fields: Fields) -> str:
    """Return a text that may have lines."""
    value = fields.data.get("description", "")
    if not isinstance(value, str):
        fields.refuse("description", "wrong_type", 'must be a text; send "" for none.')
    elif len(value) > MAX_DESCRIPTION:
        fields.refuse(
            "description", "too_long", f"must have at most {MAX_DESCRIPTION:,} characters."
        )
    elif "\x00" in value:
        fields.refuse("description", "control_characters", "must not contain the character U+0000.")
    else:
        return value
    return ""


def read_calendar_ids(
    fields: Fields, name: str, merchant: Merchant | None, *, kept: Collection[UUID] = ()
) -> list[UUID]:
    """Return the ids of calendars that a merchant may use, in the order given.

    Without a merchant, of those that the platform may use: its own. `kept`: what is stored already;
    it is not looked for again, so that what names a calendar that is gone can still be edited.
    """
    ids: dict[UUID, str] = {}
    for text in fields.texts(name, most=MOST_CALENDARS, longest=36):
        try:
            ids[UUID(text)] = text
        except ValueError:
            _refuse_unknown(fields, name, text)
    known = ids.keys() & set(kept)
    added = ids.keys() - known
    if added:
        rows = Calendar.objects.filter(merchant__isnull=True)
        if merchant is not None:
            rows = Calendar.objects.usable_by(merchant)
        known |= set(rows.filter(id__in=added).values_list("id", flat=True))
    for missing in ids.keys() - known:
        _refuse_unknown(fields, name, ids[missing])
    return [one for one in ids if one in known]


def _refuse_unknown(fields: Fields, name: str, text: str) -> None:
    fields.refuse(
        name, "unknown_calendar", f'names "{text}", which is not a calendar that you can use.'
    )
