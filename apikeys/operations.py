"""Every change of API keys: issue, rotate, revoke, note a use."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from apikeys.hashing import digest_of, draw_key
from apikeys.models import ApiKey
from apikeys.status import KeyStatus
from tenants.audit import SYSTEM, Actor, record
from tenants.models import Merchant, User

LONGEST_OVERLAP: Final = timedelta(days=7)
USE_NOTED_EVERY: Final = timedelta(seconds=60)


class KeyNotActive(Exception):
    """The key is revoked, expired or replaced already, so it cannot be rotated."""


class OverlapOutOfRange(Exception):
    """The overlap of a rotation is negative or longer than 7 days."""

    def __init__(self) -> None:
        super().__init__("The overlap must be between 0 and 7 days.")


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its text, which exists nowhere else and is shown once."""

    key: ApiKey
    text: str = field(repr=False)


def issue_key(
    *,
    merchant: Merchant,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None = None,
    allowed_networks: Iterable[str] = (),
    created_by: User | None = None,
    replaces: ApiKey | None = None,
    by: Actor = SYSTEM,
) -> IssuedKey:
    """Store a new key of the merchant; raises ValidationError naming the fields."""
    if expires_at is not None and expires_at <= now:
        raise ValidationError({"expires_at": "The key must expire in the future."})
    parts = draw_key()
    text = parts.text
    key = ApiKey(
        merchant=merchant,
        name=name,
        public_id=parts.public_id,
        digest=digest_of(parts.secret, pepper=settings.API_KEY_PEPPER),
        last_four=text[-4:],
        scopes=sorted(set(scopes)),
        allowed_networks=list(allowed_networks),
        expires_at=expires_at,
        created_by=created_by,
        created_at=now,
        replaces=replaces,
    )
    key.full_clean()
    with transaction.atomic():
        key.save(force_insert=True)
        _record("rotate" if replaces else "create", key, by, after=_told(key))
    return IssuedKey(key=key, text=text)


@transaction.atomic
def rotate_key(
    *,
    key: ApiKey,
    overlap: timedelta,
    now: datetime,
    created_by: User | None = None,
    by: Actor = SYSTEM,
) -> IssuedKey:
    """Issue a successor with the same rights; the old key holds until `now + overlap`.

    The successor lives as long as the old key was meant to. Raises OverlapOutOfRange, and
    KeyNotActive when the key is revoked, expired or has a successor.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise OverlapOutOfRange
    old = ApiKey.objects.select_for_update().get(pk=key.pk)
    status = old.status_at(now)
    if status is not KeyStatus.ACTIVE:
        raise KeyNotActive(f"This key is {status.label}; issue a new one.")
    if ApiKey.objects.filter(replaces=old).exists():
        raise KeyNotActive("This key has been rotated already; rotate its successor.")
    issued = issue_key(
        merchant=old.merchant,
        name=old.name,
        scopes=old.scopes,
        now=now,
        expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
        allowed_networks=old.allowed_networks,
        created_by=created_by,
        replaces=old,
        by=by,
    )
    end = now + overlap
    old.expires_at = min(old.expires_at, end) if old.expires_at else end
    old.save(update_fields=["expires_at"])
    key.expires_at = old.expires_at
    return issued


@transaction.atomic
def revoke_key(*, key: ApiKey, now: datetime, by: Actor = SYSTEM) -> bool:
    """Refuse the key from now on, for ever; False when it was revoked before."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    key.refresh_from_db(fields=["revoked_at"])
    if revoked:
        _record("revoke", key, by, before={"name": key.name}, after={"revoked_at": key.revoked_at})
    return bool(revoked)


def note_use(*, key: ApiKey, address: str | None, now: datetime) -> bool:
    """Note when and from where the key was used; writes at most once a minute per key."""
    if key.last_used_at is not None and key.last_used_at >= now - USE_NOTED_EVERY:
        return False
    # Guarded as well: other processes hold the same stale copy.
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    noted = ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now, last_used_ip=address)
    return bool(noted)


def _told(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "public_id": key.public_id,
        "scopes": key.scopes,
        "allowed_networks": key.allowed_networks,
        "expires_at": key.expires_at,
        "replaces": key.replaces_id,
    }


def _record(verb: str, key: ApiKey, by: Actor, **told: dict[str, Any]) -> None:
    record(
        by=by,
        verb=verb,
        object_type="api_key",
        object_id=key.pk,
        merchant_id=key.merchant_id,
        **told,
    )
