"""What a channel kind is given to make a request of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.request import USER_AGENT, Request
from jobs.handlers.http.target import InvalidTarget, parse_target
from jobs.operations.fields import Fields
from jobs.operations.limits import MAX_NAME

MAX_URL = 2_000


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A message on its way: the delivery's id is what receivers know repetitions by, and all tries send
    the same body. `sent_at` is this try's start."""

    delivery_id: UUID
    message: dict[str, Any]
    settings: dict[str, Any] = field(repr=False)
    created_at: datetime
    sent_at: datetime
    pagerduty_url: str


Prepare = Callable[[Parcel, AddressPolicy], Request]


def json_headers(parcel: Parcel) -> dict[str, str]:
    """Return the headers of a request with a JSON body."""
    return {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Idempotency-Key": str(parcel.delivery_id),
    }


def read_url(fields: Fields) -> str | None:
    """Return the `url` of a body; None after adding its faults."""
    if "url" not in fields:
        fields.refuse("url", "required", "is required: where the messages go.")
        return None
    url = fields.text("url", longest=MAX_URL)
    if fields.is_refused("url"):
        return None
    try:
        parse_target(url, AddressPolicy(settings.TASKFLOW_ENGINE.http_allow_networks))
    except (InvalidTarget, AddressDenied) as error:
        fields.refuse("url", "invalid_url", str(error))
        return None
    return url


def read_secret(fields: Fields, name: str, remedy: str) -> str | None:
    """Return a secret text of a body; None after adding its faults, which never repeat it."""
    if name not in fields:
        fields.refuse(name, "required", f"is required: {remedy}")
        return None
    value = fields.text(name, longest=MAX_NAME).strip()
    if fields.is_refused(name):
        return None
    if not value:
        fields.refuse(name, "required", f"is required: {remedy}")
        return None
    return value
