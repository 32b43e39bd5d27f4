"""What a person can be within a merchant."""

from django.db import models


class Role(models.TextChoices):
    """Merchant admins steer what their merchant owns; members look on."""

    MERCHANT_ADMIN = "merchant_admin", "merchant admin"
    MERCHANT_MEMBER = "merchant_member", "merchant member"
