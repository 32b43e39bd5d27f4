"""Every kind in words, with its bounds; unions and exceptions of others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from templates_app.recurrence.describe import forms
from templates_app.recurrence.describe.bounds import jitter_words, span_words
from templates_app.recurrence.describe.cron import cron_words
from templates_app.recurrence.describe.dates import dates_words
from templates_app.recurrence.describe.ruleset import rrule_words

SIMPLE: Mapping[str, Callable[[Mapping[str, Any], int], str]] = {
    "cron": lambda document, most: cron_words(
        document["expression"], document.get("day_match", "or"), most
    ),
    "interval": forms.interval_words,
    "daily": forms.daily_words,
    "weekly": forms.weekly_words,
    "monthly": forms.monthly_words,
    "yearly": forms.yearly_words,
    "rrule": rrule_words,
    "dates": lambda document, most: dates_words(document["dates"], most),
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How to tell: lists up to `most`; the zone with every part when they are `mixed`."""

    most: int
    mixed: bool


def words(document: Mapping[str, Any], manner: Manner, extra: list[str]) -> str:
    """Say what a document names, its bounds and what else applies to all of it."""
    clauses = [*span_words(document), *extra, *jitter_words(document)]
    body = _body(document, manner)
    if not clauses:
        return body
    # After several parts a clause would be read as belonging to the last.
    several = document["kind"] in ("union", "except") or "; " in body or ", but not " in body
    return f"{body}{'; all of it ' if several else ', '}{', '.join(clauses)}"


def parts_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the document and every one inside it."""
    yield document
    for inner in (*document.get("of", ()), document.get("from"), document.get("minus")):
        if inner is not None:
            yield from parts_of(inner)


def _body(document: Mapping[str, Any], manner: Manner) -> str:
    match document["kind"]:
        case "union":
            return _union(document["of"], manner)
        case "except":
            source = _part(document["from"], manner)
            return f"{source}, but not {_part(document['minus'], manner)}"
        case kind:
            return SIMPLE[kind](document, manner.most)


def _union(parts: list[Mapping[str, Any]], manner: Manner) -> str:
    told = [_part(part, manner) for part in parts[: manner.most]]
    left = len(parts) - len(told)
    if left:
        told.append(f"{left} more")
    return "; and also ".join(told)


def _part(document: Mapping[str, Any], manner: Manner) -> str:
    text = words(document, manner, [])
    if "; " in text or ", but not " in text:
        text = f"({text})"
    return f"{text} ({document['timezone']})" if manner.mixed else text
