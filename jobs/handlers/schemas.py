"""JSON Schemas of payloads: compiled once, and their errors turned into sentences.

Schemas never open anything: jsonschema-rs fetches `http:` and `file:` references by default, so
every compilation here passes a retriever that denies.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from jobs.handlers.kinds import InvalidPayload, PayloadProblem
from jobs.handlers.text import shown

MAX_PROBLEMS = 50

_NAMES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class InvalidSchema(ValueError):
    """The schema itself is unusable; the message says why."""


class PayloadSchema:
    """A compiled JSON Schema (draft 2020-12). Raises InvalidSchema when it does not compile."""

    def __init__(self, schema: dict[str, Any]) -> None:
        try:
            self._validator = jsonschema_rs.Draft202012Validator(schema, retriever=_denied)
        except ValueError as error:
            raise InvalidSchema(f"The JSON Schema cannot be used: {error!s:.300}") from error

    def check(self, value: Any, base: str = "") -> None:
        """Raise InvalidPayload naming every fault (at most 50), its pointers below `base`."""
        problems = self.problems(value, base)
        if problems:
            raise InvalidPayload(problems)

    def problems(self, value: Any, base: str = "") -> tuple[PayloadProblem, ...]:
        """Return every fault of `value` (at most 50); empty when it fits."""
        found: list[PayloadProblem] = []
        try:
            if self._validator.is_valid(value):
                return ()
            for error in self._validator.iter_errors(value):
                found.extend(_problems(error, base))
                if len(found) >= MAX_PROBLEMS:
                    break
        except ValueError:
            # Raised for what is no JSON at all: too deep, lone surrogates, keys that are no text.
            return (
                PayloadProblem(
                    base,
                    "is not plain JSON: it is nested too deeply or holds text that is not "
                    "valid Unicode; flatten or correct it.",
                ),
            )
        return tuple(found[:MAX_PROBLEMS])


def pointer(base: str, *path: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of `path` below `base`."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return base + "".join(f"/{shown(step)}" for step in steps)


def _denied(uri: str) -> Any:
    raise ValueError(f"a schema must not refer to other documents ({shown(uri)})")


def _problems(error: jsonschema_rs.ValidationError, base: str) -> Iterator[PayloadProblem]:
    fault = error.kind.as_dict()
    match error.kind.name:
        case "falseSchema":
            at = pointer(base, *error.instance_path)
            yield PayloadProblem(at, "is not allowed here; remove it.")
        case "required":
            yield PayloadProblem(
                pointer(base, *error.instance_path, fault["property"]), "is required; add it."
            )
        case "additionalProperties" | "unevaluatedProperties":
            for name in fault["unexpected"]:
                yield PayloadProblem(
                    pointer(base, *error.instance_path, name), "is not known here; remove it."
                )
        case keyword:
            yield PayloadProblem(pointer(base, *error.instance_path), _sentence(keyword, fault))


def _sentence(keyword: str, fault: dict[str, Any]) -> str:
    """Say what the value must be. The value itself is never repeated: it may be huge or secret."""
    limit = fault.get("limit")
    match keyword:
        case "type":
            return f"must be {' or '.join(_NAMES.get(name, name) for name in fault['types'])}."
        case "enum":
            return f"must be one of {', '.join(str(option) for option in fault['options'])}."
        case "const":
            return f"must be {shown(str(fault.get('expected_value')))}."
        case "minLength":
            return f"must have at least {limit} characters."
        case "maxLength":
            return f"must have at most {limit} characters."
        case "minItems":
            return f"must have at least {limit} items."
        case "maxItems":
            return f"must have at most {limit} items."
        case "minProperties":
            return f"must have at least {limit} fields."
        case "maxProperties":
            return f"must have at most {limit} fields."
        case "minimum":
            return f"must be at least {limit}."
        case "maximum":
            return f"must be at most {limit}."
        case "exclusiveMinimum":
            return f"must be more than {limit}."
        case "exclusiveMaximum":
            return f"must be less than {limit}."
        case "pattern":
            return f"must match the pattern {shown(str(fault.get('pattern')), 200)}."
        case "uniqueItems":
            return "must not hold the same item twice."
        case "format":
            return f"must be a valid {shown(str(fault.get('format')))}."
        case _:
            return f'does not fit the rule "{keyword}" of its schema; correct it.'
