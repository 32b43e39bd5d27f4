"""Parents' results in a child's payload: `{{ parents.extract.result.rows }}`. Pure.

A string that is one such placeholder and nothing else takes the value with its JSON type; within
other text it becomes text. Object keys are never touched, and no other braces mean anything.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BEGUN = re.compile(r"\{\{ *parents\b")
# Every part is looked at once: the parts exclude what ends them.
_PLACEHOLDER = re.compile(
    r"\{\{ {0,10}parents\.(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})\.(?P<field>status|result|error)"
    r"(?P<path>(?:\.[A-Za-z0-9_-]{1,100}){0,32}) {0,10}\}\}"
)


class BadPlaceholder(ValueError):
    """A placeholder cannot be read; `text` is it, cut."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text[:80]


class TooMuch(ValueError):
    """What is put in is more than the payload may hold."""


class NothingThere(LookupError):
    """A parent has no value at the path that a placeholder names."""


def names_in(payload: Any) -> frozenset[str]:
    """Return the names of the parents that a payload speaks of. Raises BadPlaceholder."""
    return frozenset(found["name"] for text in _strings(payload) for found in _placeholders(text))


def filled(payload: Any, parents: Mapping[str, Mapping[str, Any]], *, most: int) -> Any:
    """Return the payload with its placeholders filled in, by at most `most` characters of values.

    Raises NothingThere, TooMuch.
    """
    return _Filling(parents, most).into(payload)


class _Filling:
    """The values for one payload's placeholders, and how many characters more may be put in.

    Thousands of small placeholders may each name the same large result.
    """

    def __init__(self, parents: Mapping[str, Mapping[str, Any]], most: int) -> None:
        self._parents = parents
        self._left = most

    def into(self, payload: Any) -> Any:
        if isinstance(payload, str):
            return self._into_text(payload)
        if isinstance(payload, dict):
            return {key: self.into(value) for key, value in payload.items()}
        if isinstance(payload, list):
            return [self.into(value) for value in payload]
        return payload

    def _into_text(self, text: str) -> Any:
        if "{{" not in text:
            return text
        whole = _PLACEHOLDER.fullmatch(text)
        if whole:
            value = _value(whole, self._parents)
            self._text_of(value)
            return value
        return _PLACEHOLDER.sub(lambda found: self._text_of(_value(found, self._parents)), text)

    def _text_of(self, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self._left -= len(text)
        if self._left < 0:
            raise TooMuch
        return text


def _value(found: re.Match[str], parents: Mapping[str, Mapping[str, Any]]) -> Any:
    value: Any = parents.get(found["name"], {}).get(found["field"])
    for part in found["path"].split(".")[1:]:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            where = f"parents.{found['name']}.{found['field']}{found['path']}"
            raise NothingThere(f'There is nothing at "{where[:120]}".')
    return value


def _placeholders(text: str) -> Iterator[re.Match[str]]:
    for begun in _BEGUN.finditer(text):
        found = _PLACEHOLDER.match(text, begun.start())
        if found is None:
            raise BadPlaceholder(text[begun.start() :])
        yield found


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings of a JSON value, keys left out; no deeper than requests are read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
