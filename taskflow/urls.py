"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from taskflow import health, metrics
from taskflow.api_document import ApiDocumentView
from taskflow.error_pages import nothing_here

admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("jobs.api.urls")),
    path("api/v1/", include("templates_app.api.urls")),
    path("api/v1/", include("alerts.webhooks.api.urls")),
    path("api/v1/", include("alerts.api.urls")),
    path("api/schema", ApiDocumentView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.page),
    re_path(r"^(?:api|health|metrics)(?:/|$)", nothing_here),
]

handler400 = "taskflow.error_pages.bad_request"
handler403 = "taskflow.error_pages.permission_denied"
handler404 = "taskflow.error_pages.not_found"
handler500 = "taskflow.error_pages.server_error"
