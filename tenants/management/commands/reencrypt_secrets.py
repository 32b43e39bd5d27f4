"""manage.py reencrypt_secrets: the second step of changing TASKFLOW_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.encryption import SecretUnreadable, reseal
from tenants.models import Merchant


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
