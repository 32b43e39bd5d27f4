"""The audit trail's entries and the heads of its chains; `tenants.audit` alone writes them."""

from django.db import models
from django.db.models import Func
from django.db.models.functions import Now

from tenants.scoping import MerchantOwnedQuerySet


class AuditEntryQuerySet(MerchantOwnedQuerySet["AuditEntry"]):
    """Entries of a merchant. The platform's own only super admins see."""


class AuditEntry(models.Model):
    """One act of somebody. Never changed and never deleted: triggers refuse it.

    `number` is its place in the merchant's chain (without a merchant, the platform's), from 1.
    """

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    # Merchants stay, so there is nothing for a foreign key to check.
    merchant = models.ForeignKey(
        "tenants.Merchant",
        on_delete=models.DO_NOTHING,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    number = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=16)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=254)
    address = models.GenericIPAddressField(null=True)
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        constraints = [
            models.UniqueConstraint(
                name="audit_chain_order", fields=["merchant", "number"], nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="audit_merchant_newest"),
            # What was done to one thing.
            models.Index(fields=["object_id", "-id"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type}".replace("_", " ")


class AuditChain(models.Model):
    """The head of one chain; without a merchant, the platform's. Locked while an entry is written."""

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    merchant = models.ForeignKey(
        "tenants.Merchant",
        on_delete=models.DO_NOTHING,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    number = models.BigIntegerField(help_text="Of the chain's last entry.")
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="audit_chain_of_merchant", fields=["merchant"], nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} entries"
