"""Every change of merchants, people and memberships."""

from typing import Any

from django.db import transaction

from tenants.audit import SYSTEM, Actor, record
from tenants.models import Membership, Merchant, User
from tenants.roles import Role
from tenants.signals import merchant_created


class AlreadyMember(Exception):
    """The user is in this merchant already; change the membership instead."""

    def __init__(self) -> None:
        super().__init__("This user is in this merchant already; change the role there.")


class SecretChangedMeanwhile(Exception):
    """Somebody else rotated the secret at the same moment; theirs holds."""

    def __init__(self) -> None:
        super().__init__("Somebody else has just rotated this secret. Ask them, or rotate again.")


def create_merchant(
    *,
    name: str,
    slug: str,
    time_zone: str = "UTC",
    max_waiting_jobs: int = 1_000_000,
    max_templates: int = 100_000,
    requests_per_minute: int = 6_000,
    by: Actor = SYSTEM,
) -> Merchant:
    """Store an active merchant with a signing secret; raises ValidationError naming the fields."""
    merchant = Merchant(
        name=name,
        slug=slug,
        time_zone=time_zone,
        max_waiting_jobs=max_waiting_jobs,
        max_templates=max_templates,
        requests_per_minute=requests_per_minute,
    )
    merchant.draw_signing_secret()
    merchant.full_clean()
    store_merchant(merchant, by=by)
    return merchant


@transaction.atomic
def store_merchant(merchant: Merchant, *, by: Actor) -> None:
    """Store a new merchant, or what was changed of one."""
    old = Merchant.objects.select_for_update(no_key=True).filter(pk=merchant.pk).first()
    before = {} if old is None else _settings(old)
    merchant.save()
    after = _settings(merchant)
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        record(
            by=by,
            verb="create" if old is None else "edit",
            object_type="merchant",
            object_id=merchant.pk,
            merchant_id=merchant.pk,
            before=None if old is None else {name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    if old is None:
        merchant_created.send(Merchant, merchant=merchant, by=by)


@transaction.atomic
def store_user(user: User, *, by: Actor) -> None:
    """Store a new person, or what was changed of one. Told in the platform's part of the audit trail."""
    old = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    before = {} if old is None else _rights(old)
    user.save()
    after = _rights(user)
    changed = [name for name in after if before.get(name) != after[name]]
    if old is not None and old.password != user.password:
        # Which one it is stands nowhere.
        changed.append("login_changed")
        before["login_changed"], after["login_changed"] = False, True
    if changed:
        record(
            by=by,
            verb="create" if old is None else "edit",
            object_type="user",
            object_id=user.pk,
            merchant_id=None,
            before=None if old is None else {name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


@transaction.atomic
def rotate_signing_secret(*, merchant: Merchant, by: Actor = SYSTEM) -> str:
    """Replace the merchant's signing secret and return the new one, `whsec_…`, to be shown once.

    The old one stops signing at once. Raises SecretChangedMeanwhile.
    """
    old = merchant.sealed_signing_secret
    merchant.draw_signing_secret()
    swapped = Merchant.objects.filter(pk=merchant.pk, sealed_signing_secret=old).update(
        sealed_signing_secret=merchant.sealed_signing_secret
    )
    if not swapped:
        merchant.sealed_signing_secret = old
        raise SecretChangedMeanwhile
    record(
        by=by,
        verb="rotate",
        object_type="signing_secret",
        object_id=merchant.pk,
        merchant_id=merchant.pk,
    )
    return merchant.signing_secret


@transaction.atomic
def add_member(
    *,
    merchant: Merchant,
    user: User,
    role: Role = Role.MERCHANT_MEMBER,
    by: Actor = SYSTEM,
) -> Membership:
    """Let the user into the merchant and into the admin site; raises AlreadyMember."""
    person = _locked(user)
    membership, created = Membership.objects.get_or_create(
        merchant=merchant, user=person, defaults={"role": Role(role)}
    )
    if not created:
        raise AlreadyMember
    _settle_entry(person)
    user.is_staff = person.is_staff
    _record("create", membership, by, after={"role": membership.role})
    return membership


@transaction.atomic
def set_role(*, membership: Membership, role: Role, by: Actor = SYSTEM) -> None:
    """Change what the user is within the merchant; holds from the user's next request."""
    _locked(membership.user)
    stored = Membership.objects.get(pk=membership.pk)
    Membership.objects.filter(pk=membership.pk).update(role=Role(role))
    membership.role = Role(role)
    if stored.role != membership.role:
        _record(
            "edit",
            membership,
            by,
            before={"role": stored.role},
            after={"role": membership.role},
        )


@transaction.atomic
def end_membership(*, membership: Membership, by: Actor = SYSTEM) -> None:
    """Shut the user out of the merchant; out of the admin site too when it was the last one."""
    person = _locked(membership.user)
    of_it = Membership.objects.filter(pk=membership.pk)
    changed = of_it.filter(active=True).update(active=False)
    membership.active = False
    _settle_entry(person)
    if changed:
        _record("end", membership, by)


@transaction.atomic
def resume_membership(*, membership: Membership, by: Actor = SYSTEM) -> None:
    """Let the user back into the merchant, in the role it had."""
    person = _locked(membership.user)
    of_it = Membership.objects.filter(pk=membership.pk)
    changed = of_it.filter(active=False).update(active=True)
    membership.active = True
    _settle_entry(person)
    if changed:
        _record("resume", membership, by)


def _locked(user: User) -> User:
    # Joining one merchant while leaving another must not lose the right to enter.
    locked: User = User.objects.select_for_update().get(pk=user.pk)
    return locked


def _settle_entry(user: User) -> None:
    user.is_staff = user.is_superuser or user.memberships.filter(active=True).exists()
    user.save(update_fields=["is_staff"])


def _rights(user: User) -> dict[str, Any]:
    names = ("email", "name", "is_active", "is_staff", "is_superuser")
    return {name: getattr(user, name) for name in names}


def _settings(merchant: Merchant) -> dict[str, Any]:
    names = ("name", "slug", "time_zone", "active", *_QUOTAS)
    return {name: getattr(merchant, name) for name in names}


def _record(verb: str, membership: Membership, by: Actor, **told: dict[str, Any]) -> None:
    after = {"user": membership.user.email, **told.pop("after", {})}
    record(
        by=by,
        verb=verb,
        object_type="membership",
        object_id=membership.pk,
        merchant_id=membership.merchant_id,
        after=after,
        **told,
    )


_QUOTAS = (
    "max_waiting_jobs",
    "max_templates",
    "requests_per_minute",
    "weight",
    "dead_letter_days",
)
