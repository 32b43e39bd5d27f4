"""The addresses below /api/v1 about webhooks; none ends with a slash."""

from rest_framework.routers import SimpleRouter

from alerts.webhooks.api.deliveries import WebhookDeliveryViewSet, WebhookEventViewSet
from alerts.webhooks.api.endpoints import WebhookEndpointViewSet

router = SimpleRouter(trailing_slash=False)
router.register("webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint")
router.register("webhook-deliveries", WebhookDeliveryViewSet, basename="webhook-delivery")
router.register("webhook-events", WebhookEventViewSet, basename="webhook-event")

urlpatterns = router.urls
