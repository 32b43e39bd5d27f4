"""Keep what merchants' payloads hold in confidence out of every answer.

A header of an HTTP job whose name says that it carries a secret is answered as `***`. Whoever sends
a payload back with `***` in such a place keeps the stored value. Pure.
"""

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
_SECRET_NAME = re.compile(
    r"cookie|authorization|token|secret|password|signature|credential|api-?_?key", re.IGNORECASE
)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/?#@\s]{1,500}@")


def masked(kind: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the payload as answers may show it; other kinds than `http` have nothing to hide."""
    if kind != "http":
        return payload
    shown = dict(payload)
    headers = payload.get("headers")
    if isinstance(headers, dict):
        shown["headers"] = {
            name: MASK if _SECRET_NAME.search(name) else value for name, value in headers.items()
        }
    if isinstance(payload.get("url"), str):
        shown["url"] = _LOGIN_IN_URL.sub(f"{MASK}@", payload["url"])
    return shown


def restored(payload: Any, original: Mapping[str, Any]) -> Any:
    """Return an edited payload with the masked headers put back from the original."""
    stored = original.get("headers")
    if not isinstance(payload, dict) or not isinstance(payload.get("headers"), dict):
        return payload
    if not isinstance(stored, dict):
        return payload
    headers = {
        name: stored[name]
        if value == MASK and _SECRET_NAME.search(name) and name in stored
        else value
        for name, value in payload["headers"].items()
    }
    return {**payload, "headers": headers}
