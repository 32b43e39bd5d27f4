"""Deliveries with how they went, read for a whole page at once."""

from collections.abc import Sequence

from alerts.models import WebhookDelivery, WebhookEvent
from alerts.webhooks.queries import histories


def tell(deliveries: Sequence[WebhookDelivery]) -> Sequence[WebhookDelivery]:
    """Give each its `history` and its `told_type` ('' when the event is forgotten); return them."""
    ids = {one.event_id for one in deliveries}
    types = dict(WebhookEvent.objects.filter(pk__in=ids).values_list("pk", "type"))
    for one, history in zip(deliveries, histories(deliveries), strict=True):
        one.history = history  # type: ignore[attr-defined]
        one.told_type = types.get(one.event_id, "")  # type: ignore[attr-defined]
    return deliveries
