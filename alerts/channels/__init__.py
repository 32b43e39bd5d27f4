"""The channel kinds: what it takes to write there, and how a message looks there."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alerts.channels import email, pagerduty, slack, webhook
from alerts.channels.parcel import Parcel, Prepare
from alerts.models import Channel
from alerts.models.channel import ChannelKind
from jobs.operations.fields import Fields
from tenants.encryption import seal, unseal

__all__ = ["WAYS", "Parcel", "Way", "sealed", "settings_of"]

Settings = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """A channel kind. `read` takes its settings out of a body, None when it refused them; `shown` says
    of them what people may see. `prepare` makes the request, None where a message is no request."""

    fields: tuple[str, ...]
    read: Callable[[Fields], Settings | None]
    shown: Callable[[Settings], str]
    prepare: Prepare | None = None


WAYS: dict[str, Way] = {
    ChannelKind.EMAIL: Way(email.FIELDS, email.read, email.shown),
    ChannelKind.SLACK: Way(slack.FIELDS, slack.read, slack.shown, slack.prepare),
    ChannelKind.WEBHOOK: Way(webhook.FIELDS, webhook.read, webhook.shown, webhook.prepare),
    ChannelKind.PAGERDUTY: Way(
        pagerduty.FIELDS, pagerduty.read, pagerduty.shown, pagerduty.prepare
    ),
}


def sealed(channel: Channel, settings: Settings) -> str:
    """Return the settings as they are stored: encrypted, bound to whose channel it is."""
    return seal(json.dumps(settings).encode(), merchant_id=channel.sealing_id)


def settings_of(channel: Channel) -> Settings:
    """Return a channel's settings, secrets among them. Never log it. Raises SecretUnreadable."""
    settings: Settings = json.loads(unseal(channel.sealed_settings, merchant_id=channel.sealing_id))
    return settings
