"""How templates, calendars and windows look in answers. Plain functions: they run per row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jobs.api.representations import moment
from jobs.backoff import Backoff
from jobs.masking import masked
from jobs.models import Job
from templates_app.calendars.cautions import cautions_of
from templates_app.calendars.days import CoveredDay
from templates_app.calendars.definition import clock
from templates_app.calendars.parse import parse_definition
from templates_app.models import Calendar, MaintenanceWindow, SkippedOccurrence, Template
from templates_app.operations.draft import TEMPLATE_FIELDS, document_of
from templates_app.operations.running import Backfilled
from templates_app.operations.unreadable import fault_of_window
from templates_app.recurrence.describe import sentence
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.parse import parse


def template_summary(template: Template, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return the public fields of a template; `names` are those of calendars."""
    document = document_of(template)
    return {
        "id": str(template.pk),
        **{name: document[name] for name in TEMPLATE_FIELDS},
        "payload": masked(template.kind, template.payload),
        "backoff": {**asdict(Backoff()), **(template.backoff or {})},
        "state": template.state,
        "sentence": sentence(
            template.recurrence,
            [names[one] for one in template.avoid if one in names],
            [names[one] for one in template.keep_to if one in names],
            template.on_closed,
        ),
        "warnings": _warnings_of(template),
        "paused_at": moment(template.paused_at),
        "paused_by": template.paused_by,
        "pause_note": template.pause_note,
        "resume_at": moment(template.resume_at),
        "set_aside_at": moment(template.set_aside_at),
        "set_aside_reason": template.set_aside_reason,
        "created_at": moment(template.created_at),
        "updated_at": moment(template.updated_at),
    }


def template_detail(
    template: Template,
    names: Mapping[UUID, str],
    runs: Iterable[Job],
    cautions: Iterable[Caution] = (),
) -> dict[str, Any]:
    """Return a template with the jobs that wait to run next; `cautions` are of what surrounds it."""
    told = template_summary(template, names)
    told["warnings"] += [warning(one) for one in cautions]
    return {**told, "next_runs": [_next_run(job) for job in runs]}


def calendar_detail(
    calendar: Calendar, cautions: Sequence[Caution] | None = None
) -> dict[str, Any]:
    """Return a calendar; `cautions` are those of an import."""
    return {
        "id": str(calendar.pk),
        "owner": _owner(calendar),
        "name": calendar.name,
        "description": calendar.description,
        "definition": calendar.definition,
        "includes": [str(one) for one in calendar.includes],
        "warnings": [warning(one) for one in (*_cautions(calendar), *(cautions or ()))],
        "created_at": moment(calendar.created_at),
        "updated_at": moment(calendar.updated_at),
    }


def window_detail(window: MaintenanceWindow) -> dict[str, Any]:
    """Return a maintenance window; of one that planning leaves out nobody knows when it opens."""
    fault = fault_of_window(window)
    opens = None if window.recurrence is None or fault else sentence(window.recurrence)
    return {
        "id": str(window.pk),
        "owner": _owner(window),
        "name": window.name,
        "mode": window.mode,
        "template_id": None if window.template_id is None else str(window.template_id),
        "starts_at": moment(window.starts_at),
        "ends_at": moment(window.ends_at),
        "recurrence": window.recurrence,
        "duration": window.duration,
        "sentence": opens,
        "release_over": window.release_over,
        "warnings": [] if fault is None else [warning(_unreadable(fault))],
        "created_at": moment(window.created_at),
        "updated_at": moment(window.updated_at),
    }


def skipped_detail(row: SkippedOccurrence) -> dict[str, Any]:
    """Return occurrences in a row that did not run."""
    return {
        "id": str(row.pk),
        "template_id": str(row.template_id),
        "cause": row.cause,
        "reason": row.reason,
        "first_at": moment(row.first_at),
        "last_at": moment(row.last_at),
        "occurrences": row.occurrences,
        "created_at": moment(row.created_at),
        "resolved_at": moment(row.resolved_at),
        "resolved_by": row.resolved_by,
        "resolution": row.resolution,
    }


def backfilled(result: Backfilled) -> dict[str, Any]:
    """Return what a backfill came to."""
    return {**asdict(result), "last_run_at": moment(result.last_run_at)}


def covered_day(day: CoveredDay) -> dict[str, Any]:
    """Return one day of a calendar."""
    return {
        "date": day.date.isoformat(),
        "whole_day": day.whole_day,
        "times": [[clock(start), clock(end)] for start, end in day.minutes],
        "reasons": list(day.reasons),
    }


def warning(caution: Caution) -> dict[str, Any]:
    """Return something that is allowed and probably not meant."""
    return asdict(caution)


def utc(naive: datetime) -> str | None:
    """Return a naive UTC moment as answers tell times."""
    return moment(naive.replace(tzinfo=UTC))


def _warnings_of(template: Template) -> list[dict[str, Any]]:
    try:
        recurrence = parse(template.recurrence, seed=str(template.pk))
    except RecurrenceError as error:
        # Stored by another release, which knew a zone or allowed a rule that this one does not.
        found = Caution(code=error.code, field=error.field, message=error.message, hint=error.hint)
        return [warning(found)]
    return [warning(one) for one in recurrence.cautions]


def _cautions(calendar: Calendar) -> tuple[Caution, ...]:
    if not calendar.definition:
        return ()
    try:
        return cautions_of(parse_definition(calendar.definition))
    except RecurrenceError as error:
        # Stored by another release; see above.
        return (
            Caution(code=error.code, field=error.field, message=error.message, hint=error.hint),
        )


def _unreadable(fault: RecurrenceError) -> Caution:
    return Caution(
        code="bad_window",
        field="recurrence",
        message=f"The window cannot be read, and planning leaves it out: {fault.message}",
        hint=fault.hint,
    )


def _next_run(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.pk),
        "status": str(job.status),
        "occurrence_at": moment(job.occurrence_at),
        "run_at": moment(job.scheduled_at),
        "note": job.occurrence_note,
    }


def _owner(row: Calendar | MaintenanceWindow) -> str:
    return "platform" if row.merchant_id is None else "merchant"
