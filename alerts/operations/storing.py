"""What creating, editing and deleting have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models, transaction

from alerts.models import Channel, EscalationPolicy, Rule
from alerts.operations.refusals import AlertGone, TooManyAlerts
from alerts.operations.trail import note, told
from tenants.audit import Actor
from tenants.models import Merchant

M = TypeVar("M", bound=models.Model)
R = TypeVar("R", Channel, EscalationPolicy, Rule)


def owned_by(model: type[M], merchant: Merchant | None) -> "models.QuerySet[M]":
    """Return the rows of a merchant, or the platform's when there is none."""
    rows: models.QuerySet[M] = model._default_manager.filter(merchant=merchant)  # noqa: SLF001
    return rows


def admit(model: type[M], merchant: Merchant | None, *, most: int, what: str) -> None:
    """Raise TooManyAlerts when the owner has as many as it may have."""
    if merchant is not None and owned_by(model, merchant).count() >= most:
        raise TooManyAlerts(f"You can have {most} {what}; delete some that nobody needs.")


def stored(row: R, *, by: Actor) -> R:
    """Store a new row, and tell the audit trail."""
    with transaction.atomic():
        row.save(force_insert=True)
        note("create", row, by, after=told(row))
    return row


def deleted(row: R, *, by: Actor) -> None:
    """Delete a row, and tell the audit trail; nothing when it is gone."""
    with transaction.atomic():
        rows: Any = type(row)._default_manager  # noqa: SLF001
        if rows.filter(pk=row.pk).delete()[0]:
            note("delete", row, by, before=told(row))


def changed(row: R, change: Callable[[R], None], *, by: Actor) -> R:
    """Change a row under its lock, and tell the audit trail. Raises AlertGone, and what `change` raises."""
    with transaction.atomic():
        rows: Any = type(row)._default_manager  # noqa: SLF001
        # Not against those who only name the row: a tick that opens an incident of a rule.
        current: R | None = rows.select_for_update(no_key=True).filter(pk=row.pk).first()
        if current is None:
            raise AlertGone("It was deleted meanwhile.")
        before = told(current)
        change(current)
        current.save(force_update=True)
        note("edit", current, by, before=before, after=told(current))
    return current
