"""What a person can be within a merchant."""

from django.db import models


class Role(models.TextChoices):
    """Merchant admins manage its keys, people and settings; members work with its jobs."""

    MERCHANT_ADMIN = "merchant_admin", "merchant admin"
    MERCHANT_MEMBER = "merchant_member", "merchant member"
