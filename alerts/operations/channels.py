"""Create, edit, test and delete channels."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alerts.alerting import Alerting
from alerts.channels import WAYS, sealed
from alerts.models import Channel, Delivery, EscalationPolicy
from alerts.models.delivery import DeliveryEvent
from alerts.operations.refusals import InUse, TooManyTests
from alerts.operations.storing import admit, changed, deleted, owned_by, stored
from alerts.operations.trail import note
from alerts.sending.outbox import Draft, dispatch
from alerts.wording import test_message
from jobs.operations.fields import Fields
from tenants.audit import SYSTEM, Actor
from tenants.models import Merchant

MOST_CHANNELS = 50
MAX_NAME = 100
MOST_TESTS = 5
TESTS_WITHIN = timedelta(minutes=1)
SETTINGS = tuple(dict.fromkeys(name for way in WAYS.values() for name in way.fields))
CHANNEL_FIELDS = ("name", "kind", "enabled", *SETTINGS)


def create_channel(
    data: Any, *, merchant: Merchant | None, now: datetime, by: Actor = SYSTEM
) -> Channel:
    """Store a channel; its settings are sealed. Raises InvalidFields, TooManyAlerts."""
    fields = Fields(data, CHANNEL_FIELDS)
    channel = Channel(merchant=merchant, created_at=now, name=required_name(fields))
    channel.enabled = read_flag(fields, "enabled", default=True)
    if "kind" not in fields:
        fields.refuse("kind", "required", f"is required: one of {', '.join(sorted(WAYS))}.")
        fields.raise_problems()
    channel.kind = fields.choice("kind", "", options=list(WAYS))
    if channel.kind:
        _seal(channel, fields)
    fields.raise_problems()
    admit(Channel, merchant, most=MOST_CHANNELS, what="channels")
    return stored(channel, by=by)


def edit_channel(channel: Channel, data: Any, *, by: Actor = SYSTEM) -> Channel:
    """Change what `data` names; the settings of a kind are named all together.

    Raises InvalidFields, AlertGone.
    """
    fields = Fields(data, ("name", "enabled", *SETTINGS))

    def change(row: Channel) -> None:
        if "name" in fields:
            row.name = required_name(fields)
        row.enabled = read_flag(fields, "enabled", default=row.enabled)
        if any(name in fields for name in SETTINGS):
            _seal(row, fields)
        fields.raise_problems()

    return changed(channel, change, by=by)


def delete_channel(channel: Channel, *, by: Actor = SYSTEM) -> None:
    """Delete a channel with the record of its messages. Raises InUse when a policy names it."""
    with transaction.atomic():
        policies = owned_by(EscalationPolicy, channel.merchant)
        named = policies.filter(steps__contains=[{"channels": [str(channel.pk)]}]).first()
        if named is not None:
            raise InUse(f"The escalation policy “{named}” names this channel; change that first.")
        deleted(channel, by=by)


def try_channel(channel: Channel, *, by: Actor, alerting: Alerting, now: datetime) -> Delivery:
    """Send a test message. Raises TooManyTests."""
    message = test_message(channel=channel.name, by=by.shown, public_url=alerting.public_url)
    with transaction.atomic():
        # Of tests at once each counts those before it.
        list(Channel.objects.select_for_update(no_key=True).filter(pk=channel.pk))
        recent = Delivery.objects.filter(
            channel=channel, event=DeliveryEvent.TEST, created_at__gt=now - TESTS_WITHIN
        )
        if recent.count() >= MOST_TESTS:
            raise TooManyTests(
                f"A channel can be tested {MOST_TESTS} times a minute; wait a little."
            )
        dispatch([Draft(channel=channel, event=DeliveryEvent.TEST, message=message)], now=now)
        note("test", channel, by)
    return Delivery.objects.filter(channel=channel, event=DeliveryEvent.TEST).latest("pk")


def required_name(fields: Fields) -> str:
    """Return the `name` of a body, which is not blank."""
    name = fields.text("name", longest=MAX_NAME).strip()
    if not name and not fields.is_refused("name"):
        fields.refuse("name", "required", "is required: how people call it.")
    return name


def read_flag(fields: Fields, name: str, *, default: bool) -> bool:
    """Return true or false."""
    value = fields.data.get(name, default)
    if not isinstance(value, bool):
        fields.refuse(name, "wrong_type", "must be true or false.")
        return default
    return value


def _seal(channel: Channel, fields: Fields) -> None:
    way = WAYS[channel.kind]
    for name in SETTINGS:
        if name in fields and name not in way.fields:
            fields.refuse(name, "not_allowed", f"does not go with kind {channel.kind}; remove it.")
    settings = way.read(fields)
    if settings is not None:
        channel.shown = way.shown(settings)
        channel.sealed_settings = sealed(channel, settings)
