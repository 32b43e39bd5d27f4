"""Reads the operators' destinations from JSON: an object of definitions by name. Pure.

    {"orders": {"type": "exchange", "url": "amqps://…", "exchange": "orders", "routing_key": "new"}}

docs/operations.md lists the fields.
"""

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from jobs.handlers.kinds import InvalidPayload
from jobs.handlers.publish.destinations import (
    DEFAULT_CONNECTIONS,
    CeleryQueue,
    Destination,
    Destinations,
    Exchange,
    RedisList,
    RedisStream,
    Target,
)
from jobs.handlers.schemas import PayloadSchema
from jobs.handlers.text import shown
from jobs.strict_json import MalformedJson, read_json

MAX_DESTINATIONS: Final = 500

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}\Z")
_AMQP: Final = ("amqp", "amqps")
_REDIS: Final = ("redis", "rediss")
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 255}
_PATTERNS: Final = {"type": "array", "minItems": 1, "maxItems": 200, "items": _TEXT}
_ID: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_EVERY: Final[dict[str, Any]] = {
    "type": {"type": "string"},
    "url": {"type": "string", "minLength": 1, "maxLength": 4096},
    "ca_file": _TEXT,
    "connections": {"type": "integer", "minimum": 1, "maximum": 64},
    "merchants": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": _ID}},
}


def _schema(required: tuple[str, ...], **own: Any) -> PayloadSchema:
    return PayloadSchema(
        {
            "type": "object",
            "required": ["type", "url", *required],
            "additionalProperties": False,
            "properties": {**_EVERY, **own},
        }
    )


_SCHEMAS: Final = {
    "exchange": _schema(
        (),
        exchange={"type": "string", "maxLength": 255},
        exchange_type={"enum": ["direct", "topic", "fanout", "headers"]},
        routing_key={"type": "string", "maxLength": 255},
        routing_keys=_PATTERNS,
        mandatory={"type": "boolean"},
        key_prefix=_TEXT,
    ),
    "list": _schema(("key",), key=_TEXT, push={"enum": ["left", "right"]}),
    "stream": _schema(
        ("key",), key=_TEXT, max_length={"type": "integer", "minimum": 1, "maximum": 10**12}
    ),
    "celery": _schema(("tasks",), queue=_TEXT, tasks=_PATTERNS, key_prefix=_TEXT),
}
_SCHEMES: Final = {
    "exchange": (*_AMQP, *_REDIS),
    "list": _REDIS,
    "stream": _REDIS,
    "celery": (*_AMQP, *_REDIS),
}


