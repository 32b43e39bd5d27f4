"""Group errors that differ only in numbers, ids and addresses. Pure."""

import hashlib
import re

# Linear patterns over bounded text: no backtracking to abuse.
_VARIABLE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+|\d+")
_LONGEST = 500


def error_fingerprint(*, kind: str, handler: str, code: str, message: str) -> str:
    """Return 16 hex digits, equal for errors that a person would call the same."""
    shape = _VARIABLE.sub("#", message[:_LONGEST])
    text = "\x1f".join((kind, handler, code, shape))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
