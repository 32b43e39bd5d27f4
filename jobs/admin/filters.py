"""Filters of the lists over history: each is served by an index or bounded by the list's time limit."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter

from jobs.handlers.registry import KINDS, kind_names
from jobs.models import Resolution, WorkerState
from jobs.outcomes import Result
from jobs.states import JobStatus
from tenants.platform import PLATFORM_ID

_UUID_VERSION_7 = 0x7 << 76 | 0x2 << 62


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 (RFC 9562, section 5.7) that can be drawn at `moment`."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | _UUID_VERSION_7)


class ChoiceFilter(DropdownFilter):
    """One column, a fixed list of values; anything else in the address is no filter."""

    options: Iterable[tuple[str, str]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.options)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        value = self.value()
        if not value:
            return queryset
        if value not in {option for option, _ in self.lookup_choices}:
            raise IncorrectLookupParameters(f"{self.title}: no such value")
        return queryset.filter(**{self.parameter_name: value})


class StatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"
    options = [(status.value, status.value.capitalize()) for status in JobStatus]


class KindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = sorted(KINDS) if request.user.is_superuser else kind_names()
        return [(name, name) for name in names]


class WhoseFilter(DropdownFilter):
    """Operators see what the platform does for itself (messages, deliveries, canaries) among the jobs, or leave it
    out; nobody else has such jobs."""

    title = "whose work"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if not request.user.is_superuser:
            return []
        return [("merchants", "Merchants'"), ("platform", "TaskFlow's own")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        match self.value():
            case None | "":
                return queryset
            case "merchants":
                return queryset.exclude(merchant_id=PLATFORM_ID)
            case "platform":
                return queryset.filter(merchant_id=PLATFORM_ID)
        raise IncorrectLookupParameters(f"{self.title}: no such value")


class OutcomeFilter(ChoiceFilter):
    title = "outcome"
    parameter_name = "outcome"
    options = [(result.value, result.value.replace("_", " ").capitalize()) for result in Result]


class WorkerStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = [(state.value, str(state.label)) for state in WorkerState]


class ResolutionFilter(ChoiceFilter):
    """Open ones first: they are the work to do."""

    title = "resolution"
    parameter_name = "resolution"
    options = [("open", "Open"), *((state.value, str(state.label)) for state in Resolution)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if self.value() == "open":
            return queryset.filter(resolution="")
        return super().queryset(request, queryset)


class CreatedFilter(RangeDateTimeFilter):
    """Rows made between two moments in UTC, found by their ids, which begin with the time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time (UTC)"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        try:
            since, until = self._moment("from", time.min), self._moment("to", time.max)
            if since:
                queryset = queryset.filter(id__gte=first_id_at(since))
            if until:
                queryset = queryset.filter(id__lt=first_id_at(until + timedelta(seconds=1)))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters("A date is written as 2026-01-31.") from error
        return queryset

    def _moment(self, end: str, default: time) -> datetime | None:
        day = self.used_parameters.get(f"{self.parameter_name}_{end}_0")
        hour = self.used_parameters.get(f"{self.parameter_name}_{end}_1")
        if not day:
            return None
        clock = time.fromisoformat(hour) if hour else default.replace(microsecond=0)
        return datetime.combine(date.fromisoformat(day), clock.replace(tzinfo=UTC))
