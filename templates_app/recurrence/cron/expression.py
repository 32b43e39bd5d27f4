"""From the text of an expression to its fields."""

import re
from dataclasses import dataclass
from functools import lru_cache

from templates_app.recurrence.cron.day_items import read_day_rule
from templates_app.recurrence.cron.fields import LAYOUTS, FieldKind
from templates_app.recurrence.cron.pieces import Piece
from templates_app.recurrence.cron.spans import read_number_item
from templates_app.recurrence.cron.terms import DayRule, Field, Term
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.shown import quoted, shortened

LONGEST_EXPRESSION = 512
LONGEST_LIST = 100
_WORD = re.compile(r"[^ \t\r\n\f\v]+")
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    # Cronos has these two, and whoever comes from there has written them.
    "@every_minute": "* * * * *",
    "@every_second": "* * * * * *",
}
_KNOWN = "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters between blanks."""

    text: str
    position: int


def read_words(expression: str) -> list[Word]:
    """Return the fields' texts of `expression`, macros written out.

    Raises `RecurrenceError`: empty, too_long, field_count, unknown_macro, use_interval.
    """
    if len(expression) > LONGEST_EXPRESSION:
        raise RecurrenceError(
            "too_long",
            "expression",
            f"The expression has {len(expression)} characters; at most {LONGEST_EXPRESSION} are read.",
        )
    words = _split(expression)
    if not words:
        raise RecurrenceError(
            "empty",
            "expression",
            "The schedule is empty.",
            hint="Write 5 fields (minute hour day month weekday), 6 fields (second first), "
            "or a macro such as @hourly.",
        )
    if words[0].text.startswith("@"):
        return [Word(text, words[0].position) for text in _macro(words).split()]
    if len(words) not in LAYOUTS:
        raise _wrong_count(words)
    return words


def read_fields(words: list[Word], seed: str) -> dict[str, Field]:
    """Return the fields by `FieldKind.key`. Raises `RecurrenceError` for the first that is wrong."""
    fields = {}
    for kind, word in zip(LAYOUTS[len(words)], words, strict=True):
        own_seed = seed if "H" in word.text.upper() else ""
        try:
            fields[kind.key] = _known_field(kind, word.text, own_seed)
        except RecurrenceError:
            # Once more, for a fault that knows its place in the expression.
            fields[kind.key] = _read_field(Piece(kind, word.text, word.position), own_seed)
    return fields


def read_field(kind: FieldKind, text: str) -> Field:
    """Return the field that `text` is, for those that an expression leaves out."""
    return _read_field(Piece(kind, text, 0), "")


@lru_cache(maxsize=4096)
def _known_field(kind: FieldKind, text: str, seed: str) -> Field:
    """Expressions are many, their fields few: most are known from another expression."""
    return _read_field(Piece(kind, text, 0), seed)


def _split(expression: str) -> list[Word]:
    return [Word(found[0], found.start()) for found in _WORD.finditer(expression)]


def _macro(words: list[Word]) -> str:
    given, position = words[0].text, words[0].position
    name = given.lower()
    if name == "@every" and len(words) > 1:
        raise RecurrenceError(
            "use_interval",
            "expression",
            "@every is an interval, not cron.",
            hint=f"Choose an interval schedule of {_duration(words[1].text)}.",
            position=position,
        )
    if name in _MACROS:
        if len(words) == 1:
            return _MACROS[name]
        raise RecurrenceError(
            "field_count",
            "expression",
            f"Nothing may follow the macro {shortened(given)}; found {quoted(words[1].text)}.",
            position=words[1].position,
        )
    meant = _nearest_macro(name)
    remedy = f"; did you mean {meant}?" if meant else f". Known: {_KNOWN}."
    raise RecurrenceError(
        "unknown_macro", "expression", f"{quoted(given)} is not a macro{remedy}", position=position
    )


def _nearest_macro(name: str) -> str | None:
    body = name.lstrip("@").removeprefix("every_").removeprefix("every")
    if len(body) < 3:
        return None
    for macro in _MACROS:
        if macro[1:] == body or macro[1:].startswith(body) or body.endswith(macro[1:]):
            return macro
    return {"hour": "@hourly", "day": "@daily", "week": "@weekly", "month": "@monthly"}.get(body)


def _duration(text: str) -> str:
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    if number.isascii() and number.isdigit() and unit in units:
        return f"{shortened(number)} {units[unit]}"
    return shortened(text)


def _wrong_count(words: list[Word]) -> RecurrenceError:
    count = len(words)
    found = f"Found {count} field{'' if count == 1 else 's'}"
    message = f"{found}; a cron expression has 5, 6 or 7."
    hint = None
    if count == 1 and words[0].text == "*":
        hint = 'Did you mean "* * * * *" (every minute)?'
    elif count == 1:
        message = f"{found}; {quoted(words[0].text)} is not a macro or a cron expression."
        hint = "Macros start with @, e.g. @daily."
    elif count == 4:
        message += " The weekday field may be missing."
        hint = f'Did you mean "{shortened(" ".join(word.text for word in words))} *"?'
    else:
        hint = "For example 0 9 * * MON-FRI: minute, hour, day of month, month, weekday."
    return RecurrenceError(
        "field_count", "expression", message, hint=hint, position=words[-1].position
    )


def _read_field(piece: Piece, seed: str) -> Field:
    items = _items(piece)
    terms: list[Term] = []
    rules: list[DayRule] = []
    values: set[int] = set()
    for item in items:
        item.check_characters()
        rule = read_day_rule(item)
        if rule is not None:
            terms.append(rule)
            rules.append(rule)
            continue
        term, listed = read_number_item(item, seed)
        terms.append(term)
        values.update(listed)
    return Field(
        kind=piece.kind,
        text=piece.text,
        terms=tuple(terms),
        values=tuple(sorted(values)),
        rules=tuple(rules),
        starred=piece.text[0] in "*?",
    )


def _items(piece: Piece) -> list[Piece]:
    items: list[Piece] = []
    start = 0
    for text in piece.text.split(","):
        items.append(piece.cut(start, start + len(text)))
        start += len(text) + 1
    if len(items) > LONGEST_LIST:
        raise piece.refusal(
            "list_too_long",
            f"The list in the {piece.kind.label} field has {len(items)} items; "
            f"at most {LONGEST_LIST} are read.",
            "Write a range or a step.",
        )
    empty = next((item for item in items if not item.text), None)
    if empty is None:
        return items
    shown = f'list "{piece.shown}"' if piece.text.strip(",") else "list"
    raise empty.refusal(
        "list_empty_item",
        f"The {shown} in the {piece.kind.label} field has an empty item.",
        "Remove the extra comma." if piece.text.strip(",") else None,
    )
