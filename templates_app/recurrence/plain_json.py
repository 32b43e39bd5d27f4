"""What JSON may not hold here: nesting that exhausts the stack, and characters no store takes."""

import re
from collections.abc import Iterator
from typing import Any

from templates_app.recurrence.errors import RecurrenceError

DEEPEST = 20  # objects and lists within each other
# A string that never ends is taken to the end: brackets in it are none, and no search is repeated.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


def is_too_deep(text: str) -> bool:
    """Whether JSON text nests more than 20 deep; asked before a decoder walks into it."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif found[0] in "]}":
            depth -= 1
    return False


def refuse_bad_text(content: Any) -> None:
    """Raise `bad_text` for a text with half a character (a lone surrogate) or a NUL.

    Neither UTF-8 nor PostgreSQL can hold them.
    """
    for path, text in _texts(content, ()):
        if _FORBIDDEN.search(text):
            raise RecurrenceError(
                "bad_text",
                ".".join(path) or "recurrence",
                "A text holds a NUL or half a surrogate pair, which no text may.",
                hint="Send valid Unicode without U+0000.",
            )


def _texts(content: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(content, str):
        yield path, content
    elif isinstance(content, dict):
        for key, value in content.items():
            # A key that is itself bad is told of as its object's fault.
            yield path, key
            yield from _texts(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from _texts(value, (*path, str(index)))
