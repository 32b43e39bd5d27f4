"""Header rules of messages: what producers may send along. Pure."""

import re
from collections.abc import Iterator, Mapping

from jobs.handlers.kinds import PayloadProblem
from jobs.handlers.publish.destinations import CeleryQueue, Destination
from jobs.handlers.schemas import pointer

MAX_VALUE = 8000  # characters of a header's value
# AMQP sends the headers in one frame, of 128 KiB as RabbitMQ comes.
MAX_HEADERS = 32 * 1024  # bytes of names and values together

_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
_OWNED = frozenset(
    {
        # What TaskFlow says about the job.
        "idempotency-key",
        "traceparent",
        # RabbitMQ sends copies where these say; kombu unpacks a body by "compression".
        "cc",
        "bcc",
        "compression",
    }
)
_OWNED_PREFIXES = ("x-taskflow-", "x-death", "x-first-death", "x-last-death")
# Celery's message protocol 2.
# fmt: off
_OF_CELERY = frozenset({
    "args", "argsrepr", "callbacks", "called_directly", "chain", "chord", "correlation_id",
    "delivery_info", "errbacks", "eta", "expires", "group", "group_index", "headers",
    "hostname", "id", "ignore_result", "is_eager", "kwargs", "kwargsrepr", "lang", "logfile",
    "loglevel", "meth", "origin", "parent_id", "properties", "replaced_task_nesting",
    "reply_to", "retries", "root_id", "shadow", "stamped_headers", "stamps", "task",
    "timelimit", "utc",
})
# fmt: on


def header_problems(headers: Mapping[str, str], at: Destination) -> Iterator[PayloadProblem]:
    """Yield every header that a message must not carry, at its pointer below the payload."""
    # Lone surrogates, which no encoding takes, are refused below.
    size = sum(len((name + value).encode(errors="replace")) for name, value in headers.items())
    if size > MAX_HEADERS:
        most = MAX_HEADERS // 1024
        yield PayloadProblem("/headers", f"must have at most {most} KiB together.")
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        problem = _header_fault(name, value, at)
        if problem is None and lower in seen:
            problem = "is given twice, in different spellings; keep one."
        seen.add(lower)
        if problem:
            yield PayloadProblem(pointer("/headers", name), problem)


def _header_fault(name: str, value: str, at: Destination) -> str | None:
    lower = name.lower()
    if not _HEADER.match(name):
        return "is not a header name; use letters, digits, dots, hyphens and underscores."
    if lower in _OWNED or lower.startswith(_OWNED_PREFIXES):
        return "is set by TaskFlow or read by brokers; remove it."
    if isinstance(at.target, CeleryQueue) and lower in _OF_CELERY:
        return "belongs to Celery's protocol; choose another name."
    if not value.isprintable():
        return "must not hold control characters or line breaks; encode them."
    return None
