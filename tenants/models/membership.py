"""Membership: what a user is within a merchant."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from tenants.identifiers import new_id
from tenants.roles import Role
from tenants.scoping import MerchantOwnedQuerySet


class MembershipQuerySet(MerchantOwnedQuerySet["Membership"]):
    """Memberships of a merchant."""


class Membership(models.Model):
    """One user in one merchant; `tenants.operations` alone writes it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    merchant = models.ForeignKey(
        "tenants.Merchant", on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MERCHANT_MEMBER)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["merchant", "user"]
        constraints = [
            models.UniqueConstraint(
                name="membership_is_unique",
                fields=["user", "merchant"],
                violation_error_message="This user is in this merchant already.",
            ),
            models.CheckConstraint(
                name="membership_role_is_known", condition=models.Q(role__in=Role.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.merchant}"
