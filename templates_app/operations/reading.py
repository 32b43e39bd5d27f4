"""What the drafts of templates and calendars read alike."""

from collections.abc import Collection
from uuid import UUID

from jobs.operations.fields import Fields
from templates_app.models import Calendar
from tenants.models import Merchant

MAX_DESCRIPTION = 2_000  # characters
MOST_CALENDARS = 20


def read_description(fields: Fields) -> str:
    """Return a text that may have lines."""
    value = fields.data.get("description", "")
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION or "\x00" in value:
        fields.refuse(
            "description", "too_long", f"must be a text of at most {MAX_DESCRIPTION:,} characters."
        )
        return ""
    return value


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
