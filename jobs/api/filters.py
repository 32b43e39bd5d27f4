"""What lists can be narrowed by. Every value is checked; names are fixed, never the client's."""

from typing import Any
from uuid import UUID

import django_filters as f  # type: ignore[import-untyped]
from django import forms
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework.request import Request
from rest_framework.views import APIView

from jobs.api.schemas import OUTCOMES, RESOLUTIONS, STATUSES
from jobs.handlers.registry import LANES
from jobs.models import DeadLetter, Execution, Job, UniqueClaim
from jobs.operations.fields import Fields
from jobs.operations.limits import MAX_CONCURRENCY_KEY, MAX_UNIQUE_KEY
from jobs.states import Gate, JobStatus


class InvalidParameters(ValueError):
    """Query parameters with unusable values: (parameter, sentence) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in problems))
        self.problems = problems


class CommaSeparated(forms.SelectMultiple):
    """Takes `?status=a&status=b` and `?status=a,b` alike."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Return the values given."""
        return [part for text in data.getlist(name) for part in text.split(",") if part]


class MomentField(forms.CharField):
    """An RFC 3339 time with a UTC offset: the rule that bodies follow as well."""

    def to_python(self, value: Any) -> Any:
        """Return the moment in UTC."""
        if not value:
            return None
        # A plus sign that was not percent-encoded arrives as a blank.
        fields = Fields({"time": str(value)[:40].replace(" ", "+")}, ("time",))
        moment = fields.moment("time")
        if fields.problems:
            sentence = fields.problems[0].detail.removeprefix('"time" ')
            raise forms.ValidationError(sentence[:1].upper() + sentence[1:])
        return moment

    def validate(self, value: Any) -> None:
        """Accept what to_python made."""

    def run_validators(self, value: Any) -> None:
        """Accept what to_python made; the text's validators do not fit a moment."""


class MomentFilter(f.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Applies the view's filter set. Raises InvalidParameters."""

    def filter_queryset(self, request: Request, queryset: Any, view: APIView) -> Any:
        """Return the rows that the query asks for."""
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            errors = filterset.errors.items()
            raise InvalidParameters([(name, str(text)) for name, texts in errors for text in texts])
        return filterset.qs


class JobFilters(f.FilterSet):  # type: ignore[misc]
    status = f.MultipleChoiceFilter(
        choices=[(status, status) for status in STATUSES], widget=CommaSeparated
    )
    kind = f.CharFilter(max_length=32)
    handler = f.CharFilter(max_length=200)
    lane = f.ChoiceFilter(choices=[(lane, lane) for lane in LANES])
    tag = f.CharFilter(field_name="tags", lookup_expr="contains", method="with_tag", max_length=64)
    template = f.UUIDFilter(field_name="template_id")
    priority = f.NumberFilter(
        field_name="priority", min_value=0, max_value=10, decimal_places=0, max_digits=2
    )
    unique_key = f.CharFilter(
        method="with_unique_key",
        max_length=MAX_UNIQUE_KEY,
        help_text="The job that holds this unique key, or held it last.",
    )
    concurrency_key = f.CharFilter(
        method="with_concurrency_key",
        max_length=MAX_CONCURRENCY_KEY,
        help_text="Unfinished jobs with this concurrency key: on their way, or due later or in line.",
    )
    created_after = MomentFilter("created_at", "gte")
    created_before = MomentFilter("created_at", "lt")
    run_after = MomentFilter("run_at", "gte")
    run_before = MomentFilter("run_at", "lt")
    scheduled_after = MomentFilter("scheduled_at", "gte")
    scheduled_before = MomentFilter("scheduled_at", "lt")
    finished_after = MomentFilter("finalized_at", "gte")
    finished_before = MomentFilter("finalized_at", "lt")
    q = f.CharFilter(
        method="with_text",
        max_length=100,
        help_text="A whole id, or a part of the name or of a tag.",
    )

    class Meta:
        model = Job
        fields: list[str] = []

    def with_tag(self, rows: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        """Return jobs that carry this tag, spelt exactly."""
        return rows.filter(tags__contains=[value])

    def with_unique_key(self, rows: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        """Return the job that took this key last. A job's own column has no index."""
        claims = UniqueClaim.objects.of(self.request.user.merchant).filter(key=value)
        return rows.filter(pk__in=claims.values("job_id"))

    def with_concurrency_key(self, rows: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        """Return the jobs that have a place of the key or wait for one, by an index each."""
        line = Job.objects.of(self.request.user.merchant).filter(concurrency_key=value)
        holders = line.filter(holds_place=True, finalized_at__isnull=True)
        waiting = line.filter(gate=Gate.KEYED, status=JobStatus.SCHEDULED)
        return rows.filter(Q(pk__in=holders.values("pk")) | Q(pk__in=waiting.values("pk")))

    def with_text(self, rows: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        """Return the job with this id, or jobs whose name or tags contain the text."""
        try:
            return rows.filter(pk=UUID(value))
        except ValueError:
            pass
        joined = Func(
            F("tags"), Value("\x1f"), function="array_to_string", output_field=TextField()
        )
        return rows.alias(joined_tags=joined).filter(
            Q(name__icontains=value) | Q(joined_tags__icontains=value)
        )


class ExecutionFilters(f.FilterSet):  # type: ignore[misc]
    job = f.UUIDFilter(field_name="job_id")
    outcome = f.MultipleChoiceFilter(
        choices=[(outcome, outcome) for outcome in OUTCOMES if outcome != "running"],
        widget=CommaSeparated,
    )
    error_code = f.CharFilter(max_length=100)
    http_status = f.NumberFilter(min_value=100, max_value=999, decimal_places=0, max_digits=3)
    started_after = MomentFilter("started_at", "gte")
    started_before = MomentFilter("started_at", "lt")
    finished_after = MomentFilter("finished_at", "gte")
    finished_before = MomentFilter("finished_at", "lt")

    class Meta:
        model = Execution
        fields: list[str] = []


class DeadLetterFilters(f.FilterSet):  # type: ignore[misc]
    resolution = f.MultipleChoiceFilter(
        choices=[(resolution, resolution) for resolution in RESOLUTIONS],
        widget=CommaSeparated,
        method="with_resolution",
        help_text="Only open ones unless given.",
    )
    job = f.UUIDFilter(field_name="job_id")
    kind = f.CharFilter(max_length=32)
    handler = f.CharFilter(max_length=200)
    fingerprint = f.CharFilter(max_length=16)
    error_code = f.CharFilter(max_length=100)
    created_after = MomentFilter("created_at", "gte")
    created_before = MomentFilter("created_at", "lt")

    class Meta:
        model = DeadLetter
        fields: list[str] = []

    def filter_queryset(self, queryset: Any) -> Any:
        """Return the letters asked for; the open ones unless a resolution is named."""
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["resolution"] else rows.open()

    def with_resolution(
        self, rows: QuerySet[DeadLetter], name: str, value: list[str]
    ) -> QuerySet[DeadLetter]:
        """Return letters with one of the resolutions."""
        wanted = ["" if resolution == "open" else resolution for resolution in value]
        return rows.filter(resolution__in=wanted)
