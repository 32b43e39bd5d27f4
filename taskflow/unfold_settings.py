"""The look of the admin site: titles, environment badge, and a sidebar that shows what one may see."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


@dataclass(frozen=True)
class Page:
    """A list of the admin as the sidebar names it."""

    title: str
    icon: str  # of Material Symbols, which unfold brings along
    model: str  # "app_label.modelname"


SIDEBAR: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Work",
        (
            Page("Jobs", "work_history", "jobs.job"),
            Page("Dead letters", "mark_email_unread", "jobs.deadletter"),
            Page("Redrives", "replay", "jobs.redrive"),
            Page("Executions", "play_circle", "jobs.execution"),
            Page("Flow rules", "traffic", "jobs.flow"),
            Page("Breakers", "cloud_off", "jobs.breaker"),
        ),
    ),
    (
        "Schedules",
        (
            Page("Templates", "event_repeat", "templates_app.template"),
            Page("Skipped occurrences", "event_busy", "templates_app.skippedoccurrence"),
            Page("Calendars", "calendar_month", "templates_app.calendar"),
            Page("Maintenance windows", "construction", "templates_app.maintenancewindow"),
        ),
    ),
    (
        "Alerts",
        (
            Page("Incidents", "notifications_active", "alerts.incident"),
            Page("Alert rules", "rule", "alerts.rule"),
            Page("Escalation policies", "escalator", "alerts.escalationpolicy"),
            Page("Channels", "campaign", "alerts.channel"),
            Page("Deliveries", "outgoing_mail", "alerts.delivery"),
        ),
    ),
    (
        "Webhooks",
        (
            Page("Endpoints", "webhook", "alerts.webhookendpoint"),
            Page("Deliveries", "outgoing_mail", "alerts.webhookdelivery"),
            Page("Events", "campaign", "alerts.webhookevent"),
        ),
    ),
    (
        "Merchants",
        (
            Page("Merchants", "storefront", "tenants.merchant"),
            Page("People", "person", "tenants.user"),
            Page("Memberships", "group", "tenants.membership"),
            Page("API keys", "key", "apikeys.apikey"),
            Page("Audit trail", "policy", "tenants.auditentry"),
        ),
    ),
    (
        "Operations",
        (
            Page("Workers", "memory", "jobs.worker"),
            Page("Idempotency records", "fingerprint", "jobs.idempotencyrecord"),
            Page("Periodic tasks", "schedule", "django_celery_beat.periodictask"),
            Page("Upkeep results", "fact_check", "django_celery_results.taskresult"),
            Page("Log of changes", "history", "admin.logentry"),
        ),
    ),
)


def environment_badge(request: HttpRequest) -> list[str]:
    """Return the words and the colour that say which installation this is."""
    return [settings.ENVIRONMENT.capitalize(), "danger" if settings.PRODUCTION else "info"]


def favicon(request: HttpRequest) -> str:
    """Return the address of the picture in the browser's tab."""
    return static("taskflow/favicon.svg")


def stylesheet(request: HttpRequest) -> str:
    """Return the address of our own few rules."""
    return static("taskflow/admin.css")


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links that this person may follow; groups without any are left out."""
    groups: list[dict[str, Any]] = [
        {"title": "", "items": [_link("Overview", "dashboard", reverse("admin:index"))]}
    ]
    for title, pages in SIDEBAR:
        items = [
            _link(
                page.title, page.icon, reverse(f"admin:{page.model.replace('.', '_')}_changelist")
            )
            for page in pages
            if _may_see(request, page.model)
        ]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def _link(title: str, icon: str, address: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": address}


def _may_see(request: HttpRequest, model: str) -> bool:
    # Imported here: this module is read with the settings, before there are apps.
    from django.apps import apps
    from django.contrib import admin

    found = apps.get_model(model)
    if not admin.site.is_registered(found):
        return False
    page = admin.site.get_model_admin(found)
    return page.has_module_permission(request) and page.has_view_permission(request)


# `THEME` is left unset: everybody switches between light, dark and the system's choice.
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "TaskFlow",
    "SITE_HEADER": "TaskFlow",
    "SITE_SYMBOL": "schedule",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": favicon}],
    "STYLES": [stylesheet],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "taskflow.unfold_settings.environment_badge",
    "DASHBOARD_CALLBACK": "taskflow.dashboard.overview",
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": sidebar,
    },
}
