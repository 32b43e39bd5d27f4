"""The addresses below /api/v1; none ends with a slash."""

from rest_framework.routers import SimpleRouter

from jobs.api.audit import AuditViewSet
from jobs.api.breakers import BreakerViewSet
from jobs.api.dead_letters import DeadLetterViewSet
from jobs.api.executions import ExecutionViewSet
from jobs.api.flows import FlowViewSet
from jobs.api.jobs import JobViewSet
from jobs.api.redrives import RedriveViewSet

router = SimpleRouter(trailing_slash=False)
router.register("jobs", JobViewSet, basename="job")
router.register("executions", ExecutionViewSet, basename="execution")
router.register("dead-letters", DeadLetterViewSet, basename="dead-letter")
router.register("breakers", BreakerViewSet, basename="breaker")
router.register("flows", FlowViewSet, basename="flow")

router.register("redrives", RedriveViewSet, basename="redrive")
router.register("audit", AuditViewSet, basename="audit")

urlpatterns = router.urls
