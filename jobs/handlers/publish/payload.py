"""The payload of a publish job: its schema, and the rules of the destination that it names."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from jobs.handlers.kinds import InvalidPayload, PayloadProblem
from jobs.handlers.publish.destinations import (
    CeleryQueue,
    Destination,
    Destinations,
    Exchange,
    fits,
)
from jobs.handlers.publish.headers import MAX_VALUE, header_problems
from jobs.handlers.schemas import PayloadSchema
from jobs.handlers.text import shown

MAX_WORD = 255  # bytes of a routing key or a task's name: AMQP's short string
MAX_EXPIRES = 366 * 24 * 3600  # seconds

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["destination"],
    "additionalProperties": False,
    "properties": {
        "destination": {"type": "string", "minLength": 1, "maxLength": 63},
        "json": True,
        "text": {"type": "string"},
        "headers": {
            "type": "object",
            "maxProperties": 50,
            "additionalProperties": {"type": "string", "maxLength": MAX_VALUE},
        },
        "routing_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "task": {"type": "string", "minLength": 1, "maxLength": 255},
        "args": {"type": "array"},
        "kwargs": {"type": "object"},
        "expires": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_EXPIRES},
    },
}
_COMPILED = PayloadSchema(SCHEMA)
_MESSAGE = ("json", "text")
_CALL = ("task", "args", "kwargs", "expires")
UNSENDABLE = (
    "cannot be sent: it is nested too deeply, or holds NaN or text that is not valid Unicode; "
    "correct it."
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """A checked payload: what is to be sent, and where."""

    destination: Destination
    content_type: str
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    routing_key: str = ""
    task: str = ""
    args: list[Any] = field(default_factory=list, repr=False)
    kwargs: dict[str, Any] = field(default_factory=dict, repr=False)
    expires: float | None = None  # seconds


class UnknownDestination(InvalidPayload):
    """The payload names a destination that this process does not have."""


def parse_payload(payload: Any, known: Destinations) -> Order:
    """Return what a payload asks for. Raises InvalidPayload, and UnknownDestination."""
    _COMPILED.check(payload)
    destination = _destination(payload["destination"], known)
    headers = payload.get("headers", {})
    problems = [*header_problems(headers, destination)]
    match destination.target:
        case CeleryQueue() as celery:
            problems += _call_problems(payload, celery)
        case target:
            problems += _message_problems(payload, destination)
            if isinstance(target, Exchange):
                problems += _routing_problems(payload, target)
    content_type, body = "", ""
    try:
        content_type, body = _body(payload)
    except (TypeError, ValueError, RecursionError):
        problems.append(PayloadProblem(_unsendable(payload), UNSENDABLE))
    if problems:
        raise InvalidPayload(tuple(problems))
    chosen = destination.target.routing_key if isinstance(destination.target, Exchange) else ""
    return Order(
        destination=destination,
        content_type=content_type,
        body=body,
        headers=headers,
        routing_key=payload.get("routing_key", chosen),
        task=payload.get("task", ""),
        args=payload.get("args", []),
        kwargs=payload.get("kwargs", {}),
        expires=payload.get("expires"),
    )


def admit(payload: Any, known: Destinations, merchant_id: UUID) -> None:
    """Raise UnknownDestination for a destination that is not the merchant's to use."""
    name = payload.get("destination") if isinstance(payload, dict) else None
    if isinstance(name, str):
        own = {name: found for name, found in known.items() if found.serves(merchant_id)}
        if name not in own:
            raise _unknown(name, own)


def _destination(name: str, known: Destinations) -> Destination:
    if name in known:
        return known[name]
    # One that is for some merchants only is nobody else's business.
    raise _unknown(name, {name: found for name, found in known.items() if not found.merchants})


def _unknown(name: str, usable: Destinations) -> UnknownDestination:
    if not usable:
        message = (
            "names a destination, but this installation has none for you: ask its operators to "
            "configure one (TASKFLOW_PUBLISH_DESTINATIONS)."
        )
    else:
        names = ", ".join(sorted(usable))
        message = f'is not a known destination ("{shown(name)}"); use {names}.'
    return UnknownDestination((PayloadProblem("/destination", message),))


def _body(payload: dict[str, Any]) -> tuple[str, str]:
    """Return content type and text. Raises what json and str.encode raise."""
    if "text" in payload:
        payload["text"].encode()
        return "text/plain", payload["text"]
    # A task's arguments are serialized once more, in Celery's form; here only whether they can be.
    value = payload["json"] if "json" in payload else [payload.get("args"), payload.get("kwargs")]
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text.encode()
    return "application/json", text


def _unsendable(payload: dict[str, Any]) -> str:
    return next((f"/{name}" for name in ("text", "json", "args", "kwargs") if name in payload), "")


def _message_problems(payload: dict[str, Any], at: Destination) -> Iterable[PayloadProblem]:
    for name in _CALL:
        if name in payload:
            yield PayloadProblem(
                f"/{name}", f'is for Celery, and "{at.name}" is a {at.type}; remove it.'
            )
    if "routing_key" in payload and not isinstance(at.target, Exchange):
        yield PayloadProblem("/routing_key", f"means nothing to a {at.type}; remove it.")
    bodies = [name for name in _MESSAGE if name in payload]
    if len(bodies) == 2:
        yield PayloadProblem("/text", 'cannot be combined with "json"; send one body.')
    if not bodies:
        yield PayloadProblem("/json", 'is required; add it, or "text".')


def _call_problems(payload: dict[str, Any], celery: CeleryQueue) -> Iterable[PayloadProblem]:
    for name in (*_MESSAGE, "routing_key"):
        if name in payload:
            yield PayloadProblem(
                f"/{name}", 'means nothing to a Celery task; use "args" and "kwargs".'
            )
    if "task" not in payload:
        yield PayloadProblem("/task", "is required; name the Celery task.")
    elif problem := _word_fault(payload["task"]):
        yield PayloadProblem("/task", problem)
    elif not fits(payload["task"], celery.tasks):
        allowed = ", ".join(celery.tasks)
        yield PayloadProblem("/task", f"is not a task that may be called here; use {allowed}.")


def _routing_problems(payload: dict[str, Any], exchange: Exchange) -> Iterable[PayloadProblem]:
    asked = payload.get("routing_key", exchange.routing_key)
    if asked == exchange.routing_key and (asked or exchange.name):
        return
    problem = _word_fault(asked)
    if problem:
        yield PayloadProblem("/routing_key", problem)
    elif not exchange.routing_keys:
        yield PayloadProblem("/routing_key", "is set by the operators here; remove it.")
    elif not asked:
        yield PayloadProblem(
            "/routing_key", f"is required; use {', '.join(exchange.routing_keys)}."
        )
    elif not fits(asked, exchange.routing_keys):
        allowed = ", ".join(exchange.routing_keys)
        yield PayloadProblem("/routing_key", f"is not allowed here; use {allowed}.")


def _word_fault(word: str) -> str | None:
    if word.isprintable() and len(word.encode()) <= MAX_WORD:
        return None
    return f"must have at most {MAX_WORD} bytes, without control characters."
