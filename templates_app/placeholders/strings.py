"""One string of a payload: which parts are text, and which are placeholders."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .context import Context
from .errors import PlaceholderError, shown
from .expressions import read_expression
from .values import Expression, as_json, as_text

MAX_PLACEHOLDERS = 64
REMEMBERED = 4_096
LONGEST_REMEMBERED = 500

_OPENING = re.compile(r"\{[{%#]")
# Possessive throughout: each character is looked at once, in a string of any length.
_BODY = re.compile(
    r"""(?:[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\U0010ffff'"{}\\]++|"[^"\\]*+"|'[^'\\]*+')*+"""
)
_STATEMENT = re.compile(r"\{%[-+]?\s*+[a-z_]++\b[^{}%]*+%\}")


@dataclass(frozen=True, slots=True)
class TemplatedString:
    """A string with at least one placeholder or comment in it."""

    source: str
    segments: tuple[str | Expression, ...]
    expressions: tuple[Expression, ...]

    def render(self, context: Context) -> Any:
        """Return the text; of a single placeholder its value, with its JSON type."""
        segments = self.segments
        if len(segments) == 1 and isinstance(segments[0], Expression):
            return as_json(segments[0].evaluate(context))
        return "".join(
            [
                each if isinstance(each, str) else as_text(each.evaluate(context))
                for each in segments
            ]
        )


def read_string(source: str) -> TemplatedString | None:
    """Return the parts of `source`, or None for plain text, which is every string without `{{`.

    A `{# comment #}` beside a placeholder is left out. Raises `PlaceholderError` without a
    pointer, also for a complete `{% statement %}` in plain text, which surely meant something.
    """
    if "{{" in source:
        return _templated(source) if len(source) <= LONGEST_REMEMBERED else _parsed(source)
    if "{%" in source and (found := _STATEMENT.search(source)):
        raise _statement(found.group())
    return None


def _parsed(source: str) -> TemplatedString:
    segments = tuple(_segments(source))
    expressions = tuple([each for each in segments if isinstance(each, Expression)])
    return TemplatedString(source, segments, expressions)


# A template's strings are read at each of its expansions, and parsing is the dear part.
_templated = lru_cache(maxsize=REMEMBERED)(_parsed)


def _segments(source: str) -> Iterator[str | Expression]:
    done = start = count = 0
    # One search for the last end of a comment: else a million openings would search to the end.
    last_comment_end = source.rfind("#}")
    while opening := _OPENING.search(source, start):
        start, mark = opening.start(), opening.group()
        if mark == "{%" and (found := _STATEMENT.match(source, start)):
            raise _statement(found.group())
        if mark == "{%" or (mark == "{#" and last_comment_end < start + 2):
            start += 2
            continue
        if done < start:
            yield source[done:start]
        if mark == "{#":
            done = source.index("#}", start + 2) + 2
        else:
            count += 1
            _refuse_many(count)
            done = _placeholder_end(source, start)
            yield read_expression(source[start + 2 : done - 2].strip())
        start = done
    if done < len(source):
        yield source[done:]


def _placeholder_end(source: str, start: int) -> int:
    body = _BODY.match(source, start + 2)
    assert body is not None
    end = body.end()
    if source.startswith("}}", end):
        return end + 2
    raise _unclosed(source, start, end)


def _refuse_many(count: int) -> None:
    if count > MAX_PLACEHOLDERS:
        raise PlaceholderError(
            "too_many",
            f"A string holds more than {MAX_PLACEHOLDERS} placeholders.",
            hint="Split it into several strings.",
        )


def _unclosed(source: str, start: int, end: int) -> PlaceholderError:
    beginning = shown(source[start:])
    if end == len(source):
        why, hint = "is not closed", 'Close it with }}; for plain braces write {{ "{{" }}.'
    elif source[end] in "'\"":
        why = "has a quote that is not closed, or a backslash inside of it"
        hint = "Close the quote; a quote inside a text takes the other kind around it."
    else:
        why = f'holds "{shown(source[end])}", which has no meaning there'
        hint = 'Use names, filters and quoted texts; for plain braces write {{ "{{" }}.'
    return PlaceholderError("syntax", f"The placeholder {beginning} {why}.", hint=hint)


def _statement(found: str) -> PlaceholderError:
    return PlaceholderError(
        "not_allowed",
        f"The statement {shown(found)} is not allowed.",
        hint='Only {{ placeholders }} are; for a plain {% write {{ "{%" }}.',
    )
