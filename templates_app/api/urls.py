"""The addresses below /api/v1 about templates; none ends with a slash."""

from rest_framework.routers import SimpleRouter

from templates_app.api.calendars import CalendarViewSet
from templates_app.api.templates import TemplateViewSet
from templates_app.api.windows import WindowViewSet

router = SimpleRouter(trailing_slash=False)
router.register("templates", TemplateViewSet, basename="template")
router.register("calendars", CalendarViewSet, basename="calendar")
router.register("maintenance-windows", WindowViewSet, basename="maintenance-window")

urlpatterns = router.urls
