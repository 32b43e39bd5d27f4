"""A command's argument template: values become parts of single words, never words of their own."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

MAX_VALUE = 8192  # characters

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")


class InvalidWord(ValueError):
    """A template word cannot be read; the message is a sentence that names the remedy."""


class UnusableValue(ValueError):
    """The value of the parameter `name` cannot be handed to a program; the message says why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Word:
    """One argument: fixed texts with parameters between them, such as `--day={day}`."""

    # (fixed text, the parameter that follows it or "")
    pieces: tuple[tuple[str, str], ...]

    def parameters(self) -> tuple[str, ...]:
        """Return the parameters' names in the order they stand."""
        return tuple(name for _, name in self.pieces if name)

    def filled(self, values: Mapping[str, object]) -> str:
        """Return the word with the values in place. Raises UnusableValue."""
        text = "".join(
            fixed + (value_text(name, values[name]) if name else "") for fixed, name in self.pieces
        )
        if text.startswith("-") and not self.pieces[0][0]:
            # `{file}` filled with "--output=/somewhere" would be an option, not a file.
            raise UnusableValue(
                self.pieces[0][1],
                'must not begin with "-" here: the program would take it for an option.',
            )
        return text


def parse_word(template: str) -> Word:
    """Read `--day={day}`; a brace that is meant is written twice. Raises InvalidWord."""
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise InvalidWord(
            f"has a brace without its partner ({error}); write {{{{ or }}}} for one that is meant."
        ) from None
    pieces: list[tuple[str, str]] = []
    for fixed, name, form, conversion in parsed:
        if name is not None and (form or conversion or not _NAME.match(name)):
            raise InvalidWord(
                "names a parameter that is not lower-case letters, digits and underscores; "
                "write {day}, without a format."
            )
        pieces.append((fixed, name or ""))
    if "\x00" in template:
        raise InvalidWord("holds a NUL character; remove it.")
    return Word(tuple(pieces) or (("", ""),))


def value_text(name: str, value: object) -> str:
    """Return a JSON string, number or boolean as a program reads it. Raises UnusableValue."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else _number(name, value)
    if len(text) > MAX_VALUE:
        raise UnusableValue(name, f"must have at most {MAX_VALUE} characters.")
    if "\x00" in text:
        raise UnusableValue(name, "must not hold a NUL character; remove it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableValue(name, "is not valid Unicode; correct it.") from None
    return text


def _number(name: str, value: object) -> str:
    if not isinstance(value, int | float):
        raise UnusableValue(name, "must be a string, a number, true or false.")
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        raise UnusableValue(name, "is too large a number.") from None
