"""The one door to what merchants own.

Every view and every admin page starts from `of`, `visible_to` or `manageable_by`. What is not in the
queryset does not exist for its reader, so a foreign id and a missing one give the same 404.
"""

from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import models

from tenants.roles import Role

if TYPE_CHECKING:
    from tenants.models import Merchant, User

M = TypeVar("M", bound=models.Model)
Reader: TypeAlias = "User | AnonymousUser"


class ScopedQuerySet(models.QuerySet[M]):
    """Rows that belong to merchants; `merchant_path` says by which column."""

    merchant_path = "merchant_id"

    def of(self, merchant: "Merchant") -> Self:
        """Return this merchant's rows."""
        return self.filter(**{self.merchant_path: merchant.pk})

    def visible_to(self, user: Reader) -> Self:
        """Return what `user` may read: a superuser everything, others their merchants' rows.

        Only active memberships of active merchants count; nobody else sees anything. Reads the
        memberships when called, so that the database plans with plain values.
        """
        return self._within(user, roles=tuple(Role))

    def manageable_by(self, user: Reader) -> Self:
        """Return what `user` may change: a superuser everything, merchant admins their own."""
        return self._within(user, roles=(Role.MERCHANT_ADMIN,))

    def _within(self, user: Reader, *, roles: tuple[Role, ...]) -> Self:
        if user.is_active and user.is_superuser:
            return self.all()
        merchants = merchant_ids(user, roles=roles)
        return self.filter(**{f"{self.merchant_path}__in": merchants}) if merchants else self.none()


class MerchantOwnedQuerySet(ScopedQuerySet[M]):
    """The base of every queryset over a `MerchantOwned` model."""


class MerchantOwned(models.Model):
    """A row that belongs to one merchant, and stays as long as the merchant does.

    Merchants are deactivated, never deleted while they own something. Concrete models set `objects`
    to a manager made of their `MerchantOwnedQuerySet`, and have an index that begins with `merchant`:
    the key's own would be a second one.
    """

    merchant = models.ForeignKey("tenants.Merchant", on_delete=models.PROTECT, db_index=False)

    class Meta:
        abstract = True


def merchant_ids(user: Reader, *, roles: tuple[Role, ...]) -> list[UUID]:
    """Return the active merchants in which `user` actively holds one of `roles`."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return []
    memberships = user.memberships.filter(active=True, merchant__active=True, role__in=roles)
    return list(memberships.values_list("merchant_id", flat=True))
