"""Read a JSON object field by field, collecting every fault instead of stopping at the first."""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# RFC 3339 section 5.6, with optional seconds. ASCII digits only: \d would take others.
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?\Z"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHOWN = 60
MOST_PROBLEMS = 100
_MOST_UNKNOWN = 20
_MOST_HINTS = 3  # a near match costs much more than a whole other field
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class FieldProblem:
    """One fault: a JSON pointer (RFC 6901) into the body, a stable code, and a sentence."""

    pointer: str
    code: str
    detail: str


class InvalidFields(ValueError):
    """The request cannot be carried out as written; `problems` names every fault."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = bounded(tuple(problems), MOST_PROBLEMS)
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in self.problems))


def bounded(problems: Sequence[FieldProblem], most: int) -> tuple[FieldProblem, ...]:
    """Return the first `most` problems, and one more that counts what was left out."""
    left = len(problems) - most
    if left <= 0:
        return tuple(problems)
    rest = FieldProblem("", "more_problems", f"And {left:,} more; mend these first.")
    return (*problems[:most], rest)


def pointer_token(name: str) -> str:
    """Return a key as RFC 6901 writes it in a pointer; an endless one is cut."""
    return name[:_SHOWN].replace("~", "~0").replace("/", "~1")


def json_size(value: Any) -> int:
    """Return the bytes of `value` as compact UTF-8 JSON."""
    return len(_compact.encode(value).encode())


class Fields:
    """One look at a JSON object. Readers return the default when a field is absent or wrong.

    Look at `problems`, or call `raise_problems`, before using what was read.
    """

    def __init__(self, data: Any, known: Collection[str], pointer: str = "") -> None:
        self.problems: list[FieldProblem] = []
        self.pointer = pointer
        self.data: Mapping[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.refuse(None, "wrong_type", f"must be a JSON object, not {_type(data)}.")
        self._refuse_unknown([name for name in self.data if name not in known], known)

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def refuse(self, name: str | None, code: str, sentence: str) -> None:
        """Add a fault of a field, or of the whole object; `sentence` follows the field's name."""
        where = self.pointer if name is None else f"{self.pointer}/{pointer_token(name)}"
        subject = f'"{name[:_SHOWN]}"' if name is not None else "The body" if not where else "It"
        self.problems.append(FieldProblem(where, code, f"{subject} {sentence}"))

    def is_refused(self, name: str) -> bool:
        """Whether a fault of the field itself was found so far."""
        where = f"{self.pointer}/{pointer_token(name)}"
        return any(problem.pointer == where for problem in self.problems)

    def raise_problems(self) -> None:
        """Raise InvalidFields when any reader refused."""
        if self.problems:
            raise InvalidFields(self.problems)

    def text(self, name: str, default: str = "", *, longest: int) -> str:
        """Return a text of at most `longest` characters without control characters."""
        value = self.data.get(name, default)
        if not isinstance(value, str):
            self.refuse(name, "wrong_type", f"must be a text, not {_type(value)}.")
        elif len(value) > longest:
            self.refuse(name, "too_long", f"must have at most {longest} characters.")
        elif _CONTROL.search(value):
            self.refuse(name, "control_characters", "must not contain control characters.")
        else:
            return value
        return default

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """Return a whole number within the bounds, both allowed."""
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, "wrong_type", f"must be a whole number, not {_type(value)}.")
        elif not minimum <= value <= maximum:
            self.refuse(name, "out_of_range", f"must be between {minimum:,} and {maximum:,}.")
        else:
            return value
        return default

    def number(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """Return a number within the bounds, both allowed."""
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, "wrong_type", f"must be a number, not {_type(value)}.")
        elif not minimum <= value <= maximum:
            self.refuse(
                name, "out_of_range", f"must be between {_bound(minimum)} and {_bound(maximum)}."
            )
        else:
            return float(value)
        return default

    def choice(self, name: str, default: str, *, options: Collection[str]) -> str:
        """Return one of `options`, spelt exactly."""
        value = self.data.get(name, default)
        if isinstance(value, str) and value in options:
            return value
        self.refuse(name, "not_allowed", f"must be one of {', '.join(sorted(options))}.")
        return default

    def moment(self, name: str) -> datetime | None:
        """Return an RFC 3339 time in UTC; None when absent, null or refused."""
        value = self.data.get(name)
        if value is None:
            return None
        found = _MOMENT.match(value) if isinstance(value, str) else None
        if found is None:
            self.refuse(name, "invalid_time", f"must be {_TIME_FORM}.")
        elif not found["offset"]:
            self.refuse(
                name,
                "offset_missing",
                f"has no UTC offset: add Z or one such as +01:00; {_EXAMPLE}.",
            )
        else:
            try:
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
            except (ValueError, OverflowError):
                self.refuse(
                    name, "invalid_time", f"is not on the calendar; it must be {_TIME_FORM}."
                )
        return None

    def texts(self, name: str, *, most: int, longest: int) -> list[str]:
        """Return a list of distinct, non-empty texts in the order given."""
        value = self.data.get(name, [])
        if not isinstance(value, list):
            self.refuse(name, "wrong_type", f"must be a list of texts, not {_type(value)}.")
            return []
        if len(value) > most:
            self.refuse(name, "too_many", f"must have at most {most} items.")
            return []
        for place, item in enumerate(value):
            if fault := _text_fault(item, longest):
                where = f"{self.pointer}/{pointer_token(name)}/{place}"
                self.problems.append(
                    FieldProblem(where, fault[0], f'An item of "{name}" {fault[1]}')
                )
                return []
        return list(dict.fromkeys(value))

    def json_object(self, name: str, *, largest: int) -> dict[str, Any]:
        """Return a JSON object of at most `largest` bytes."""
        value = self.data.get(name, {})
        if not isinstance(value, dict):
            self.refuse(name, "wrong_type", f"must be a JSON object, not {_type(value)}.")
        elif value and json_size(value) > largest:
            self.refuse(name, "too_large", f"must have at most {largest // 1024} KiB as JSON.")
        else:
            return value
        return {}

    def _refuse_unknown(self, names: Sequence[str], known: Collection[str]) -> None:
        for place, name in enumerate(names[:_MOST_UNKNOWN]):
            near = (
                difflib.get_close_matches(name[:_SHOWN], known, n=1) if place < _MOST_HINTS else ()
            )
            remedy = f'did you mean "{near[0]}"?' if near else "remove it."
            self.refuse(name, "unknown_field", f"is not a field here; {remedy}")
        if len(names) > _MOST_UNKNOWN:
            left = len(names) - _MOST_UNKNOWN
            self.refuse(None, "unknown_field", f"has {left:,} more unknown fields; remove them.")


_EXAMPLE = "for example 2030-01-31T09:00:00Z"
_TIME_FORM = f"a time as in RFC 3339 with a UTC offset, {_EXAMPLE}"


def _bound(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def _text_fault(item: Any, longest: int) -> tuple[str, str] | None:
    if not isinstance(item, str):
        return "wrong_type", f"must be a text, not {_type(item)}."
    if not item or len(item) > longest:
        return "too_long" if item else "blank", f"must have 1 to {longest} characters."
    if _CONTROL.search(item):
        return "control_characters", "must not contain control characters."
    return None


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "something else")
