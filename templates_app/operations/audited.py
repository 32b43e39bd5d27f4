"""What the audit trail keeps of templates."""

from typing import Any

from jobs.masking import masked
from templates_app.models import Template
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


def told(template: Template) -> dict[str, Any]:
    """Return what people decide about a template; hidden values of its payload are masked."""
    fields = template._meta.concrete_fields  # noqa: SLF001 - Django names it as public API
    values = {
        field.attname: getattr(template, field.attname)
        for field in fields
        if field.name not in _SILENT
    }
    return {**values, "payload": masked(template.kind, template.payload)}


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `before` and `after` with only what differs."""
    names = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: before.get(name) for name in names},
        "after": {name: after[name] for name in names},
    }


def record_of(
    verb: str,
    template: Template,
    by: Actor,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write into the audit trail what was done to a template."""
    record(
        by=by,
        verb=verb,
        object_type="template",
        object_id=template.pk,
        merchant_id=template.merchant_id,
        before=before,
        after=after,
    )
