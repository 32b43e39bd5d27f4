"""The addresses of alerts below /api/v1."""

from rest_framework.routers import SimpleRouter

from alerts.api.channels import ChannelViewSet
from alerts.api.incidents import DeliveryViewSet, IncidentViewSet
from alerts.api.policies import PolicyViewSet
from alerts.api.rules import RuleViewSet

router = SimpleRouter(trailing_slash=False)
router.register("alert-channels", ChannelViewSet, basename="alert-channel")
router.register("alert-policies", PolicyViewSet, basename="alert-policy")
router.register("alert-rules", RuleViewSet, basename="alert-rule")
router.register("alert-deliveries", DeliveryViewSet, basename="alert-delivery")
router.register("incidents", IncidentViewSet, basename="incident")

urlpatterns = router.urls
