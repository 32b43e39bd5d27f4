"""What a merchant owns, or the platform."""

from uuid import UUID

from django.db import models
from django.db.models.functions import Now

from tenants.identifiers import new_id
from tenants.models import Merchant
from tenants.platform import PLATFORM_ID


class Owned(models.Model):
    """A row of a merchant; without one it is the platform's, and only super admins see it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Empty: it is the platform's.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    @property
    def sealing_id(self) -> UUID:
        """Whose secrets these are: the id that is sealed in with them."""
        return self.merchant_id or PLATFORM_ID
