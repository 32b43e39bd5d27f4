"""From JSON to a Recurrence, and from a Recurrence to its canonical JSON."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any

from templates_app.recurrence.document import Document, listed, quoted
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.kinds import KINDS, Built
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.value import BEGINNING, Recurrence

COMMON = ("kind", "timezone", "starts_at", "ends_at", "max_occurrences", "jitter")
MOST_OCCURRENCES = 100_000
LONGEST_JITTER = 86_400  # seconds
LONGEST_DOCUMENT = 200_000  # characters of canonical JSON
DEEPEST = 5
MOST_PARTS = 100
# How many gaps between occurrences are looked at before a jitter is believed to fit them all.
GAPS_LOOKED_AT = 400
TICK = timedelta(microseconds=1)


def parse(content: Any, *, seed: str = "") -> Recurrence:
    """Return the recurrence of a JSON object. Raises RecurrenceError for the first fault.

    `seed` (a template's id) decides what `H` in a cron expression and `jitter` come to; the same
    seed gives the same times for ever. Refuses what would never happen (code `never`).
    """
    try:
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise RecurrenceError("wrong_type", "recurrence", "A recurrence is plain JSON.") from None
    if len(text) > LONGEST_DOCUMENT:
        raise RecurrenceError(
            "too_long",
            "recurrence",
            f"A recurrence may have at most {LONGEST_DOCUMENT:,} characters as JSON.",
        )
    return parse_stored(text, seed=seed)


def parse_stored(text: str, *, seed: str = "") -> Recurrence:
    """Return the recurrence of JSON that `parse` has accepted before, given as text.

    The same text and seed give the same object while it is remembered.
    """
    # Templates share what their ids do not change.
    return _parse_text(text, seed if '"jitter"' in text or "H" in text else "")


@lru_cache(maxsize=8192)
def _parse_text(text: str, seed: str) -> Recurrence:
    parts = [0]
    return _parse(json.loads(text), seed, depth=1, parts=parts)


def _parse(content: Any, seed: str, *, depth: int, parts: list[int]) -> Recurrence:
    parts[0] += 1
    if depth > DEEPEST or parts[0] > MOST_PARTS:
        raise RecurrenceError(
            "too_many_parts",
            "recurrence",
            f"A recurrence may combine at most {MOST_PARTS} parts, {DEEPEST} deep.",
            hint="Use fewer parts, or several templates.",
        )
    kind = content.get("kind") if isinstance(content, Mapping) else None
    if isinstance(content, Mapping) and (not isinstance(kind, str) or kind not in KINDS):
        raise RecurrenceError(
            "required" if kind is None else "unknown_kind",
            "kind",
            '"kind" is missing.' if kind is None else f"{quoted(kind)} is not a kind.",
            hint=f"Use {listed(tuple(KINDS))}.",
        )
    known, build = KINDS[kind] if isinstance(kind, str) else ((), KINDS["dates"][1])
    document = Document(content, (*COMMON, *known))

    def nested(inner: Any) -> Recurrence:
        return _parse(inner, seed, depth=depth + 1, parts=parts)

    built = build(document, seed, nested)
    return _bounded(document, built, str(kind), seed)


def _bounded(document: Document, built: Built, kind: str, seed: str) -> Recurrence:
    zone = built.zone
    starts_at = document.instant("starts_at", zone)
    ends_at = document.instant("ends_at", zone)
    if starts_at and ends_at and ends_at < starts_at:
        raise RecurrenceError("out_of_range", "ends_at", '"ends_at" is before "starts_at".')
    most = None
    if "max_occurrences" in document:
        most = document.integer("max_occurrences", 1, most=MOST_OCCURRENCES)
        if starts_at is None and built.origin is None:
            raise RecurrenceError(
                "required",
                "starts_at",
                '"max_occurrences" counts from "starts_at", which is missing.',
            )
    jitter = timedelta(seconds=document.integer("jitter", 1, most=LONGEST_JITTER))
    if "jitter" not in document:
        jitter = timedelta(0)
    canonical: dict[str, Any] = {"kind": kind, **built.canonical, "timezone": zone.name}
    for name, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
        if moment is not None:
            canonical[name] = zone.aware(moment).isoformat()
    if most is not None:
        canonical["max_occurrences"] = most
    if jitter:
        canonical["jitter"] = int(jitter.total_seconds())
    recurrence = Recurrence(
        document=canonical,
        text=json.dumps(canonical, separators=(",", ":"), ensure_ascii=False),
        seed=seed,
        schedule=built.schedule,
        zone=zone,
        starts_at=starts_at if starts_at or most is None else built.origin,
        ends_at=ends_at,
        max_occurrences=most,
        jitter=jitter,
        cautions=(*built.cautions, *document.cautions),
    )
    _refuse_never(recurrence, built)
    if jitter:
        _refuse_long_jitter(built.schedule, starts_at or built.origin, jitter)
    return recurrence


def _refuse_never(recurrence: Recurrence, built: Built) -> None:
    """The kinds refuse what is impossible in itself; here the bounds have their say."""
    if built.proven and recurrence.starts_at is None and recurrence.ends_at is None:
        return
    start = recurrence.starts_at or built.origin or BEGINNING
    if next((one for one in recurrence.moments(start - TICK) if one.runs), None) is None:
        bounded = recurrence.starts_at is not None or recurrence.ends_at is not None
        raise RecurrenceError(
            "never",
            "ends_at" if recurrence.ends_at else "recurrence",
            "This schedule never runs"
            + (" between its start and its end." if bounded else ": nothing is left of it."),
        )


def _refuse_long_jitter(schedule: Schedule, origin: datetime | None, jitter: timedelta) -> None:
    start = origin or datetime(2026, 1, 1)  # noqa: DTZ001 - naive UTC
    looked_at = islice(schedule.moments(start - TICK), GAPS_LOOKED_AT)
    instants = [moment.scheduled for moment in looked_at if moment.runs]
    shortest = min((later - earlier for earlier, later in pairwise(instants)), default=None)
    if shortest is not None and jitter >= shortest:
        raise RecurrenceError(
            "jitter_too_large",
            "jitter",
            f"Jitter ({_span(jitter)}) must be shorter than the shortest gap between runs "
            f"({_span(shortest)}).",
        )


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
