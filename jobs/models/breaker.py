"""A host that does not answer a merchant's jobs."""

from typing import ClassVar

from django.db import models

from jobs.querysets import BreakerQuerySet
from tenants.identifiers import new_id
from tenants.models import Merchant


class Breaker(models.Model):
    """One row a merchant and host while failures follow one another, until it has recovered or is forgotten.

    Written by jobs.lifecycle. Open since `opened_at`: its jobs wait, but for one after `probe_at`. Since
    `recovering_at` it answers again, `answers` times up to now. From `tried_since` to `tried_at` it was
    tried again and again, without a long silence, and in vain.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    handler = models.CharField(max_length=200)
    failures = models.PositiveIntegerField()
    probes = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=100)
    changed_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    tried_since = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    recovering_at = models.DateTimeField(null=True)
    answers = models.PositiveIntegerField(default=0)

    # Of rows that were read by `with_state`.
    state: str

    objects: ClassVar = BreakerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "handler"], name="breaker_once"),
            models.CheckConstraint(
                name="breaker_open_has_probe",
                condition=models.Q(opened_at=None, probe_at=None, tried_since=None, tried_at=None)
                | models.Q(
                    opened_at__isnull=False,
                    probe_at__isnull=False,
                    tried_since__isnull=False,
                    tried_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="breaker_recovers_by_answers",
                condition=models.Q(recovering_at=None, answers=0)
                | models.Q(recovering_at__isnull=False, answers__gt=0, opened_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["opened_at"],
                name="breaker_open",
                condition=models.Q(opened_at__isnull=False),
            ),
            # The upkeep's hunt for hosts that nobody calls any more.
            models.Index(fields=["changed_at"], name="breaker_changed"),
        ]

    def __str__(self) -> str:
        return f"breaker of {self.handler}"
