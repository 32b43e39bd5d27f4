"""Keep what merchants' payloads hold in confidence out of every answer.

Headers, of requests and of messages, and query parameters whose name says that they carry a secret are answered as `***`. Whoever
sends a payload back with `***` in such a place keeps the stored value, but only towards the same
origin (RFC 6454) or destination: else an edit could send the secret to another host. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

import yarl

MASK = "***"
_KINDS_WITH_HEADERS = ("http", "publish")
# One rule for what jobs send, what servers answer, and URLs.
_SECRET_NAME = re.compile(
    r"cookie|authoriz|authentication-info|(?<![a-z])auth(?![a-z])|token|secret|passw|passphrase"
    r"|passcode|(?<![a-z])pwd(?![a-z])|signature|(?<![a-z])sig(?![a-z])|credential|session|jwt"
    r"|(?:api|access|auth|private|secret|master|subscription)[-_.]?key|(?<![a-z])key\Z",
    re.IGNORECASE,
)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/?#@\s]{1,500}@")
_QUERY_VALUE = re.compile(r"(?P<before>[?&;](?P<name>[^=&;#?]*)=)(?P<value>[^&;#]+)")


def is_secret(name: str) -> bool:
    """Tell whether a header or query parameter of this name is taken to carry a secret."""
    return bool(_SECRET_NAME.search(name))


def masked(kind: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the payload as answers may show it; kinds without headers have nothing to hide."""
    if kind not in _KINDS_WITH_HEADERS:
        return payload
    shown = dict(payload)
    headers = payload.get("headers")
    if isinstance(headers, dict):
        shown["headers"] = {
            name: MASK if is_secret(name) else value for name, value in headers.items()
        }
    if isinstance(payload.get("url"), str):
        shown["url"] = _masked_url(payload["url"])
    return shown


def restored(payload: Any, original: Mapping[str, Any]) -> Any:
    """Return an edited payload with its masks replaced by what they stand for in the original.

    A mask without a counterpart, or in a payload for another origin or destination, stays; see `masks_left`.
    """
    if not isinstance(payload, dict):
        return payload
    url, stored_url = payload.get("url"), original.get("url")
    if isinstance(stored_url, str) and url == _masked_url(stored_url):
        payload = {**payload, "url": stored_url}
    headers, stored = payload.get("headers"), original.get("headers")
    if not isinstance(headers, dict) or not isinstance(stored, dict):
        return payload
    if _recipient(payload) is None or _recipient(payload) != _recipient(original):
        return payload
    values = {name.lower(): value for name, value in stored.items()}
    kept = {
        name: values.get(name.lower(), value) if _is_mask(name, value) else value
        for name, value in headers.items()
    }
    return {**payload, "headers": kept}


def masks_left(kind: str, payload: Any) -> Iterator[tuple[str, ...]]:
    """Yield the path of every mask that stands where a secret is meant; none may be stored."""
    if kind not in _KINDS_WITH_HEADERS or not isinstance(payload, dict):
        return
    headers = payload.get("headers")
    if isinstance(headers, dict):
        yield from (("headers", name) for name, value in headers.items() if _is_mask(name, value))
    url = payload.get("url")
    if isinstance(url, str) and any(
        is_secret(unquote_plus(found["name"])) and found["value"] == MASK
        for found in _QUERY_VALUE.finditer(url)
    ):
        yield ("url",)


def _is_mask(name: str, value: Any) -> bool:
    return isinstance(value, str) and value.strip() == MASK and is_secret(name)


def _masked_url(url: str) -> str:
    return _QUERY_VALUE.sub(_masked_value, _LOGIN_IN_URL.sub(f"{MASK}@", url))


def _masked_value(found: re.Match[str]) -> str:
    return found["before"] + (MASK if is_secret(unquote_plus(found["name"])) else found["value"])


def _recipient(payload: Mapping[str, Any]) -> yarl.URL | str | None:
    """Return who gets the headers: a URL's origin, or the name of a destination."""
    if "url" in payload:
        return _origin(payload["url"])
    destination = payload.get("destination")
    return destination if isinstance(destination, str) else None


def _origin(url: Any) -> yarl.URL | None:
    """Return scheme, host and port as the sender reads them; None for what is no absolute URL."""
    try:
        return yarl.URL(url).origin()
    except (TypeError, ValueError):
        return None
