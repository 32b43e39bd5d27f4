"""`union` and `except`: recurrences made of others."""

from collections.abc import Iterator, Mapping
from typing import Any

from templates_app.recurrence.document import Document
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.kinds.beginning import beginning
from templates_app.recurrence.kinds.built import Built, Nested
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.schedules import Except, InZone, Union
from templates_app.recurrence.value import Recurrence
from templates_app.recurrence.zones import Zone

UNION = ("of",)
EXCEPT = ("from", "minus")
MOST = 99
# Of `max_occurrences` of all parts together: each is counted out.
MOST_COUNTED = 100_000


def build_union(document: Document, seed: str, nested: Nested) -> Built:
    """Build from the recurrences in `of`; what several name happens once."""
    items = document.items("of", most=MOST, empty="Combine at least one recurrence.")
    _refuse_long_counts(items, "of")
    parts = [_part(nested, item, f"of.{index}") for index, item in enumerate(items)]
    zone = _zone(document, parts[0])
    cautions = [
        _within(caution, f"of.{index}")
        for index, part in enumerate(parts)
        for caution in part.cautions
    ]
    union = Union(tuple(_in_zone(part, zone) for part in parts))
    return Built(
        schedule=union,
        zone=zone,
        canonical={"of": [part.document for part in parts]},
        origin=beginning(union),
        cautions=tuple(cautions),
    )


def build_except(document: Document, seed: str, nested: Nested) -> Built:
    """Build from `from`, without what `minus` names at the same instant."""
    remedy = "It is a recurrence, a JSON object."
    given, taken = document.required("from", remedy), document.required("minus", remedy)
    _refuse_long_counts([given, taken], "minus")
    source, minus = _part(nested, given, "from"), _part(nested, taken, "minus")
    zone = _zone(document, source)
    cautions = [_within(caution, "from") for caution in source.cautions]
    cautions += [_within(caution, "minus") for caution in minus.cautions]
    return Built(
        schedule=Except(_in_zone(source, zone), minus),
        zone=zone,
        canonical={"from": source.document, "minus": minus.document},
        origin=beginning(source),
        proven=False,
        cautions=tuple(cautions),
    )


def _part(nested: Nested, content: object, path: str) -> Recurrence:
    if isinstance(content, Mapping) and content.get("jitter") is not None:
        raise RecurrenceError(
            "jitter_in_part",
            f"{path}.jitter",
            "A part of a combination has no jitter of its own.",
            hint='Put "jitter" on the whole.',
        )
    try:
        return nested(content)
    except RecurrenceError as error:
        raise error.within(path) from None


def _refuse_long_counts(items: list[Any], key: str) -> None:
    counted = sum(_counts(items))
    if counted > MOST_COUNTED:
        raise RecurrenceError(
            "too_costly",
            key,
            f'"max_occurrences" of the parts comes to {counted:,} in all; at most '
            f"{MOST_COUNTED:,} are counted out.",
            hint='Lower them, or say when the parts end with "ends_at".',
        )


def _counts(items: list[Any]) -> Iterator[int]:
    """Yield every `max_occurrences` in these parts and theirs."""
    waiting = list(items)
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        most = part.get("max_occurrences")
        if isinstance(most, int):
            yield most
        within = part.get("of")
        waiting += within if isinstance(within, list) else []
        waiting += [part.get("from"), part.get("minus")]


def _in_zone(part: Recurrence, zone: Zone) -> Schedule:
    return part if part.zone.name == zone.name else InZone(part, zone)


def _zone(document: Document, first: Recurrence) -> Zone:
    """Return the zone in which occurrences are shown: the named one, or the first part's."""
    return document.zone() if "timezone" in document else first.zone


def _within(caution: Caution, path: str) -> Caution:
    return Caution(
        code=caution.code,
        field=f"{path}.{caution.field}",
        message=caution.message,
        hint=caution.hint,
    )
