"""Slack's incoming webhooks, and those of others that take the same (Mattermost, Rocket.Chat, Discord's /slack)."""

import json
from typing import Any

from multidict import CIMultiDict

from alerts.channels.parcel import Parcel, json_headers, read_url
from jobs.handlers.http.policy import AddressPolicy
from jobs.handlers.http.request import Request
from jobs.handlers.http.target import host_of, parse_target
from jobs.operations.fields import Fields

FIELDS = ("url",)


def read(fields: Fields) -> dict[str, Any] | None:
    """Return the address, which is the secret; None after adding its faults."""
    url = read_url(fields)
    return None if url is None else {"url": url}


def shown(settings: dict[str, Any]) -> str:
    """Return the host: who knows the rest of the address may write there."""
    return host_of(settings["url"])


def prepare(parcel: Parcel, policy: AddressPolicy) -> Request:
    """Return the request. Raises AddressDenied."""
    message = parcel.message
    lines = [f"*{_escaped(message['title'])}*", *map(_escaped, message["facts"])]
    if message["rule"]:
        lines.append(f"Rule: {_escaped(message['rule'])} ({_escaped(message['owner'])})")
    lines.append(
        f"<{message['link']}|Open in TaskFlow>" if "://" in message["link"] else message["link"]
    )
    body = json.dumps({"text": "\n".join(lines)}).encode()
    url = parse_target(parcel.settings["url"], policy)
    return Request("POST", url, CIMultiDict(json_headers(parcel)), body)


def _escaped(text: str) -> str:
    """Return user text that mentions nobody and links nowhere (Slack: "Escaping text").

    Mattermost and Discord take a plain "@everyone" for a mention: nothing follows the sign directly.
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("@", "@\u200b")
