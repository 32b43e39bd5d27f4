"""How values look on an admin page. Everything that a merchant wrote is escaped here."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

MASK = "••••••"
# Names of headers, arguments and fields whose values people keep to themselves.
_SENSITIVE = (
    "authorization",
    "apikey",
    "cookie",
    "credential",
    "passphrase",
    "password",
    "passwd",
    "privatekey",
    "secret",
    "signature",
    "token",
)
_NOT_A_LETTER = re.compile(r"[^a-z]")
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/?#@\s]{1,500}@")

STATUS_COLOURS = {
    "blocked": "default",
    "scheduled": "info",
    "queued": "info",
    "running": "primary",
    "retryable": "warning",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "default",
    "skipped": "default",
}
OUTCOME_COLOURS = {
    "succeeded": "success",
    "failed": "danger",
    "rejected": "danger",
    "timed_out": "danger",
    "lost": "warning",
    "cancelled": "default",
    "released": "default",
}


def is_sensitive(name: str) -> bool:
    """Tell whether a header or field of this name usually holds a secret."""
    letters = _NOT_A_LETTER.sub("", name.lower())
    return any(word in letters for word in _SENSITIVE)


def masked(value: Any) -> Any:
    """Return JSON with the values of sensitive names, and logins inside URLs, put out of sight."""
    if isinstance(value, dict):
        return {
            name: MASK if is_sensitive(name) and inner not in (None, "") else masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    if isinstance(value, str):
        return _LOGIN_IN_URL.sub(f"{MASK}@", value)
    return value


def unmasked(value: Any, original: Any) -> Any:
    """Return `value` with what `masked` hid put back from the same place of `original`."""
    if isinstance(value, dict):
        known = original if isinstance(original, dict) else {}
        return {name: unmasked(inner, known.get(name)) for name, inner in value.items()}
    if isinstance(value, list):
        known = original if isinstance(original, list) else []
        found = known + [None] * (len(value) - len(known))
        return [unmasked(inner, found[place]) for place, inner in enumerate(value)]
    hidden = isinstance(value, str) and MASK in value and original is not None
    return original if hidden and value in (MASK, masked(original)) else value


def pretty(value: Any) -> str:
    """Return JSON for people, masked."""
    return json.dumps(masked(value), indent=2, ensure_ascii=False)


def json_block(value: Any) -> SafeString | str:
    """Return JSON as a block that scrolls, masked and escaped; a dash when there is none."""
    return text_block(pretty(value)) if value not in (None, {}, []) else "-"


def text_block(text: str) -> SafeString:
    """Return text as it is, line by line, in a block that scrolls; escaped."""
    return format_html(
        '<pre class="bg-base-50 border border-base-200 font-mono max-h-96 overflow-auto p-3'
        " rounded-default text-xs whitespace-pre-wrap break-words dark:bg-white/[.04]"
        ' dark:border-base-800">{}</pre>',
        text,
    )


def moment(value: datetime | None) -> str:
    """Return a moment to the second, in UTC; a dash when it has not come."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value else "-"


def duration(span: timedelta) -> str:
    """Return a span as people say it: 12 ms, 3.4 s, 2 min 5 s, 3 h 20 min."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
