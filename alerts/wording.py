"""What a message says, in plain words. Pure: user text in, one JSON object out.

Names and errors are what users and targets wrote: control characters are replaced here, once for all
channels; what else a channel must escape, it does itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

MOST_TITLE = 150
MOST_FACTS = 10
_OPENINGS = {
    "opened": "",
    "escalated": "Still open, nobody has acknowledged it: ",
    "reminder": "Reminder: ",
    "recovered": "Recovered: ",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """An incident as a message tells it."""

    incident_id: UUID
    subject: str
    detail: str
    count: int
    first_seen: datetime
    last_seen: datetime
    severity: str
    example_job_id: UUID | None = None
    resolved_by: str = ""


def plain(text: str, longest: int) -> str:
    """Return user text as one line without control characters, at most `longest` characters long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def message_of(
    event: str, *, rule: str, title: str, owner: str, incidents: Sequence[Told], public_url: str
) -> dict[str, Any]:
    """Return what is sent about incidents of one rule; `title` is the kind's, `owner` whose work it is."""
    first = incidents[0]
    about = plain(first.subject, 80) if len(incidents) == 1 else f"{len(incidents):,} subjects"
    facts = [_fact(told) for told in incidents[:MOST_FACTS]]
    if len(incidents) > MOST_FACTS:
        facts.append(f"… and {len(incidents) - MOST_FACTS:,} more.")
    return {
        "title": plain(f"{_OPENINGS[event]}{title}: {about}", MOST_TITLE),
        "facts": facts,
        "rule": plain(rule, 100),
        "owner": plain(owner, 100),
        "severity": first.severity,
        "event": event,
        "link": _link(public_url, incidents),
        "incidents": [str(told.incident_id) for told in incidents[:100]],
    }


def test_message(*, channel: str, by: str, public_url: str) -> dict[str, Any]:
    """Return what the test button sends."""
    return {
        "title": "Test message from TaskFlow",
        "facts": [f"{plain(by, 100)} tests the channel “{plain(channel, 100)}”. It works."],
        "rule": "",
        "owner": "",
        "severity": "info",
        "event": "test",
        "link": f"{public_url}/admin/alerts/channel/",
        "incidents": [],
    }


def text_of(message: dict[str, Any]) -> str:
    """Return a message as plain text of some lines."""
    lines = [*message["facts"], ""]
    if message["rule"]:
        lines.append(f"Rule: {message['rule']} ({message['owner']})")
    lines.append(f"More: {message['link']}")
    return "\n".join(lines)


def _fact(told: Told) -> str:
    times = "once" if told.count == 1 else f"{told.count:,} times"
    seen = f"seen {times}, first at {_moment(told.first_seen)}, last at {_moment(told.last_seen)}"
    said = f"{plain(told.subject, 100)}: {seen}."
    if told.detail:
        said += f" {plain(told.detail, 300)}"
    if told.example_job_id is not None:
        said += f" Example: job {told.example_job_id}."
    if told.resolved_by:
        said += f" Resolved by {plain(told.resolved_by, 100)}."
    return said


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _link(public_url: str, incidents: Sequence[Told]) -> str:
    base = f"{public_url}/admin/alerts/incident/"
    return f"{base}{incidents[0].incident_id}/change/" if len(incidents) == 1 else base
