"""What the lists of events and deliveries can be narrowed by."""

import django_filters as f  # type: ignore[import-untyped]
from django.db.models import QuerySet

from alerts.models import WebhookDelivery, WebhookEvent
from alerts.webhooks.api.schemas import EVENT_TYPES
from alerts.webhooks.queries import STATUSES_OF, standing
from jobs.api.filters import CommaSeparated, MomentFilter


class WebhookEventFilters(f.FilterSet):  # type: ignore[misc]
    type = f.MultipleChoiceFilter(
        choices=[(name, name) for name in EVENT_TYPES], widget=CommaSeparated
    )
    created_after = MomentFilter("created_at", "gte")
    created_before = MomentFilter("created_at", "lt")

    class Meta:
        model = WebhookEvent
        fields: list[str] = []


class WebhookDeliveryFilters(f.FilterSet):  # type: ignore[misc]
    endpoint = f.UUIDFilter(field_name="endpoint_id")
    event = f.UUIDFilter(field_name="event_id")
    state = f.MultipleChoiceFilter(
        choices=[(name, name) for name in STATUSES_OF],
        widget=CommaSeparated,
        method="with_state",
    )
    created_after = MomentFilter("created_at", "gte")
    created_before = MomentFilter("created_at", "lt")

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []

    def with_state(
        self, rows: QuerySet[WebhookDelivery], name: str, value: list[str]
    ) -> QuerySet[WebhookDelivery]:
        """Return deliveries whose jobs stand so."""
        return standing(rows, value) if value else rows
