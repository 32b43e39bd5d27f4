"""From JSON to a Recurrence, and from a Recurrence to its canonical JSON."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from templates_app.recurrence.document import Document
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.examination import examined
from templates_app.recurrence.kinds import KINDS, Build, Built, Nested
from templates_app.recurrence.plain_json import is_too_deep, refuse_bad_text
from templates_app.recurrence.shown import listed, quoted
from templates_app.recurrence.value import Recurrence

COMMON = ("kind", "timezone", "starts_at", "ends_at", "max_occurrences", "jitter")
MOST_OCCURRENCES = 100_000
LONGEST_JITTER = 86_400  # seconds
LONGEST_DOCUMENT = 200_000  # characters of canonical JSON
DEEPEST = 5
MOST_PARTS = 100
COMBINING = ("union", "except")
# Longer texts are read anew each time: thousands of them, remembered, would be gigabytes.
LONGEST_REMEMBERED = 4_000
# What holds itself is refused as nested too deep.
COMPACT = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)


def parse(content: Any, *, seed: str = "") -> Recurrence:
    """Return the recurrence of a JSON object. Raises RecurrenceError for the first fault.

    `seed` (a template's id) decides what `H` in a cron expression and `jitter` come to; the same
    seed gives the same times for ever. Refuses what would never happen (code `never`).
    """
    try:
        text = COMPACT.encode(content)
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError):
        raise RecurrenceError(
            "wrong_type",
            "recurrence",
            "A recurrence is plain JSON.",
            hint="Use objects, lists, texts, numbers, true and false.",
        ) from None
    if len(text) > LONGEST_DOCUMENT:
        raise RecurrenceError(
            "too_long",
            "recurrence",
            f"A recurrence may have at most {LONGEST_DOCUMENT:,} characters as JSON.",
        )
    own_seed = seed if _is_seeded(text) else ""
    if len(text) > LONGEST_REMEMBERED:
        return _checked.__wrapped__(text, own_seed)
    return _checked(text, own_seed)


def parse_stored(text: str, *, seed: str = "") -> Recurrence:
    """Return the recurrence of JSON that `parse` has accepted before, given as text.

    The same text and seed give the same object while it is remembered. Whether it ever happens is
    not asked again.
    """
    if len(text) > LONGEST_REMEMBERED:
        return _read(text, seed if _is_seeded(text) else "")
    # Templates share what their ids do not change.
    return _unseeded(text) or _seeded(text, seed)


def _is_seeded(text: str) -> bool:
    """Whether the seed may matter: for jitter, and for an `h` in a cron expression."""
    if text.count('"jitter"') > text.count('"jitter":null'):
        return True
    after_keys = text.split('"expression"')[1:]
    return any("h" in after.split('"', 2)[1].lower() for after in after_keys if '"' in after)


@lru_cache(maxsize=2048)
def _checked(text: str, seed: str) -> Recurrence:
    if is_too_deep(text):
        raise _too_deep()
    content = json.loads(text)
    refuse_bad_text(content)
    refuse_bad_text({"seed": seed})
    return _Parser(seed, examined).parse(content, depth=1)


@lru_cache(maxsize=8192)
def _unseeded(text: str) -> Recurrence | None:
    return None if _is_seeded(text) else _read(text, "")


@lru_cache(maxsize=4096)
def _seeded(text: str, seed: str) -> Recurrence:
    return _read(text, seed)


def _read(text: str, seed: str) -> Recurrence:
    return _Parser(seed, lambda recurrence, _built: recurrence).parse(json.loads(text), depth=1)


def _too_deep() -> RecurrenceError:
    return RecurrenceError(
        "too_many_parts",
        "recurrence",
        f"A recurrence may combine at most {MOST_PARTS} parts, {DEEPEST} deep.",
        hint="Use fewer parts, or several templates.",
    )


class _Parser:
    """Reads one recurrence with all its parts, and counts them."""

    def __init__(self, seed: str, examine: Callable[[Recurrence, Built], Recurrence]) -> None:
        self._seed = seed
        self._examine = examine
        self._parts = 0

    def parse(self, content: Any, *, depth: int, timezone: str | None = None) -> Recurrence:
        """Read one object; `timezone` is that of the whole, for a part that names none."""
        self._parts += 1
        if depth > DEEPEST or self._parts > MOST_PARTS:
            raise _too_deep()
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
        if timezone is not None and content.get("timezone") is None:
            content = {**content, "timezone": timezone}
        known, build = KINDS[kind]
        document = Document(content, (*COMMON, *known))
        passed_on = None
        if kind in COMBINING and "timezone" in document:
            passed_on = document.zone().name
        built = self._built(
            build, document, lambda inner: self.parse(inner, depth=depth + 1, timezone=passed_on)
        )
        return self._examine(_bounded(document, built, kind, self._seed), built)

    def _built(self, build: Build, document: Document, nested: Nested) -> Built:
        try:
            return build(document, self._seed, nested)
        except RecurrenceError as error:
            if not error.field.endswith(".recurrence"):
                raise
            # A part is named by its path alone.
            raise RecurrenceError(
                error.code,
                error.field.removesuffix(".recurrence"),
                error.message,
                hint=error.hint,
                position=error.position,
            ) from None


def _bounded(document: Document, built: Built, kind: str, seed: str) -> Recurrence:
    zone = built.zone
    starts_at = document.instant("starts_at", zone)
    ends_at = document.end("ends_at", zone)
    if starts_at and ends_at and ends_at < starts_at:
        raise RecurrenceError(
            "out_of_range",
            "ends_at",
            '"ends_at" is before "starts_at".',
            hint="Exchange them, or leave one out.",
        )
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
