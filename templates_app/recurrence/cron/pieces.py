"""A piece of one field's text, and the refusals that are the same in every field."""

from dataclasses import dataclass

from templates_app.recurrence.cron.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    MONTH,
    MONTHS,
    WEEKDAYS,
    FieldKind,
)
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.shown import shortened

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_ALLOWED = _LETTERS | _DIGITS | frozenset("*?/-#()")
_VALUES_IN_WORDS = {"day_of_month": "1-31, L, LW, L-3 or 15W"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of the text of a field, beginning at `position` of the expression."""

    kind: FieldKind
    text: str
    position: int

    @property
    def shown(self) -> str:
        """The text as messages show it, shortened."""
        return shortened(self.text)

    def cut(self, start: int, end: int | None = None) -> "Piece":
        """Return the part from `start` to `end`, which knows where it stands."""
        return Piece(self.kind, self.text[start:end], self.position + start)

    def split(self, mark: str) -> "tuple[Piece, Piece]":
        """Return what stands before and after the first `mark`."""
        at = self.text.index(mark)
        return self.cut(0, at), self.cut(at + len(mark))

    def refusal(
        self, code: str, message: str, hint: str | None = None, *, at: int = 0
    ) -> RecurrenceError:
        return RecurrenceError(code, self.kind.key, message, hint=hint, position=self.position + at)

    def check_characters(self) -> None:
        """Raise `bad_character` at the first one that no cron field uses."""
        if _ALLOWED.issuperset(self.text):
            return
        at = next(at for at, character in enumerate(self.text) if character not in _ALLOWED)
        character = self.text[at]
        hint = None
        if character == "_" and _DIGITS.issuperset(self.text.replace("_", "").replace("-", "")):
            hint = f"Did you mean {shortened(self.text.replace('_', ''))}?"
        elif character == ":" and self.kind.key == "hour":
            hour, _, minute = self.text.partition(":")
            if is_number(hour) and is_number(minute[:2]):
                hint = f'For {int(hour[:9]):02d}:{minute[:2]} write "{int(minute[:2])} {shortened(hour)} * * *".'
        whole = f' (in "{self.shown}")' if len(self.text) > 1 else ""
        raise self.refusal(
            "bad_character",
            f'"{character}" is not allowed in the {self.kind.label} field{whole}.',
            hint,
            at=at,
        )


def is_number(text: str) -> bool:
    """Whether `text` is ASCII digits only; `str.isdigit` alone also takes ¹ and ٣."""
    return text.isascii() and text.isdigit()


def read_value(piece: Piece, context: str = "") -> int:
    """Return the number or name that `piece` is; a weekday may be 7.

    Raises `RecurrenceError`: out_of_range, unknown_name, wrong_field_name, not_in_field, bad_value.
    """
    kind, text = piece.kind, piece.text
    if is_number(text):
        value = int(text) if len(text) < 10 else kind.high + 100
        if kind.low <= value <= kind.high or (value == 7 and kind is DAY_OF_WEEK):
            return value
        raise piece.refusal(
            "out_of_range",
            f"{piece.shown} is not {kind.noun}; use {_range_in_words(kind, text, context)}{context}.",
            _hint_for_number(kind, text),
        )
    named = kind.names.get(text.upper()) if text.isascii() else None
    if named is not None:
        return named
    raise _not_a_value(piece)


def _range_in_words(kind: FieldKind, text: str, context: str) -> str:
    if kind is DAY_OF_MONTH and text.strip("0") == "" and not context:
        return "1-31 or L"
    return kind.allowed


def _hint_for_number(kind: FieldKind, text: str) -> str | None:
    number = text.lstrip("0")
    if kind.key in ("second", "minute") and number == "60":
        return f"{kind.label.capitalize()} 0 is the full {'minute' if kind.key == 'second' else 'hour'}."
    if kind.key == "hour" and number == "24":
        return "Midnight is hour 0."
    if kind is DAY_OF_MONTH and number == "":
        return "L is the last day."
    if kind is DAY_OF_WEEK and len(number) == 4:
        return "A year is the seventh field, after second minute hour day month weekday."
    return None


def _not_a_value(piece: Piece) -> RecurrenceError:
    kind, upper = piece.kind, piece.text.upper()
    misplaced = _misplaced_letter(piece)
    if misplaced is not None:
        return misplaced
    if upper in WEEKDAYS:
        place = "put it in the last field" if kind.key != "year" else "put it before the year"
        return piece.refusal("wrong_field_name", f"{upper} is a weekday; {place}.")
    if upper in MONTHS:
        place = "put it in the month field, before the weekday"
        return piece.refusal("wrong_field_name", f"{upper} is a month; {place}.")
    if kind in (MONTH, DAY_OF_WEEK) and upper.isalnum() and not is_number(upper[:1]):
        return piece.refusal(
            "unknown_name", f'"{piece.shown}" is not {kind.noun}; {_meant(kind, upper)}'
        )
    allowed = _VALUES_IN_WORDS.get(kind.key, kind.allowed)
    return piece.refusal("bad_value", f'"{piece.shown}" is not {kind.noun}; use {allowed}.')


def _misplaced_letter(piece: Piece) -> RecurrenceError | None:
    """Refuse W and L, with or without a number, in a field that has no such thing."""
    upper = piece.text.upper()
    rest = upper.lstrip("L").rstrip("WL")
    if piece.kind is DAY_OF_MONTH or rest == upper or not (rest == "" or is_number(rest)):
        return None
    if "W" in upper:
        if piece.kind is DAY_OF_WEEK:
            hint = "For Monday to Friday write 1-5."
            return piece.refusal("not_in_field", "W works only in the day-of-month field.", hint)
        message = "W (nearest weekday) works only in the day-of-month field."
        return piece.refusal("not_in_field", message)
    if piece.kind is DAY_OF_WEEK:
        return None
    message = "L (last) works only in the day-of-month and weekday fields."
    return piece.refusal("not_in_field", message)


def _meant(kind: FieldKind, upper: str) -> str:
    if upper[:3] in kind.names:
        return f"use {upper[:3]}."
    near = [name for name in kind.names if sum(map(str.__eq__, name, upper[:3])) == 2]
    if near and len(upper) == 3:
        return f"did you mean {' or '.join(sorted(near, key=kind.names.__getitem__))}?"
    return f"use {kind.allowed}."
