"""The maintenance window: a time in which occurrences are skipped or held back."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from templates_app.models.template import Template
from templates_app.querysets import MaintenanceWindowQuerySet
from tenants.identifiers import new_id
from tenants.models import Merchant

LONGEST = 31 * 86_400  # seconds


class MaintenanceWindow(models.Model):
    """Of the platform (no merchant), of a merchant, or of one template; once or again and again."""

    class Mode(models.TextChoices):
        """What happens to occurrences in the window."""

        SKIP = "skip", "skip them"
        HOLD = "hold", "hold them back and release them evenly afterwards"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="windows",
        db_index=False,
    )
    template = models.ForeignKey(
        Template, on_delete=models.CASCADE, null=True, blank=True, related_name="windows"
    )
    name = models.CharField(max_length=200)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.HOLD.value)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    recurrence = models.JSONField(null=True, blank=True)
    duration = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(60), MaxValueValidator(LONGEST)],
        help_text="Seconds each window of a recurrence lasts.",
    )
    release_over = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="Seconds over which held jobs are released; a quarter of the window when empty.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MaintenanceWindowQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="window_is_once_or_recurs",
                condition=Q(
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                    recurrence__isnull=True,
                    duration__isnull=True,
                    ends_at__gt=models.F("starts_at"),
                )
                | Q(
                    starts_at__isnull=True,
                    ends_at__isnull=True,
                    recurrence__isnull=False,
                    duration__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="window_of_a_template_has_its_merchant",
                condition=Q(template__isnull=True) | Q(merchant__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="window_merchant_newest"),
            # The expander reads what has not ended; a recurrence has no end here.
            models.Index(fields=["ends_at"], name="window_ends"),
        ]

    def __str__(self) -> str:
        return self.name
