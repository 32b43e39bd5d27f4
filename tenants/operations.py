"""Every change of merchants, people and memberships."""

from django.db import transaction

from tenants.models import Membership, Merchant, User
from tenants.roles import Role


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
    merchant.save()
    return merchant


def rotate_signing_secret(*, merchant: Merchant) -> str:
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
    return merchant.signing_secret


@transaction.atomic
def add_member(*, merchant: Merchant, user: User, role: Role = Role.MERCHANT_MEMBER) -> Membership:
    """Let the user into the merchant and into the admin site; raises AlreadyMember."""
    person = _locked(user)
    membership, created = Membership.objects.get_or_create(
        merchant=merchant, user=person, defaults={"role": Role(role)}
    )
    if not created:
        raise AlreadyMember
    _settle_entry(person)
    user.is_staff = person.is_staff
    return membership


def set_role(*, membership: Membership, role: Role) -> None:
    """Change what the user is within the merchant; holds from the user's next request."""
    Membership.objects.filter(pk=membership.pk).update(role=Role(role))
    membership.role = Role(role)


@transaction.atomic
def end_membership(*, membership: Membership) -> None:
    """Shut the user out of the merchant; out of the admin site too when it was the last one."""
    person = _locked(membership.user)
    Membership.objects.filter(pk=membership.pk).update(active=False)
    membership.active = False
    _settle_entry(person)


@transaction.atomic
def resume_membership(*, membership: Membership) -> None:
    """Let the user back into the merchant, in the role it had."""
    person = _locked(membership.user)
    Membership.objects.filter(pk=membership.pk).update(active=True)
    membership.active = True
    _settle_entry(person)


def _locked(user: User) -> User:
    # Joining one merchant while leaving another must not lose the right to enter.
    locked: User = User.objects.select_for_update().get(pk=user.pk)
    return locked


def _settle_entry(user: User) -> None:
    user.is_staff = user.is_superuser or user.memberships.filter(active=True).exists()
    user.save(update_fields=["is_staff"])
