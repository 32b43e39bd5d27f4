"""What lists of templates, calendars and windows can be narrowed by."""

from uuid import UUID

import django_filters as f  # type: ignore[import-untyped]
from django.db.models import Q, QuerySet

from jobs.api.filters import CommaSeparated
from templates_app.models import Calendar, MaintenanceWindow, Template

PAUSED = Q(active=True, set_aside_at=None, paused_at__isnull=False)
GOING = Q(active=True, set_aside_at=None, paused_at=None)
# The same words as Template.state.
STATES: dict[str, Q] = {
    "active": GOING & Q(next_expansion_at__isnull=False),
    "paused": PAUSED,
    "inactive": Q(active=False),
    "set_aside": Q(active=True, set_aside_at__isnull=False),
    "ended": GOING & Q(next_expansion_at=None),
}


class TemplateFilters(f.FilterSet):  # type: ignore[misc]
    state = f.MultipleChoiceFilter(
        choices=[(state, state) for state in STATES], widget=CommaSeparated, method="in_state"
    )
    active = f.ChoiceFilter(choices=[("true", "true"), ("false", "false")], method="with_active")
    kind = f.CharFilter(max_length=32)
    tag = f.CharFilter(method="with_tag", max_length=64)
    calendar = f.UUIDFilter(
        method="with_calendar", help_text="Templates that avoid this calendar or keep to it."
    )
    q = f.CharFilter(
        method="with_text", max_length=100, help_text="A whole id, or a part of the name."
    )

    class Meta:
        model = Template
        fields: list[str] = []

    def in_state(self, rows: QuerySet[Template], name: str, value: list[str]) -> QuerySet[Template]:
        """Return templates in one of the states."""
        wanted = Q()
        for state in value:
            wanted |= STATES[state]
        return rows.filter(wanted)

    def with_active(self, rows: QuerySet[Template], name: str, value: str) -> QuerySet[Template]:
        """Return templates that are switched on, or off."""
        return rows.filter(active=value == "true")

    def with_tag(self, rows: QuerySet[Template], name: str, value: str) -> QuerySet[Template]:
        """Return templates that carry this tag, spelt exactly."""
        return rows.filter(tags__contains=[value])

    def with_calendar(self, rows: QuerySet[Template], name: str, value: UUID) -> QuerySet[Template]:
        """Return templates that use this calendar themselves."""
        avoiding = Q(avoid__contains=[value]) & ~Q(avoid=[])
        return rows.filter(avoiding | (Q(keep_to__contains=[value]) & ~Q(keep_to=[])))

    def with_text(self, rows: QuerySet[Template], name: str, value: str) -> QuerySet[Template]:
        """Return the template with this id, or templates whose name contains the text."""
        try:
            return rows.filter(pk=UUID(value))
        except ValueError:
            return rows.filter(name__icontains=value)


class CalendarFilters(f.FilterSet):  # type: ignore[misc]
    owner = f.ChoiceFilter(
        choices=[("merchant", "merchant"), ("platform", "platform")], method="of_owner"
    )
    q = f.CharFilter(field_name="name", lookup_expr="icontains", max_length=100)

    class Meta:
        model = Calendar
        fields: list[str] = []

    def of_owner(self, rows: QuerySet[Calendar], name: str, value: str) -> QuerySet[Calendar]:
        """Return one's own, or the platform's."""
        return rows.filter(merchant__isnull=value == "platform")


class WindowFilters(f.FilterSet):  # type: ignore[misc]
    owner = f.ChoiceFilter(
        choices=[("merchant", "merchant"), ("platform", "platform")], method="of_owner"
    )
    template = f.UUIDFilter(field_name="template_id")
    mode = f.ChoiceFilter(choices=MaintenanceWindow.Mode.choices)

    class Meta:
        model = MaintenanceWindow
        fields: list[str] = []

    def of_owner(
        self, rows: QuerySet[MaintenanceWindow], name: str, value: str
    ) -> QuerySet[MaintenanceWindow]:
        """Return one's own, or the platform's."""
        return rows.filter(merchant__isnull=value == "platform")