class InvalidDestinations(ValueError):
    """The configuration cannot be used; each of `problems` names a destination and a remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def parse_destinations(text: str) -> Destinations:
    """Return the destinations by name; none for an empty text. Raises InvalidDestinations."""
    if not text.strip():
        return {}
    try:
        named = read_json(text.encode())
    except MalformedJson as error:
        raise InvalidDestinations([str(error)]) from None
    if not isinstance(named, dict):
        raise InvalidDestinations(["must be a JSON object of destinations by name."])
    if len(named) > MAX_DESTINATIONS:
        raise InvalidDestinations([f"must have at most {MAX_DESTINATIONS} destinations."])
    problems: list[str] = []
    found: dict[str, Destination] = {}
    for name, definition in named.items():
        try:
            found[name] = _destination(name, definition)
        except InvalidDestinations as error:
            problems += [f'destination "{shown(name)}": {line}' for line in error.problems]
    if problems:
        raise InvalidDestinations(problems)
    return found


def _destination(name: str, definition: Any) -> Destination:
    if not _NAME.match(name):
        raise InvalidDestinations(
            ["its name must be 1 to 63 lower-case letters, digits, dots, hyphens, underscores."]
        )
    kind = definition.get("type") if isinstance(definition, dict) else None
    if not isinstance(kind, str) or kind not in _SCHEMAS:
        raise InvalidDestinations([f'"type" must be one of {", ".join(_SCHEMAS)}.'])
    try:
        _SCHEMAS[kind].check(definition)
    except InvalidPayload as error:
        raise InvalidDestinations(
            [f'"{problem.pointer[1:]}" {problem.message}' for problem in error.problems]
        ) from None
    url, problems = _url(definition["url"], _SCHEMES[kind])
    problems += _rules(kind, definition, encrypted=url.startswith(("amqps:", "rediss:")))
    if problems:
        raise InvalidDestinations(problems)
    return Destination(
        name=name,
        url=url,
        target=_target(kind, definition),
        ca_file=definition.get("ca_file", ""),
        key_prefix=definition.get("key_prefix", ""),
        connections=definition.get("connections", DEFAULT_CONNECTIONS),
        merchants=frozenset(UUID(merchant) for merchant in definition.get("merchants", ())),
    )


def _target(kind: str, definition: dict[str, Any]) -> Target:
    match kind:
        case "exchange":
            return Exchange(
                name=definition.get("exchange", ""),
                type=definition.get("exchange_type", "direct"),
                routing_key=definition.get("routing_key", ""),
                routing_keys=tuple(definition.get("routing_keys", ())),
                mandatory=definition.get("mandatory", True),
            )
        case "list":
            return RedisList(key=definition["key"], push=definition.get("push", "left"))
        case "stream":
            return RedisStream(key=definition["key"], max_length=definition.get("max_length"))
        case _:
            return CeleryQueue(
                queue=definition.get("queue", "celery"), tasks=tuple(definition["tasks"])
            )


def _url(text: str, schemes: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return the URL as kombu reads it, and what is wrong with it. Its value is never repeated."""
    # Only the scheme: a host may well be called valkey.
    url = re.sub(r"^valkey", "redis", text)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        expected = ", ".join(f"{scheme}://" for scheme in schemes)
        return "", [f'"url" must start with one of {expected} and name a host.']
    return url, list(_url_faults(parts))


def _url_faults(parts: SplitResult) -> list[str]:
    faults = []
    if parts.query or parts.fragment or ";" in parts.netloc:
        faults.append(
            '"url" must end after the path: percent-encode "?", "#" and ";" in user and password, '
            'and give "ca_file" instead of TLS parameters.'
        )
    if parts.scheme in _REDIS and not re.fullmatch(r"/?[0-9]{0,5}", parts.path, re.ASCII):
        faults.append('"url" must end with the number of a database, such as /0.')
    return faults


def _rules(kind: str, definition: dict[str, Any], *, encrypted: bool) -> list[str]:
    """Return what a schema cannot say."""
    problems = []
    if "ca_file" in definition:
        if not encrypted:
            problems.append('"ca_file" needs a URL of TLS: amqps:// or rediss://.')
        elif not Path(definition["ca_file"]).is_file():
            problems.append('"ca_file" names no file that can be read.')
    if kind == "exchange":
        problems += _exchange_rules(definition)
    if "key_prefix" in definition and definition["url"].startswith(_AMQP):
        problems.append('"key_prefix" belongs to Redis; remove it.')
    return problems


def _exchange_rules(definition: dict[str, Any]) -> list[str]:
    problems = []
    unnamed = not definition.get("exchange")
    if unnamed and not definition.get("routing_key") and not definition.get("routing_keys"):
        problems.append(
            '"routing_key" is required without an exchange: name the queue, or give "routing_keys".'
        )
    if unnamed and definition.get("exchange_type", "direct") != "direct":
        problems.append('"exchange" is required for this "exchange_type"; name it.')
    on_redis = not definition["url"].startswith(_AMQP)
    if on_redis and definition.get("exchange_type", "direct") not in ("direct", "fanout"):
        # kombu matches topics on Redis by regular expressions, in this process.
        problems.append('"exchange_type" on Redis must be direct or fanout; use AMQP for others.')
    return problems
