"""Read JSON that Python, PostgreSQL and every other reader understand in the same way. Pure.

RFC 8259 leaves room where readers differ (section 4: repeated names; section 6: huge numbers;
section 8.2: lone surrogates); I-JSON (RFC 7493) closes it, and so does this reader.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
_SHOWN = 60
_SURROGATE = re.compile("[\ud800-\udfff]")


class MalformedJson(ValueError):
    """The bytes are not acceptable JSON; `pointer` says where, when that is known."""

    def __init__(self, sentence: str, *, code: str = "malformed_json", pointer: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.pointer = pointer


def read_json(raw: bytes) -> Any:
    """Return the value. Raises MalformedJson with a sentence that says what to change."""
    if not raw.strip():
        raise MalformedJson("There is no JSON here; send a JSON object.", code="empty_body")
    try:
        value = _decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The JSON is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    # Cheap looks at the raw bytes first: hardly any body needs the walks.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    if b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw:
        _refuse_unstorable(value)
    return value


def _decode(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"This is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    except MalformedJson:
        raise
    except ValueError as error:
        # int() refuses more than 4,300 digits, which take quadratic time.
        raise MalformedJson(
            "The JSON holds an integer of more than 4,300 digits; send it as a text.",
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


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        # Every value is looked at once, however the levels are shaped: linear in the body.
        level = [item for box in level for item in _inside(box) if isinstance(item, (list, dict))]
        if not level:
            return False
    return True


def _inside(box: Any) -> Iterable[Any]:
    return box.values() if isinstance(box, dict) else box if isinstance(box, list) else ()


def _too_deep() -> MalformedJson:
    return MalformedJson(
        f"The JSON is nested more than {MAX_DEPTH} levels deep; flatten it.", code="too_deep"
    )


def _refuse_unstorable(value: Any) -> None:
    if found := _first_fault(value):
        pointer, sentence = found
        raise MalformedJson(sentence, code="unstorable_text", pointer=pointer)


def _first_fault(value: Any) -> tuple[str, str] | None:
    # The pointer is put together on the way back only: a big body has millions of places.
    if isinstance(value, str):
        fault = _text_fault(value)
        return ("", fault) if fault else None
    pairs: Iterable[tuple[Any, Any]] = (
        value.items() if isinstance(value, dict) else enumerate(value)
    )
    for key, item in pairs:
        if isinstance(key, str) and (fault := _text_fault(key)):
            return "", fault
        if isinstance(item, (str, list, dict)) and (found := _first_fault(item)):
            return f"/{_token(str(key))}{found[0]}", found[1]
    return None


def _text_fault(text: str) -> str | None:
    if "\x00" in text:
        return "A text holds the character U+0000, which cannot be stored; remove it."
    if not text.isascii() and _SURROGATE.search(text):
        return "A text holds half of a surrogate pair, which is no character; remove it."
    return None


def _token(name: str) -> str:
    return name[:_SHOWN].replace("~", "~0").replace("/", "~1")


def _shown(name: str) -> str:
    """Return a name fit for an error message: short, and without what could not be sent back."""
    return name[:_SHOWN].encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
