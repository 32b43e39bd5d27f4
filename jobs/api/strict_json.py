"""Read JSON that Python, PostgreSQL and every other reader understand in the same way. Pure.

RFC 8259 leaves room where readers differ (section 4: repeated names; section 6: huge numbers;
section 8.2: lone surrogates); I-JSON (RFC 7493) closes it, and so does this reader.
"""

import json
import math
import re
from collections import Counter
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
_SHOWN = 60
# Everything but brackets outside of strings; linear, because strings are valid when it is used.
_NOT_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^][{}"]+', re.DOTALL)
_PAIRS = re.compile(rb"\[\]|\{\}")


class MalformedJson(ValueError):
    """The bytes are not acceptable JSON; `pointer` says where, when that is known."""

    def __init__(self, sentence: str, *, code: str = "malformed_json", pointer: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.pointer = pointer


def read_json(raw: bytes) -> Any:
    """Return the value. Raises MalformedJson with a sentence that says what to change."""
    if not raw.strip():
        raise MalformedJson("The body is empty; send a JSON object.", code="empty_body")
    try:
        value = _decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    # Cheap looks at the raw bytes first: hardly any body needs the walks.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(raw, MAX_DEPTH):
        raise _too_deep()
    if b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw:
        _refuse_unstorable(value)
    return value


def _decode(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    except MalformedJson:
        raise
    except ValueError as error:
        # int() refuses more than 4,300 digits, which take quadratic time.
        raise MalformedJson(
            "The body holds an integer of more than 4,300 digits; send it as a text.",
            code="number_out_of_range",
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = Counter(name for name, _ in pairs)
        twice = names.most_common(1)[0][0]
        raise MalformedJson(
            f'The name "{_shown(twice)}" is given twice in one object; keep one of them.',
            code="duplicate_name",
        )
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedJson(
            f"The number {text[:_SHOWN]} is too large; send it as a text.",
            code="number_out_of_range",
        )
    return number


def _no_constant(name: str) -> NoReturn:
    raise MalformedJson(
        f"{name} is not a JSON number; leave it out or send null.", code="number_out_of_range"
    )


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
)


def _deeper_than(raw: bytes, depth: int) -> bool:
    brackets = _NOT_BRACKETS.sub(b"", raw)
    for _ in range(depth):
        # Takes the innermost pairs away, neighbours included: one level a round.
        brackets = _PAIRS.sub(b"", brackets)
        if not brackets:
            return False
    return True


def _too_deep() -> MalformedJson:
    return MalformedJson(
        f"The body is nested more than {MAX_DEPTH} levels deep; flatten it.", code="too_deep"
    )


def _refuse_unstorable(value: Any) -> None:
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        pointer, found = waiting.pop()
        if isinstance(found, str):
            _check_text(found, pointer)
        elif isinstance(found, list):
            waiting += [(f"{pointer}/{place}", item) for place, item in enumerate(found)]
        elif isinstance(found, dict):
            for name, item in found.items():
                _check_text(name, pointer)
                waiting.append((f"{pointer}/{_token(name)}", item))


def _check_text(text: str, pointer: str) -> None:
    if "\x00" in text:
        raise MalformedJson(
            "A text holds the character U+0000, which cannot be stored; remove it.",
            code="unstorable_text",
            pointer=pointer,
        )
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise MalformedJson(
            "A text holds half of a surrogate pair, which is no character; remove it.",
            code="unstorable_text",
            pointer=pointer,
        )


def _token(name: str) -> str:
    return name[:_SHOWN].replace("~", "~0").replace("/", "~1")


def _shown(name: str) -> str:
    """Return a name fit for an error message: short, and without what could not be sent back."""
    return name[:_SHOWN].encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
