"""Which dead letters a bulk request means: named ids, or a filter with at least one condition."""

from typing import Any
from uuid import UUID

from jobs.operations.fields import Fields
from jobs.querysets import DeadLetterQuerySet

MOST_IDS = 1000
_TEXTS = {"fingerprint": 16, "kind": 32, "handler": 200, "error_code": 100}
_MOMENTS = {"created_after": "created_at__gte", "created_before": "created_at__lt"}


def chosen(letters: DeadLetterQuerySet, body: Any, known: tuple[str, ...]) -> DeadLetterQuerySet:
    """Return the letters among `letters` that the body means. Raises InvalidFields."""
    fields = Fields(body, known)
    if not fields.problems and ("ids" in fields) == ("filter" in fields):
        fields.refuse(None, "required", 'must have either "ids" or "filter".')
    fields.raise_problems()
    return _by_ids(letters, fields) if "ids" in fields else _by_filter(letters, fields)


def reason_of(body: Any, known: tuple[str, ...] = ("reason",)) -> str:
    """Return why the letters are discarded. Raises InvalidFields."""
    fields = Fields(body, known)
    reason = fields.text("reason", longest=500)
    fields.raise_problems()
    return reason


def _by_ids(letters: DeadLetterQuerySet, fields: Fields) -> DeadLetterQuerySet:
    texts = fields.texts("ids", most=MOST_IDS, longest=36)
    if not fields.problems and not texts:
        fields.refuse("ids", "required", "must name at least one dead letter.")
    ids = []
    for text in texts:
        try:
            ids.append(UUID(text))
        except ValueError:
            fields.refuse("ids", "invalid_id", f'holds "{text}", which is not a UUID.')
    fields.raise_problems()
    return letters.filter(pk__in=ids)


def _by_filter(letters: DeadLetterQuerySet, fields: Fields) -> DeadLetterQuerySet:
    inner = Fields(fields.data["filter"], (*_TEXTS, *_MOMENTS), "/filter")
    conditions: dict[str, Any] = {
        name: inner.text(name, longest=longest) for name, longest in _TEXTS.items() if name in inner
    }
    for name, lookup in _MOMENTS.items():
        if (moment := inner.moment(name)) is not None:
            conditions[lookup] = moment
    if not inner.problems and not conditions:
        inner.refuse(None, "required", f"must name one of {', '.join((*_TEXTS, *_MOMENTS))}.")
    inner.raise_problems()
    return letters.filter(**conditions)
