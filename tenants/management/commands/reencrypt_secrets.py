"""manage.py reencrypt_secrets: the second step of changing TASKFLOW_ENCRYPTION_KEYS."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from tenants.encryption import SecretUnreadable, reseal
from tenants.models import Merchant
from tenants.scoping import MerchantOwned


class Command(BaseCommand):
    help = (
        "Seal every merchant's secret with the first of TASKFLOW_ENCRYPTION_KEYS."
        " Afterwards the other keys can be taken away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = 0, []
        for merchant in Merchant.objects.order_by("pk").iterator(chunk_size=500):
            try:
                done += self._reseal(merchant)
            except SecretUnreadable:
                unreadable.append(merchant.slug)
        for model, column in _sealed_columns():
            moved, lost = self._reseal_column(model, column)
            done += moved
            unreadable += lost
        self.stdout.write(f"{done} secrets are sealed with the first key.")
        if unreadable:
            raise CommandError(
                f"No configured key opens the secrets of: {', '.join(unreadable)}."
                " Add the key that sealed them, or rotate these secrets."
            )

    def _reseal(self, merchant: Merchant) -> int:
        old = merchant.sealed_signing_secret
        # Guarded: a secret rotated in this moment is newer, and sealed with the first key already.
        Merchant.objects.filter(pk=merchant.pk, sealed_signing_secret=old).update(
            sealed_signing_secret=reseal(old, merchant_id=merchant.pk)
        )
        return 1

    def _reseal_column(self, model: type[Any], column: str) -> tuple[int, list[str]]:
        done, unreadable = 0, []
        rows = model.objects.exclude(**{column: ""}).order_by("pk")
        found = rows.values_list("pk", "merchant_id", column).iterator(chunk_size=500)
        for pk, merchant_id, old in found:
            try:
                self._replace(model, column, pk, merchant_id, old)
            except SecretUnreadable:
                unreadable.append(f"{model._meta.verbose_name} {pk}")  # noqa: SLF001
            else:
                done += 1
        return done, unreadable

    def _replace(
        self, model: type[Any], column: str, pk: UUID, merchant_id: UUID, old: str
    ) -> None:
        # Guarded as above.
        new = reseal(old, merchant_id=merchant_id)
        model.objects.filter(pk=pk, **{column: old}).update(**{column: new})


def _sealed_columns() -> Iterator[tuple[type[MerchantOwned], str]]:
    """Yield what other models keep sealed: each names its columns as `sealed_columns`."""
    for model in apps.get_models():
        if issubclass(model, MerchantOwned):
            for column in getattr(model, "sealed_columns", ()):
                yield model, column
