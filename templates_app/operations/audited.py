"""What the audit trail keeps of templates, calendars and maintenance windows."""

from typing import Any

from jobs.masking import masked
from templates_app.models import Calendar, MaintenanceWindow, Template
from tenants.audit import Actor, record

# What the engine keeps for itself on the row is no act of anybody.
_SILENT = frozenset(
    {
        "id",
        "merchant",
        "created_at",
        "updated_at",
        "next_expansion_at",
        "expanded_to",
        "expansion_failures",
        "replan",
        "moved",
        "set_aside_at",
        "set_aside_reason",
        "paused_at",
        "paused_by",
        "pause_note",
        "resume_at",
    }
)


def told(row: Template | Calendar | MaintenanceWindow) -> dict[str, Any]:
    """Return what people decide about it; hidden values of a template's payload are masked."""
    fields = row._meta.concrete_fields  # noqa: SLF001 - Django names it as public API
    values = {
        field.attname: getattr(row, field.attname) for field in fields if field.name not in _SILENT
    }
    if isinstance(row, Template):
        values["payload"] = masked(row.kind, row.payload)
    return values


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `before` and `after` with only what differs."""
    names = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: before.get(name) for name in names},
        "after": {name: after[name] for name in names},
    }


def record_of(
    verb: str,
    row: Template | Calendar | MaintenanceWindow,
    by: Actor,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write into the audit trail what was done to it."""
    record(
        by=by,
        verb=verb,
        object_type=str(row._meta.verbose_name).replace(" ", "_"),  # noqa: SLF001,
        object_id=row.pk,
        merchant_id=row.merchant_id,
        before=before,
        after=after,
    )
