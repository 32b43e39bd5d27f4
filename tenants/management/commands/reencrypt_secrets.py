"""manage.py reencrypt_secrets: the second step of changing TASKFLOW_ENCRYPTION_KEYS."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from tenants.encryption import SecretUnreadable, reseal


class Command(BaseCommand):
    help = (
        "Seal every secret with the first of TASKFLOW_ENCRYPTION_KEYS."
        " Afterwards the other keys can be taken away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = 0, []
        for model in apps.get_models():
            # A model that keeps secrets says in which columns, and whose they are by `sealing_id`.
            for column in getattr(model, "SEALED_COLUMNS", ()):
                rows: Any = model._default_manager  # noqa: SLF001
                for row in rows.order_by("pk").iterator(chunk_size=500):
                    try:
                        done += self._reseal(rows, row, column)
                    except SecretUnreadable:
                        unreadable.append(_name(row))
        self.stdout.write(f"{done} secrets are sealed with the first key.")
        if unreadable:
            raise CommandError(
                f"No configured key opens the secrets of: {', '.join(unreadable)}."
                " Add the key that sealed them, or rotate these secrets."
            )

    def _reseal(self, rows: Any, row: Any, column: str) -> int:
        old = getattr(row, column)
        if not old:
            return 0
        # Guarded: a secret rotated in this moment is newer, and sealed with the first key already.
        rows.filter(pk=row.pk, **{column: old}).update(
            **{column: reseal(old, merchant_id=row.sealing_id)}
        )
        return 1


def _name(row: Any) -> str:
    return str(getattr(row, "slug", "")) or f"{row._meta.verbose_name} {row.pk}"  # noqa: SLF001
