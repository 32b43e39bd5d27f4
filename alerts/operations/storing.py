"""What creating, editing and deleting have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models, transaction

from alerts.operations.refusals import AlertGone, TooManyAlerts
from tenants.models import Merchant

M = TypeVar("M", bound=models.Model)


def owned_by(model: type[M], merchant: Merchant | None) -> "models.QuerySet[M]":
    """Return the rows of a merchant, or the platform's when there is none."""
    rows: models.QuerySet[M] = model._default_manager.filter(merchant=merchant)  # noqa: SLF001
    return rows


def admit(model: type[M], merchant: Merchant | None, *, most: int, what: str) -> None:
    """Raise TooManyAlerts when the owner has as many as it may have."""
    if merchant is not None and owned_by(model, merchant).count() >= most:
        raise TooManyAlerts(f"You can have {most} {what}; delete some that nobody needs.")


def changed(row: M, change: Callable[[M], None]) -> M:
    """Change a row under its lock. Raises AlertGone, and what `change` raises."""
    with transaction.atomic():
        rows: Any = type(row)._default_manager  # noqa: SLF001
        current: M | None = rows.select_for_update().filter(pk=row.pk).first()
        if current is None:
            raise AlertGone("It was deleted meanwhile.")
        change(current)
        current.save(force_update=True)
    return current
