"""PagerDuty's Events API v2, and whoever takes the same."""

import json
from typing import Any

from multidict import CIMultiDict

from alerts.channels.parcel import Parcel, json_headers, read_secret
from alerts.wording import text_of
from jobs.handlers.http.policy import AddressPolicy
from jobs.handlers.http.request import Request
from jobs.handlers.http.target import parse_target
from jobs.operations.fields import Fields

FIELDS = ("routing_key",)


def read(fields: Fields) -> dict[str, Any] | None:
    """Return the integration's key; None after adding its faults."""
    key = read_secret(fields, "routing_key", "the integration key of a PagerDuty service.")
    return None if key is None else {"routing_key": key}


def shown(settings: dict[str, Any]) -> str:
    """Return the key's last four characters."""
    return f"key …{settings['routing_key'][-4:]}" if len(settings["routing_key"]) > 8 else "key …"


def prepare(parcel: Parcel, policy: AddressPolicy) -> Request:
    """Return the event; an incident is one alert there, from its opening to its end."""
    message = parcel.message
    about = message["incidents"][0] if message["incidents"] else str(parcel.delivery_id)
    event: dict[str, Any] = {
        "routing_key": parcel.settings["routing_key"],
        "event_action": "resolve" if message["event"] == "recovered" else "trigger",
        "dedup_key": f"taskflow-{about}",
        "client": "TaskFlow",
        "payload": {
            "summary": message["title"],
            "source": message["owner"] or "TaskFlow",
            "severity": message["severity"],
            "custom_details": {"text": text_of(message)},
        },
    }
    if "://" in message["link"]:
        event["links"] = [{"href": message["link"], "text": "Open in TaskFlow"}]
    url = parse_target(parcel.pagerduty_url, policy)
    return Request("POST", url, CIMultiDict(json_headers(parcel)), json.dumps(event).encode())
