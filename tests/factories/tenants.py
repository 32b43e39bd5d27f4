"""Merchants, people and keys for tests."""

from datetime import UTC, datetime
from itertools import count

from apikeys.operations import IssuedKey, issue_key
from apikeys.scopes import Scope
from tenants.models import Merchant, User
from tenants.operations import add_member
from tenants.roles import Role

# Before every real moment, so that keys issued "then" hold on any machine.
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
PASSWORD = "correct-horse-battery-staple"

_numbers = count(1)


def make_merchant(**fields) -> Merchant:
    """Store a merchant without alert rules; each call makes another one."""
    number = next(_numbers)
    named = {"name": f"Merchant {number}", "slug": f"merchant-{number}"}
    merchant = Merchant(**{**named, **fields})
    merchant.draw_signing_secret()
    merchant.save()
    return merchant


def make_user(**fields) -> User:
    """Store a user without a merchant; unless told a password, only force_login lets it in.

    Hashing a password takes Argon2 as long as a whole test.
    """
    fields.setdefault("email", f"user-{next(_numbers)}@example.test")
    return User.objects.create_user(**fields)


def make_superuser(**fields) -> User:
    """Store a super admin."""
    return make_user(is_staff=True, is_superuser=True, **fields)


def make_member(merchant: Merchant, *, role: Role = Role.MERCHANT_MEMBER, **fields) -> User:
    """Store a user who belongs to `merchant`."""
    user = make_user(**fields)
    add_member(merchant=merchant, user=user, role=role)
    return user


def make_merchant_admin(merchant: Merchant, **fields) -> User:
    """Store a user who steers `merchant`."""
    return make_member(merchant, role=Role.MERCHANT_ADMIN, **fields)


def make_key(merchant: Merchant, *, scopes: list[str] | None = None, **fields) -> IssuedKey:
    """Issue a key of `merchant`, with every scope unless told."""
    fields.setdefault("name", f"key {next(_numbers)}")
    fields.setdefault("now", LONG_AGO)
    scopes = list(Scope.values) if scopes is None else scopes
    return issue_key(merchant=merchant, scopes=scopes, **fields)
