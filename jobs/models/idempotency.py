"""Answers already given, by the producer's Idempotency-Key."""

from django.db import models

from tenants.models import Merchant


class IdempotencyRecord(models.Model):
    """Written in the transaction of the request that it belongs to, so both exist or neither."""

    merchant = models.ForeignKey(
        Merchant, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    response_status = models.PositiveSmallIntegerField(null=True)
    # A text: jsonb would reorder the answer's fields and rewrite its numbers.
    response_text = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="idempotency_key_once", fields=["merchant", "key"])
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_created")]

    def __str__(self) -> str:
        return self.key
