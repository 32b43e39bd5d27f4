"""Whether a key holds at a given moment."""

from datetime import datetime

from django.db import models


class KeyStatus(models.TextChoices):
    """A revoked key counts as revoked, also after its expiry."""

    ACTIVE = "active", "active"
    EXPIRED = "expired", "expired"
    REVOKED = "revoked", "revoked"


def status_at(
    now: datetime, *, expires_at: datetime | None, revoked_at: datetime | None
) -> KeyStatus:
    """Return the status; a key holds until the moment of its expiry and no longer."""
    if revoked_at is not None:
        return KeyStatus.REVOKED
    if expires_at is not None and expires_at <= now:
        return KeyStatus.EXPIRED
    return KeyStatus.ACTIVE
