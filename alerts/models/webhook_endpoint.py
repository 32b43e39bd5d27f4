"""The webhook endpoint: where a merchant hears of events."""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from alerts.webhooks.events import types_of
from tenants.encryption import seal, unseal
from tenants.identifiers import new_id
from tenants.scoping import MerchantOwned, MerchantOwnedQuerySet
from tenants.signing_secrets import new_signing_secret, signing_secret_text


class WebhookEndpointQuerySet(MerchantOwnedQuerySet["WebhookEndpoint"]):
    """Endpoints of merchants."""

    def kept(self) -> "WebhookEndpointQuerySet":
        """Return those that were not deleted."""
        return self.filter(deleted_at=None)


class WebhookEndpoint(MerchantOwned):
    """One address and what it hears of. `alerts.webhooks` writes everything but what people decide."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    url = models.CharField(max_length=2048)
    host = models.CharField(max_length=200, editable=False)
    description = models.CharField(max_length=200, blank=True, default="")
    events = ArrayField(models.CharField(max_length=64))
    # Events of other kinds and templates are not sent; '' and null: of any.
    kind = models.CharField(max_length=32, blank=True, default="")
    template_id = models.UUIDField(null=True, blank=True)
    active = models.BooleanField(default=True)
    sealed_secret = models.TextField(editable=False)
    sealed_old_secret = models.TextField(blank=True, default="", editable=False)
    old_secret_until = models.DateTimeField(null=True, editable=False)
    # Attempts at it failed since then, and none succeeded.
    failing_since = models.DateTimeField(null=True, editable=False)
    last_failure_at = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # A deleted one is switched off and shown to nobody; it goes once its deliveries have gone.
    deleted_at = models.DateTimeField(null=True, editable=False)

    # For manage.py reencrypt_secrets, which asks every model.
    SEALED_COLUMNS = ("sealed_secret", "sealed_old_secret")

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="webhook_endpoint_has_a_secret", condition=~Q(sealed_secret="")
            ),
            models.CheckConstraint(
                name="webhook_endpoint_old_secret_ends",
                condition=Q(sealed_old_secret="", old_secret_until=None)
                | (~Q(sealed_old_secret="") & Q(old_secret_until__isnull=False)),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_deleted_is_off",
                condition=Q(deleted_at=None) | Q(active=False),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_disabled_with_a_reason",
                condition=Q(disabled_at=None, disabled_reason="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_reason="")),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="webhook_endpoint_newest"),
            # Who listens at all: read once a second by each process that ends jobs.
            models.Index(
                fields=["merchant"],
                name="webhook_endpoint_on",
                condition=Q(active=True),
            ),
            models.Index(
                fields=["failing_since"],
                name="webhook_endpoint_failing",
                condition=Q(failing_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.host

    @property
    def state(self) -> str:
        """Return `active`, `off` (a person switched it off) or `disabled` (it failed for days)."""
        if self.disabled_at is not None:
            return "disabled"
        return "active" if self.active else "off"

    @property
    def sealing_id(self) -> UUID:
        """The id that is sealed in with its secrets."""
        return self.merchant_id

    @property
    def secret(self) -> str:
        """The secret that signs, `whsec_…`. Never log it. Raises SecretUnreadable."""
        return signing_secret_text(unseal(self.sealed_secret, merchant_id=self.merchant_id))

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Return what signs at `now`: the secret, and the one before it as long as they overlap."""
        if self.old_secret_until is None or self.old_secret_until <= now:
            return (self.secret,)
        old = unseal(self.sealed_old_secret, merchant_id=self.merchant_id)
        return self.secret, signing_secret_text(old)

    def draw_secret(self) -> None:
        """Put a new random secret in place of the old one; the caller saves."""
        self.sealed_secret = seal(new_signing_secret(), merchant_id=self.merchant_id)

    def wants(self, event_type: str) -> bool:
        """Tell whether it subscribes to events of this type."""
        return event_type in types_of(self.events)
