"""From when until when, how often and how exactly, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from templates_app.recurrence.describe.wording import beginning, counted, date_of, ending
from templates_app.recurrence.kinds.interval import DEFAULT_ANCHOR

SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def span_words(document: Mapping[str, Any]) -> list[str]:
    """Return "from 1 January 2026 until 31 March 2026" and "at most 10 times", as they are set."""
    found = []
    span = _since(document)
    if "ends_at" in document:
        span += f" until {ending(_wall(document['ends_at']))}"
    if span:
        found.append(span.strip())
    anchor = _anchor(document)
    starts_at = _wall(document["starts_at"]) if "starts_at" in document else None
    if anchor and starts_at and starts_at > anchor and starts_at.date() != anchor.date():
        found.append(f"counted from {_shown(document, anchor)}")
    if "max_occurrences" in document:
        found.append(f"at most {counted(document['max_occurrences'], 'time')}")
    return found


def jitter_words(document: Mapping[str, Any]) -> list[str]:
    """Return "each delayed by up to 5 minutes", if so."""
    if "jitter" not in document:
        return []
    return [f"each delayed by up to {duration(document['jitter'])}"]


def duration(seconds: int) -> str:
    """Write seconds in the largest unit that fits."""
    for size, noun in SPANS:
        if seconds % size == 0:
            return counted(seconds // size, noun)
    return counted(seconds, "second")


def _since(document: Mapping[str, Any]) -> str:
    anchor = _anchor(document)
    starts_at = _wall(document["starts_at"]) if "starts_at" in document else None
    if anchor is not None and (starts_at is None or starts_at <= anchor):
        return f"from {_shown(document, anchor)}"
    return f"from {beginning(starts_at)}" if starts_at is not None else ""


def _anchor(document: Mapping[str, Any]) -> datetime | None:
    """Return the local time from which steps are counted, and before which there are none."""
    if "anchor" not in document:
        return None
    anchor = _wall(document["anchor"])
    return None if anchor == DEFAULT_ANCHOR else anchor


def _shown(document: Mapping[str, Any], anchor: datetime) -> str:
    """Leave out the time where the sentence has it already."""
    elapsed = document["kind"] == "interval" and datetime.fromisoformat(document["anchor"]).tzinfo
    return beginning(anchor) if elapsed else date_of(anchor)


def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
