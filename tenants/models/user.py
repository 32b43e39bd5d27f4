"""User: a person, who logs in by e-mail address."""

from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now

from tenants.identifiers import new_id
from tenants.roles import Role
from tenants.scoping import Reader, ScopedQuerySet, merchant_ids

if TYPE_CHECKING:
    from tenants.models.merchant import Merchant

    _EmailField = models.EmailField[str, str]
else:
    _EmailField = models.EmailField


class LoginEmailField(_EmailField):
    """An address kept and compared in lower case, so that one mailbox is one login."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.lower() if isinstance(text, str) else text

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return text.lower() if isinstance(text, str) else text

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        address = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, address)
        return address


class UserQuerySet(ScopedQuerySet["User"]):
    """People: seen by those who share a merchant with them, managed by super admins alone."""

    def of(self, merchant: "Merchant") -> Self:
        """Return who actively belongs to the merchant."""
        return self._in([merchant.pk])

    def visible_to(self, user: Reader) -> Self:
        """Return whom `user` may see: a superuser everybody, others their merchants' people."""
        if user.is_active and user.is_superuser:
            return self.all()
        return self._in(merchant_ids(user, roles=tuple(Role)))

    def manageable_by(self, user: Reader) -> Self:
        """Return whom `user` may change: a login can belong to several merchants."""
        return self.all() if user.is_active and user.is_superuser else self.none()

    def _in(self, merchants: list[UUID]) -> Self:
        people = User.objects.filter(memberships__active=True, memberships__merchant__in=merchants)
        return self.filter(pk__in=people.values("pk"))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes users the way Django's commands and backends expect."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user; without a password nobody can log in as it. Raises ValueError."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user: User = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a super admin, who sees and steers every merchant."""
        return self.create_user(email, password, **fields, is_staff=True, is_superuser=True)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user who logs in with this address, in any case."""
        user: User = self.get(email=username)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What it may see follows from its memberships; a superuser sees everything."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = LoginEmailField("e-mail", unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(
        "active", default=True, help_text="Switch off instead of deleting; ends the login at once."
    )
    is_staff = models.BooleanField(
        "may enter the admin site",
        default=False,
        help_text="Set when the user joins a merchant.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(
                name="user_email_is_lower_case", condition=models.Q(email=Lower("email"))
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email
