"""How previews look in answers: each run with its nominal and its real time."""

from typing import Any

from templates_app.api.representations import utc, warning
from templates_app.operations.dry_run import EditPreview
from templates_app.operations.preview import Preview
from templates_app.planning.plan import Run, Skip
from templates_app.recurrence.zones import Zone


def preview(found: Preview) -> dict[str, Any]:
    """Return a template's next runs and what does not run between them."""
    zone = found.rules.recurrence.zone
    return {
        "sentence": found.sentence,
        "timezone": zone.name,
        "warnings": [warning(one) for one in found.cautions],
        "runs": [_run(one, zone) for one in found.runs],
        "skipped": [_skip(one, zone) for one in found.skips],
        "ended": found.ended,
    }


def edit_preview(found: EditPreview) -> dict[str, Any]:
    """Return what an edit would change."""
    zone = found.zone
    return {
        "timezone": zone.name,
        "until": utc(found.until),
        "complete": found.complete,
        "added": [_run(one, zone) for one in found.added],
        "removed": [_run(one, zone) for one in found.removed],
        "moved": [{"from": _run(old, zone), "to": _run(new, zone)} for old, new in found.moved],
        "kept": found.kept,
    }


def _run(run: Run, zone: Zone) -> dict[str, Any]:
    return {
        "nominal": run.named.nominal.isoformat(),
        "occurrence_at": utc(run.occurrence_at),
        "run_at": utc(run.run_at),
        "run_at_local": zone.aware(run.run_at).isoformat(),
        "note": run.note,
    }


def _skip(skip: Skip, zone: Zone) -> dict[str, Any]:
    return {
        "first_at": utc(skip.first_at),
        "last_at": utc(skip.last_at),
        "first_at_local": zone.aware(skip.first_at).isoformat(),
        "last_at_local": zone.aware(skip.last_at).isoformat(),
        "occurrences": skip.count,
        "cause": skip.cause,
        "reason": skip.reason,
    }
