"""What a template's page tells beside the form: the schedule in words, runs to come and past ones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from jobs.admin import display as show
from jobs.admin.refusals import refusal_in_words
from jobs.masking import masked
from jobs.models import AnyJob
from jobs.operations.fields import InvalidFields
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations.preview import Preview, preview_template
from templates_app.operations.templates import TemplateGone
from templates_app.planning.plan import Run, Skip
from templates_app.recurrence.errors import RecurrenceError

SHOWN_RUNS = 20
SHOWN_JOBS = 10
SHOWN_SKIPPED = 10
ORIGIN_WORDS = {
    "template": "by its schedule",
    "backfill": "backfilled",
    "run_now": "run by hand",
    "person": "decided by a person",
}


@dataclass(frozen=True, kw_only=True)
class Coming:
    """One line of what is to come; all text is plain and still to be escaped."""

    local: str
    utc: str
    runs: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """One of the template's newest jobs."""

    id: Any
    status: str
    colour: str
    occurrence: str
    due: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the page tells; `fault` is why nothing can be said about what is to come."""

    sentence: str = ""
    fault: str = ""
    warnings: tuple[str, ...] = ()
    coming: tuple[Coming, ...] = ()
    zone: str = ""
    jobs: tuple[PastRun, ...] = ()
    skipped: tuple[SkippedOccurrence, ...] = ()
    blueprint: str = ""
    changes: tuple[Model, ...] = ()


def overview_of(template: Template, *, now: datetime, changes: list[Any]) -> Overview:
    """Return what the page of a template tells; a constant number of statements."""
    told: dict[str, Any] = {
        "jobs": _newest_jobs(template),
        "skipped": tuple(
            SkippedOccurrence.objects.filter(template=template).order_by("-id")[:SHOWN_SKIPPED]
        ),
        "blueprint": show.pretty(_blueprint(template)),
        "changes": tuple(changes),
    }
    start = max(now, template.resume_at) if template.resume_at else now
    try:
        preview = preview_template(template, count=SHOWN_RUNS, start=start)
    except (InvalidFields, RecurrenceError, TemplateGone) as error:
        return Overview(fault=refusal_in_words(error), **told)
    return Overview(
        sentence=preview.sentence,
        warnings=tuple(" ".join(filter(None, (c.message, c.hint))) for c in preview.cautions),
        coming=_coming(preview),
        zone=preview.rules.recurrence.zone.name,
        **told,
    )


def _coming(preview: Preview) -> tuple[Coming, ...]:
    """Return runs and skips in one row of time, up to the last run that is shown."""
    last = preview.runs[-1].run_at if preview.runs else None
    skips = [one for one in preview.skips if last is None or one.first_at <= last][:SHOWN_RUNS]
    entries = [(run.run_at, _run(preview, run)) for run in preview.runs]
    entries += [(skip.first_at, _skip(preview, skip)) for skip in skips]
    return tuple(line for _, line in sorted(entries, key=lambda entry: entry[0]))


def _run(preview: Preview, run: Run) -> Coming:
    return Coming(
        local=_local(preview, run.run_at), utc=f"{run.run_at:%F %T}", runs=True, note=run.note
    )


def _skip(preview: Preview, skip: Skip) -> Coming:
    several = f"{skip.count:,} occurrences up to {_local(preview, skip.last_at)}. "
    return Coming(
        local=_local(preview, skip.first_at),
        utc=f"{skip.first_at:%F %T}",
        runs=False,
        note=f"{several if skip.count > 1 else ''}{skip.reason}",
    )


def _local(preview: Preview, instant: datetime) -> str:
    return f"{preview.rules.recurrence.zone.aware(instant):%a %F %T %Z}"


def _newest_jobs(template: Template) -> tuple[PastRun, ...]:
    newest = AnyJob.objects.filter(template_id=template.pk).order_by("-id")
    columns = ("id", "status", "occurrence_at", "scheduled_at", "skip_reason", "origin")
    return tuple(
        PastRun(
            id=row["id"],
            status=row["status"],
            colour=show.STATUS_COLOURS[row["status"]],
            occurrence=show.moment(row["occurrence_at"]),
            due=show.moment(row["scheduled_at"]),
            note=row["skip_reason"] or ORIGIN_WORDS.get(row["origin"], ""),
        )
        for row in newest.values(*columns)[:SHOWN_JOBS]
    )


def _blueprint(template: Template) -> dict[str, Any]:
    return {
        "kind": template.kind,
        "payload": dict(masked(template.kind, template.payload)),
        "backoff": template.backoff,
        "tags": template.tags,
        "metadata": template.metadata,
    }
