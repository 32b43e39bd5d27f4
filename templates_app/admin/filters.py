"""Filters of the lists of templates and of what they skipped."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from jobs.admin.filters import ChoiceFilter
from templates_app.models import Cause

_GOING = Q(active=True, set_aside_at=None, paused_at=None)
STATES: dict[str, tuple[str, Q]] = {
    "active": ("Active", _GOING & Q(next_expansion_at__isnull=False)),
    "paused": ("Paused", Q(active=True, set_aside_at=None, paused_at__isnull=False)),
    "inactive": ("Inactive", Q(active=False)),
    "set_aside": ("Set aside", Q(active=True, set_aside_at__isnull=False)),
    "ended": ("Ended", _GOING & Q(next_expansion_at=None)),
}


class StateFilter(ChoiceFilter):
    """By `Template.state`, in the words of the list."""

    title = "state"
    parameter_name = "state"
    options = [(name, label) for name, (label, _) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        value = self.value()
        if not value:
            return queryset
        if value not in STATES:
            raise IncorrectLookupParameters("state: no such value")
        return queryset.filter(STATES[value][1])


class CauseFilter(ChoiceFilter):
    title = "cause"
    parameter_name = "cause"
    options = [(cause.value, str(cause.label).capitalize()) for cause in Cause]


class ReviewFilter(ChoiceFilter):
    """What was missed and waits for somebody's decision."""

    title = "review"
    parameter_name = "review"
    options = [("open", "To be decided"), ("done", "Decided")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        value: Any = self.value()
        if value == "open":
            return queryset.filter(cause=Cause.MISSED, resolved_at=None)
        return queryset.filter(resolved_at__isnull=False) if value == "done" else queryset
