"""`rrule`: RFC 5545's rules, extra dates and exceptions."""

from datetime import datetime
from typing import Any

from templates_app.recurrence.document import Document, quoted
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.kinds.built import DST, Built, Nested, wall_schedule
from templates_app.recurrence.rrule import parse_set

LISTS = ("rules", "exrules", "rdates", "exdates")
KNOWN = ("dtstart", *LISTS, *DST)
MOST_RULES = 50
MOST_DATES = 5_000
LONGEST_RULE = 6_500


def build(document: Document, seed: str, nested: Nested) -> Built:
    """Build from `dtstart`, `rules`, `exrules`, `rdates` and `exdates`."""
    zone = document.zone()
    dtstart = document.text("dtstart", "It is the local time from which the rules count.")
    lists = {key: _texts(document, key) for key in LISTS}
    rules = parse_set(dtstart=dtstart, zone=zone.info, **lists)
    schedule, policy = wall_schedule(document, rules, zone)
    # A date alone means whole days, for which BYHOUR and the like are ignored (RFC 5545 3.3.10).
    first = rules.dtstart.date() if rules.all_day else rules.dtstart
    canonical: dict[str, Any] = {"dtstart": first.isoformat(), **lists, **policy}
    return Built(
        schedule=schedule,
        zone=zone,
        canonical=canonical,
        origin=_origin(document, rules.dtstart),
        cautions=rules.cautions,
    )


def _origin(document: Document, dtstart: datetime) -> datetime:
    return document.zone().instant(dtstart)


def _texts(document: Document, key: str) -> list[str]:
    most, longest = (MOST_RULES, LONGEST_RULE) if key.endswith("rules") else (MOST_DATES, 64)
    items = document.items(key, most=most)
    for item in items:
        if not isinstance(item, str):
            raise RecurrenceError("wrong_type", key, f'"{key}" must be a list of texts.')
        if len(item) > longest:
            raise RecurrenceError("too_long", key, f"{quoted(item)} is too long.")
    return items
