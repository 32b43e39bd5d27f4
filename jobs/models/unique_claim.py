"""Which job holds a unique key: beside the jobs, so that jobs without a key pay nothing."""

from typing import ClassVar

from django.db import models

from jobs.querysets import UniqueClaimQuerySet
from jobs.unique import Scope
from tenants.models import Merchant


class UniqueClaim(models.Model):
    """One row a key, in the hands of the job that took it last. Written by jobs.lifecycle.

    Whether that job still holds it follows from its status, or from `until`.
    """

    pk = models.CompositePrimaryKey("merchant_id", "key")
    merchant = models.ForeignKey(
        Merchant, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=200)
    # No foreign key: the claim comes first, in the transaction of the job.
    job_id = models.UUIDField()
    scope = models.CharField(max_length=10, choices=[(s.value, s.value) for s in Scope])
    until = models.DateTimeField(null=True, help_text="The end of its period.")
    look_at = models.DateTimeField(help_text="When the upkeep looks whether the key is still held.")

    objects: ClassVar = UniqueClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="unique_claim_until_iff_period",
                condition=models.Q(scope=Scope.PERIOD, until__isnull=False)
                | (~models.Q(scope=Scope.PERIOD) & models.Q(until__isnull=True)),
            )
        ]
        indexes = [models.Index(fields=["look_at"], name="unique_claim_look_at")]

    def __str__(self) -> str:
        return self.key
