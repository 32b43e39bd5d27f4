"""Merchant: the tenant. Owns jobs, templates and keys, and the quotas they share."""

from typing import Any
from uuid import UUID

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from tenants.encryption import seal, unseal
from tenants.identifiers import new_id
from tenants.scoping import ScopedQuerySet
from tenants.signing_secrets import new_signing_secret, signing_secret_text
from tenants.time_zones import validate_time_zone


class MerchantQuerySet(ScopedQuerySet["Merchant"]):
    """Merchants, through the same door as what they own."""

    merchant_path = "pk"


class Merchant(models.Model):
    """A customer of the platform. An inactive one keeps its data; nobody of it comes in."""

    # For manage.py reencrypt_secrets, which asks every model.
    SEALED_COLUMNS = ("sealed_signing_secret",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(
        max_length=63, unique=True, help_text="Short name for commands and filters; never changes."
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="IANA name, such as Europe/Berlin.",
    )
    active = models.BooleanField(default=True)
    max_waiting_jobs = models.PositiveIntegerField(
        default=1_000_000,
        validators=[MinValueValidator(1)],
        help_text="How many unfinished jobs may wait at once.",
    )
    max_templates = models.PositiveIntegerField(
        default=100_000,
        validators=[MinValueValidator(1)],
        help_text="How many templates it may have.",
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Its part of busy workers: one with 2 gets twice as much as one with 1.",
    )
    requests_per_minute = models.PositiveIntegerField(
        default=6_000,
        validators=[MinValueValidator(1)],
        help_text="How many API requests all keys together may make in a minute.",
    )
    sealed_signing_secret = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MerchantQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                name="merchant_quotas_are_positive",
                condition=models.Q(
                    max_waiting_jobs__gte=1, max_templates__gte=1, requests_per_minute__gte=1
                ),
            ),
            models.CheckConstraint(
                name="merchant_weight_in_range", condition=models.Q(weight__range=(1, 100))
            ),
            models.CheckConstraint(
                name="merchant_has_a_signing_secret",
                condition=~models.Q(sealed_signing_secret=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the merchant; one without a signing secret gets its first."""
        if not self.sealed_signing_secret:
            self.draw_signing_secret()
        super().save(*args, **kwargs)

    @property
    def sealing_id(self) -> UUID:
        """The id that is sealed in with its secrets."""
        return self.id

    @property
    def signing_secret(self) -> str:
        """The Standard Webhooks secret, `whsec_…`. Never log it. Raises SecretUnreadable."""
        return signing_secret_text(unseal(self.sealed_signing_secret, merchant_id=self.id))

    def draw_signing_secret(self) -> None:
        """Put a new random signing secret in place of the old one; the caller saves."""
        self.sealed_signing_secret = seal(new_signing_secret(), merchant_id=self.id)
