"""ApiKey: a producer's proof of who it is. The secret itself is nowhere in the database."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from apikeys.networks import validate_network
from apikeys.scopes import Scope
from apikeys.status import KeyStatus, status_at
from tenants.identifiers import new_id
from tenants.scoping import MerchantOwned, MerchantOwnedQuerySet


class ApiKeyQuerySet(MerchantOwnedQuerySet["ApiKey"]):
    """Keys of a merchant."""


class ApiKey(MerchantOwned):
    """A key as the platform knows it: its public part, a digest of its secret, its limits.

    `apikeys.operations` alone writes it. A key is never deleted and never un-revoked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100, help_text="Where the key is used, for people.")
    public_id = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope.choices),
        help_text="What the key may do.",
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        default=list,
        blank=True,
        size=50,
        help_text="Networks in CIDR notation, separated by commas; none means everywhere.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    replaces = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="replaced_by",
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["merchant", "-created_at"], name="apikey_merchant_newest")]
        constraints = [
            models.CheckConstraint(
                name="apikey_public_id_is_base62",
                condition=models.Q(public_id__regex=r"^[0-9A-Za-z]{12}$"),
            ),
            models.CheckConstraint(
                name="apikey_digest_is_sha256_hex",
                condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"),
            ),
            models.CheckConstraint(
                name="apikey_scopes_are_known",
                condition=models.Q(scopes__contained_by=Scope.values, scopes__len__gte=1),
            ),
            models.CheckConstraint(
                name="apikey_expires_after_creation",
                condition=models.Q(expires_at__isnull=True)
                | models.Q(expires_at__gte=models.F("created_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def masked(self) -> str:
        """The key as lists may show it."""
        return f"tf_live_{self.public_id}_…{self.last_four}"

    def status_at(self, now: datetime) -> KeyStatus:
        """Return whether the key holds at `now`."""
        return status_at(now, expires_at=self.expires_at, revoked_at=self.revoked_at)
