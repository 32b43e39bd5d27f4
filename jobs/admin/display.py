"""How values look on an admin page. Everything that a merchant wrote is escaped here."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

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


def badge(words: str, colour: str) -> SafeString:
    """Return words as a badge; `colour` is one of unfold's label types."""
    return render_to_string("unfold/helpers/label.html", {"text": words, "type": colour})


def pretty(value: Any) -> str:
    """Return JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def json_block(value: Any) -> SafeString | str:
    """Return JSON as a block that scrolls, escaped; a dash when there is none."""
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


def moment_in_list(value: datetime | None) -> SafeString:
    """Return a moment that a narrow column does not break in two."""
    return format_html('<span class="whitespace-nowrap">{}</span>', moment(value))


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
