"""What an entry's hash is made of: JSON that is the same however it was stored and read. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

LONGEST_TEXT: Final = 2_000  # characters
LARGEST: Final = 32 * 1024  # bytes of JSON, of `before` and of `after`
DEEPEST: Final = 40
MASK: Final = "***"
FIRST_HASH: Final = "0" * 64
_SECRET = re.compile(r"secret|password|passphrase|digest|sealed|token|credential", re.IGNORECASE)


def fit(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return values as an entry keeps them: plain JSON, secrets hidden, long ones cut with a mark."""
    if values is None:
        return None
    kept = {str(name): _kept(str(name), value, 1) for name, value in values.items()}
    if len(canonical(kept)) <= LARGEST:
        return kept
    room = LARGEST // max(1, len(kept))
    return {name: _shortened(value, room) for name, value in kept.items()}


def canonical(value: Any) -> bytes:
    """Return the one JSON of a value: keys in order, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def chained(previous: str, entry: Mapping[str, Any]) -> str:
    """Return the hash of an entry: SHA-256 over the previous one's and the entry's canonical JSON."""
    return hashlib.sha256(previous.encode("ascii") + canonical(entry)).hexdigest()


def moment_text(moment: datetime) -> str:
    """Return a moment in UTC to the microsecond, as hashes take it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _kept(name: str, value: Any, depth: int) -> Any:
    if value is not None and not isinstance(value, bool) and _SECRET.search(name):
        return MASK
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {_text(str(key)): _kept(str(key), each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return [_kept("", each, depth + 1) for each in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        # PostgreSQL keeps 1e22 as a whole number; it has to be read back as what was hashed.
        if value.is_integer():
            return int(value)
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, datetime):
        return moment_text(value)
    return _text(value.isoformat() if isinstance(value, date) else str(value))


def _text(text: str) -> str:
    """Return a text that jsonb takes (no U+0000, no half of a surrogate pair), cut when it is long."""
    text = text.replace("\x00", "�").encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_TEXT else _cut(text, LONGEST_TEXT)


def _shortened(value: Any, room: int) -> Any:
    text = canonical(value).decode()
    return value if len(text) <= room else _cut(text, room)


def _cut(text: str, room: int) -> str:
    return f"{text[:room]}… (cut: {len(text):,} characters in all)"
