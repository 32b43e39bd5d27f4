"""The part of a job that a template repeats: everything but its time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from jobs.backoff import MAX_DELAY, STRATEGIES, Backoff, Strategy
from jobs.operations import work
from jobs.operations.fields import Fields
from jobs.operations.limits import (
    DEFAULT_ATTEMPTS,
    DEFAULT_PRIORITY,
    DEFAULT_TIMEOUT,
    MAX_ATTEMPTS,
    MAX_FACTOR,
    MAX_METADATA,
    MAX_NAME,
    MAX_PAYLOAD,
    MAX_PRIORITY,
    MAX_TAG,
    MAX_TAGS,
    MAX_TIMEOUT,
    MIN_TIMEOUT,
)

BLUEPRINT_FIELDS = (
    "kind",
    "payload",
    "priority",
    "max_attempts",
    "backoff",
    "timeout",
    "name",
    "tags",
    "metadata",
)
BACKOFF_FIELDS = ("strategy", "base", "factor", "cap", "jitter")


@dataclass(frozen=True, kw_only=True, slots=True)
class Blueprint:
    """A checked blueprint whose payload is as it was sent: its placeholders are not filled in."""

    kind: str
    payload: dict[str, Any]
    priority: int
    max_attempts: int
    backoff: dict[str, Any] | None
    timeout: float
    name: str
    tags: list[str]
    metadata: dict[str, Any]


def read_blueprint(data: Any, *, pointer: str) -> Blueprint:
    """Return what a JSON object asks for, its payload unchecked but for being an object of a size.

    Raises InvalidFields with every fault. The caller fills in the placeholders for a sample and
    has `jobs.operations.work.check_work` look at that.
    """
    fields = Fields(data, BLUEPRINT_FIELDS, pointer)
    kind, payload = _draft(fields)
    plain = read_plain(fields)
    fields.raise_problems()
    return Blueprint(kind=kind, payload=payload, **plain)


def _draft(fields: Fields) -> tuple[str, dict[str, Any]]:
    asked = work.asked_for(fields)
    if asked is None:
        return "", {}
    kind = work.known_kind(asked[0], fields)
    payload = fields.json_object("payload", largest=MAX_PAYLOAD)
    return kind.name if kind else "", payload


def _backoff(fields: Fields) -> dict[str, Any] | None:
    asked = fields.data.get("backoff")
    if asked is None:
        return None
    if not isinstance(asked, dict):
        fields.refuse(
            "backoff", "wrong_type", 'must be an object such as {"base": 5}; leave it out for none.'
        )
        return None
    default = Backoff()
    inner = Fields(asked, BACKOFF_FIELDS, f"{fields.pointer}/backoff")
    base = inner.number("base", default.base, minimum=0.1, maximum=MAX_DELAY)
    policy = Backoff(
        strategy=cast(Strategy, inner.choice("strategy", default.strategy, options=STRATEGIES)),
        base=base,
        factor=inner.number("factor", default.factor, minimum=1, maximum=MAX_FACTOR),
        cap=inner.number("cap", max(default.cap, base), minimum=0.1, maximum=MAX_DELAY),
        jitter=inner.number("jitter", default.jitter, minimum=0, maximum=1),
    )
    if policy.cap < policy.base and not inner.problems:
        inner.refuse("cap", "out_of_range", 'must be at least "base".')
    fields.problems += inner.problems
    return dict(vars(policy))


def _priority(fields: Fields) -> int:
    return fields.integer("priority", DEFAULT_PRIORITY, minimum=0, maximum=MAX_PRIORITY)


def _max_attempts(fields: Fields) -> int:
    return fields.integer("max_attempts", DEFAULT_ATTEMPTS, minimum=1, maximum=MAX_ATTEMPTS)


def _timeout(fields: Fields) -> float:
    return fields.number("timeout", DEFAULT_TIMEOUT, minimum=MIN_TIMEOUT, maximum=MAX_TIMEOUT)


# Readers of the fields that need no other field; each returns the default when it is absent.
PLAIN: dict[str, Callable[[Fields], Any]] = {
    "priority": _priority,
    "max_attempts": _max_attempts,
    "backoff": _backoff,
    "timeout": _timeout,
    "name": lambda fields: fields.text("name", longest=MAX_NAME),
    "tags": lambda fields: fields.texts("tags", most=MAX_TAGS, longest=MAX_TAG),
    "metadata": lambda fields: fields.json_object("metadata", largest=MAX_METADATA),
}
_DEFAULTS = {name: read(Fields({}, ())) for name, read in PLAIN.items()}


def read_plain(fields: Fields) -> dict[str, Any]:
    """Return what PLAIN's readers do, of all of its fields; most jobs name hardly any."""
    named = {name: read(fields) for name, read in PLAIN.items() if name in fields}
    # Not the defaults' own: whoever gets them may change them.
    return {**_DEFAULTS, "tags": [], "metadata": {}, **named}
