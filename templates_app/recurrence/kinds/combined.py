"""`union` and `except`: recurrences made of others."""

from templates_app.recurrence.document import Document
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.kinds.built import Built, Nested
from templates_app.recurrence.schedules import Except, Union
from templates_app.recurrence.value import Recurrence
from templates_app.recurrence.zones import Zone

UNION = ("of",)
EXCEPT = ("from", "minus")
MOST = 99


def build_union(document: Document, seed: str, nested: Nested) -> Built:
    """Build from the recurrences in `of`; what several name happens once."""
    items = document.items("of", most=MOST, empty="Combine at least one recurrence.")
    parts = [_part(nested, item, f"of.{index}") for index, item in enumerate(items)]
    cautions = [
        _within(caution, f"of.{index}")
        for index, part in enumerate(parts)
        for caution in part.cautions
    ]
    return Built(
        schedule=Union(tuple(parts)),
        zone=_zone(document, parts[0]),
        canonical={"of": [part.document for part in parts]},
        cautions=tuple(cautions),
    )


def build_except(document: Document, seed: str, nested: Nested) -> Built:
    """Build from `from`, without what `minus` names at the same instant."""
    remedy = "It is a recurrence, a JSON object."
    source = _part(nested, document.required("from", remedy), "from")
    minus = _part(nested, document.required("minus", remedy), "minus")
    cautions = [_within(caution, "from") for caution in source.cautions]
    cautions += [_within(caution, "minus") for caution in minus.cautions]
    return Built(
        schedule=Except(source, minus),
        zone=_zone(document, source),
        canonical={"from": source.document, "minus": minus.document},
        proven=False,
        cautions=tuple(cautions),
    )


def _part(nested: Nested, content: object, path: str) -> Recurrence:
    try:
        return nested(content)
    except RecurrenceError as error:
        if error.code == "too_many_parts":
            raise
        raise error.within(path) from None


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
