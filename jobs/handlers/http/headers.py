"""Header rules for both directions: what a job may send, and what is kept of an answer."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from jobs.handlers.kinds import PayloadProblem
from jobs.handlers.schemas import pointer
from jobs.handlers.text import storable
from jobs.masking import MASK, is_secret

MAX_KEPT_HEADERS = 64
MAX_KEPT_VALUE = 1024  # characters
MAX_SENT_VALUE = 8000  # characters; many servers refuse a longer line

# RFC 9110 section 5.6.2 (token) and 5.5 (field value: no leading or trailing blanks).
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?\Z")

_OWNED_NAMES = frozenset(
    {
        # Framing and hop-by-hop fields (RFC 9110 section 7.6.1, RFC 9112 section 6).
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        # What TaskFlow says about the job.
        "accept-encoding",
        "idempotency-key",
        "traceparent",
    }
)
_OWNED_PREFIXES = ("x-taskflow-", "webhook-")


def header_problems(headers: Mapping[str, str]) -> Iterator[PayloadProblem]:
    """Yield every header that a job must not send, at its pointer below the payload."""
    seen: set[str] = set()
    for name, value in headers.items():
        problem = _name_problem(name, seen) or _value_problem(value)
        seen.add(name.lower())
        if problem:
            yield PayloadProblem(pointer("/headers", name), problem)


def kept_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return an answer's headers fit to be stored: lower-case, bounded, secrets masked.

    Fields of one name are joined by a comma (RFC 9110 section 5.3).
    """
    kept: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, secret = _kept_name(raw_name)
        if name not in kept and len(kept) >= MAX_KEPT_HEADERS:
            continue
        value = MASK if secret else raw_value.decode("utf-8", "replace")
        joined = f"{kept[name]}, {value}" if name in kept and value != MASK else value
        kept[name] = storable(joined, MAX_KEPT_VALUE)
    return kept


@lru_cache(512)
def _kept_name(raw: bytes) -> tuple[str, bool]:
    """Return a header's name as it is kept, and whether its value is not."""
    name = storable(raw.decode("latin-1"), 100).lower()
    return name, is_secret(name)


def _name_problem(name: str, seen: set[str]) -> str | None:
    lower = name.lower()
    if not _TOKEN.match(name):
        return "is not a header name; use letters, digits and hyphens."
    if lower in seen:
        return "is given twice, in different spellings; keep one."
    if lower in _OWNED_NAMES or lower.startswith(_OWNED_PREFIXES):
        return "is set by TaskFlow; remove it."
    return None


def _value_problem(value: str) -> str | None:
    if len(value) > MAX_SENT_VALUE:
        return f"must have at most {MAX_SENT_VALUE} characters."
    if not _VALUE.match(value):
        return (
            "must be plain ASCII without control characters, line breaks, "
            "or blanks at its ends; encode anything else."
        )
    return None
