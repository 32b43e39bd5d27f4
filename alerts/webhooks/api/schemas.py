"""The shapes of requests and answers about webhooks, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers as s

from alerts.webhooks.api import representations
from alerts.webhooks.events import ENDPOINT_TEST, SUBSCRIBABLE, TYPES
from alerts.webhooks.operations.draft import MAX_DESCRIPTION, MAX_URL
from alerts.webhooks.operations.endpoints import LONGEST_OVERLAP, OVERLAP
from alerts.webhooks.queries import STATES
from jobs.api.schemas import ObjectField, Shown
from jobs.handlers.registry import kind_names

ENDPOINT_STATES = ["active", "off", "disabled"]
EVENT_TYPES = [*TYPES, ENDPOINT_TEST]


class WebhookEndpointEditSchema(s.Serializer[Any]):
    """What a merchant decides about an endpoint."""

    url = s.CharField(
        required=False, max_length=MAX_URL, help_text="An http or https URL of a public host."
    )
    events = s.ListField(
        child=s.ChoiceField(choices=SUBSCRIBABLE),
        required=False,
        min_length=1,
        help_text="`job.*` stands for all events of jobs, and so on.",
    )
    kind = s.CharField(
        required=False,
        allow_blank=True,
        max_length=32,
        help_text=f"Only events of jobs of this kind: {', '.join(kind_names())}. Empty: of any.",
    )
    template_id = s.UUIDField(
        required=False, allow_null=True, help_text="Only events of this template and of its jobs."
    )
    description = s.CharField(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)
    active = s.BooleanField(required=False, help_text="False: it gets nothing.")


class NewWebhookEndpointSchema(WebhookEndpointEditSchema):
    """An endpoint to create."""

    url = s.CharField(max_length=MAX_URL, help_text="An http or https URL of a public host.")
    events = s.ListField(
        child=s.ChoiceField(choices=SUBSCRIBABLE),
        min_length=1,
        help_text="`job.*` stands for all events of jobs, and so on.",
    )


class WebhookEndpointSchema(Shown):
    """Where events are sent."""

    represent = staticmethod(representations.endpoint_detail)
    id = s.UUIDField()
    url = s.CharField()
    description = s.CharField(allow_blank=True)
    events = s.ListField(child=s.CharField())
    kind = s.CharField(allow_blank=True)
    template_id = s.UUIDField(allow_null=True)
    active = s.BooleanField()
    state = s.ChoiceField(
        choices=ENDPOINT_STATES,
        help_text="off: somebody switched it off. disabled: it failed for days, or said 410.",
    )
    failing_since = s.DateTimeField(
        allow_null=True, help_text="Since then attempts failed, and none succeeded."
    )
    last_success_at = s.DateTimeField(allow_null=True, help_text="To the minute.")
    disabled_at = s.DateTimeField(allow_null=True)
    disabled_reason = s.CharField(allow_blank=True)
    old_secret_until = s.DateTimeField(
        allow_null=True, help_text="Until then the secret before this one signs as well."
    )
    created_at = s.DateTimeField()


class WebhookEndpointWithSecretSchema(WebhookEndpointSchema):
    """An endpoint, and its secret, shown this once."""

    secret = s.CharField(help_text="`whsec_…`; verify signatures with it. It is not shown again.")


class RotateSecretSchema(s.Serializer[Any]):
    overlap = s.IntegerField(
        required=False,
        default=OVERLAP,
        min_value=0,
        max_value=LONGEST_OVERLAP,
        help_text="For so many seconds the old secret signs beside the new one.",
    )


class RedeliverSinceSchema(s.Serializer[Any]):
    since = s.DateTimeField(help_text="Of the events since then, in the last 30 days.")
    until = s.DateTimeField(
        required=False, allow_null=True, help_text="Of the events before then; null: until now."
    )


class RedeliveredSchema(s.Serializer[Any]):
    redelivered = s.IntegerField()
    more = s.BooleanField(help_text="There is more: ask again.")


class WebhookEventSchema(Shown):
    """An event that some endpoint subscribed to when it happened."""

    represent = staticmethod(representations.event_detail)
    id = s.UUIDField(help_text="The `webhook-id` of all its deliveries.")
    type = s.ChoiceField(choices=EVENT_TYPES)
    created_at = s.DateTimeField()
    body = ObjectField(help_text="What is sent: type, timestamp, data.")


class WebhookAttemptSchema(s.Serializer[Any]):
    number = s.IntegerField()
    outcome = s.CharField()
    started_at = s.DateTimeField()
    finished_at = s.DateTimeField()
    response_status = s.IntegerField(allow_null=True)
    duration_ms = s.IntegerField(allow_null=True)
    excerpt = s.CharField(allow_blank=True, help_text="The first 1,024 bytes of the answer.")
    error_code = s.CharField(allow_blank=True)
    error = s.CharField(allow_blank=True)


class WebhookDeliverySchema(Shown):
    """One event on its way to one endpoint."""

    represent = staticmethod(representations.delivery_summary)
    id = s.UUIDField()
    endpoint_id = s.UUIDField()
    event_id = s.UUIDField()
    type = s.CharField()
    again = s.BooleanField(help_text="Somebody asked for it: a test, or an event received before.")
    state = s.ChoiceField(choices=STATES)
    attempts = s.IntegerField()
    next_attempt_at = s.DateTimeField(allow_null=True)
    last_attempt = WebhookAttemptSchema(allow_null=True)
    created_at = s.DateTimeField()


class WebhookDeliveryWithHistorySchema(WebhookDeliverySchema):
    """A delivery with all its attempts."""

    represent = staticmethod(representations.delivery_detail)
    history = WebhookAttemptSchema(many=True)
