"""From JSON to a Recurrence, and from a Recurrence to its canonical JSON."""

import json
from collections.abc import Callable, Mapping
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
COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def parse(content: Any, *, seed: str = "") -> Recurrence:
    """Return the recurrence of a JSON object. Raises RecurrenceError for the first fault.

    `seed` (a template's id) decides what `H` in a cron expression and `jitter` come to; the same
    seed gives the same times for ever. Refuses what would never happen (code `never`).
    """
    try:
        text = COMPACT.encode(content)
    except (TypeError, ValueError, RecursionError):
        raise RecurrenceError("wrong_type", "recurrence", "A recurrence is plain JSON.") from None
    if len(text) > LONGEST_DOCUMENT:
        raise RecurrenceError(
            "too_long",
            "recurrence",
            f"A recurrence may have at most {LONGEST_DOCUMENT:,} characters as JSON.",
        )
    return _checked(text, seed if _is_seeded(text) else "")


def parse_stored(text: str, *, seed: str = "") -> Recurrence:
    """Return the recurrence of JSON that `parse` has accepted before, given as text.

    The same text and seed give the same object while it is remembered. Whether it ever happens is
    not asked again.
    """
    # Templates share what their ids do not change.
    return _trusted(text, seed if _is_seeded(text) else "")


def _is_seeded(text: str) -> bool:
    """Whether the seed may matter: for jitter, and for an `h` in a cron expression."""
    if '"jitter"' in text:
        return True
    after_keys = text.split('"expression"')[1:]
    return any("h" in after.split('"', 2)[1].lower() for after in after_keys if '"' in after)


@lru_cache(maxsize=2048)
def _checked(text: str, seed: str) -> Recurrence:
    return _Parser(seed, _refuse_what_never_fits).parse(json.loads(text), depth=1)


@lru_cache(maxsize=8192)
def _trusted(text: str, seed: str) -> Recurrence:
    return _Parser(seed, lambda _recurrence, _built: None).parse(json.loads(text), depth=1)


class _Parser:
    """Reads one recurrence with all its parts, and counts them."""

    def __init__(self, seed: str, check: Callable[[Recurrence, Built], None]) -> None:
        self._seed = seed
        self._check = check
        self._parts = 0

    def parse(self, content: Any, *, depth: int) -> Recurrence:
        self._parts += 1
        if depth > DEEPEST or self._parts > MOST_PARTS:
            raise RecurrenceError(
                "too_many_parts",
                "recurrence",
                f"A recurrence may combine at most {MOST_PARTS} parts, {DEEPEST} deep.",
                hint="Use fewer parts, or several templates.",
            )
        if not isinstance(content, Mapping):
            Document(content, ())  # says that it is no object
        kind = content.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise RecurrenceError(
                "required" if kind is None else "unknown_kind",
                "kind",
                '"kind" is missing.' if kind is None else f"{quoted(kind)} is not a kind.",
                hint=f"Use {listed(tuple(KINDS))}.",
            )
        known, build = KINDS[kind]
        document = Document(content, (*COMMON, *known))
        built = build(document, self._seed, lambda inner: self.parse(inner, depth=depth + 1))
        recurrence = _bounded(document, built, kind, self._seed)
        self._check(recurrence, built)
        return recurrence


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
    return Recurrence(
        document=canonical,
        seed=seed,
        schedule=built.schedule,
        zone=zone,
        starts_at=starts_at if starts_at or most is None else built.origin,
        ends_at=ends_at,
        max_occurrences=most,
        jitter=jitter,
        cautions=(*built.cautions, *document.cautions),
    )


def _refuse_what_never_fits(recurrence: Recurrence, built: Built) -> None:
    _refuse_never(recurrence, built)
    if recurrence.jitter:
        start = recurrence.starts_at or built.origin
        _refuse_long_jitter(built.schedule, start, recurrence.jitter)


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
