"""The calendar: a named set of times that templates avoid or keep to."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from templates_app.querysets import CalendarQuerySet
from tenants.identifiers import new_id
from tenants.models import Merchant


class Calendar(models.Model):
    """Holidays, dates, ranges and weekly hours; the definition is `templates_app.calendars`'s JSON.

    Without a merchant it is the platform's: every merchant may use it, none may change it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="calendars",
        db_index=False,
    )
    name = models.CharField(max_length=200)
    description = models.TextField(max_length=2_000, blank=True, default="")
    definition = models.JSONField(default=dict, blank=True)
    # Calendars whose times belong to this one as well.
    includes = ArrayField(models.UUIDField(), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="calendar_merchant_newest"),
            GinIndex(fields=["includes"], name="calendar_includes", condition=~Q(includes=[])),
        ]

    def __str__(self) -> str:
        return self.name
