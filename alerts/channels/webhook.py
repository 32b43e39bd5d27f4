"""A webhook of the merchant's own, signed as Standard Webhooks 1.0 says, with a secret per channel."""

import base64
import binascii
import json
from datetime import UTC
from typing import Any

from multidict import CIMultiDict
from standardwebhooks import Webhook

from alerts.channels.parcel import Parcel, json_headers, read_secret, read_url
from jobs.handlers.http.policy import AddressPolicy
from jobs.handlers.http.request import Request
from jobs.handlers.http.target import host_of, parse_target
from jobs.operations.fields import Fields

FIELDS = ("url", "secret")
_PREFIX = "whsec_"
_REMEDY = '"whsec_" and the base64 of 24 to 64 random bytes.'


def read(fields: Fields) -> dict[str, Any] | None:
    """Return the address and the secret; None after adding their faults."""
    url = read_url(fields)
    secret = read_secret(fields, "secret", _REMEDY)
    if secret is not None and not _is_secret(secret):
        fields.refuse("secret", "invalid_secret", f"must be {_REMEDY}")
        secret = None
    return None if url is None or secret is None else {"url": url, "secret": secret}


def shown(settings: dict[str, Any]) -> str:
    """Return the host: addresses of webhooks often hold a token."""
    return host_of(settings["url"])


def prepare(parcel: Parcel, policy: AddressPolicy) -> Request:
    """Return the signed request. Raises AddressDenied."""
    message = parcel.message
    moment = parcel.sent_at.astimezone(UTC)
    body = json.dumps(
        {
            "type": f"incident.{message['event']}",
            "timestamp": f"{parcel.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "data": message,
        }
    )
    message_id = str(parcel.delivery_id)
    headers = CIMultiDict(json_headers(parcel))
    headers.update(
        {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(parcel.settings["secret"]).sign(message_id, moment, body),
        }
    )
    return Request("POST", parse_target(parcel.settings["url"], policy), headers, body.encode())


def _is_secret(text: str) -> bool:
    if not text.startswith(_PREFIX):
        return False
    try:
        return 24 <= len(base64.b64decode(text.removeprefix(_PREFIX), validate=True)) <= 64
    except binascii.Error:
        return False
