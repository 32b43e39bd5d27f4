"""Filters over what templates_app keeps. Every tenant's look starts from MerchantOwned."""

from typing import TYPE_CHECKING, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from tenants.scoping import MerchantOwnedQuerySet

if TYPE_CHECKING:
    from templates_app.models import (  # noqa: F401 - named in type arguments
        Calendar,
        MaintenanceWindow,
        SkippedOccurrence,
        Template,
    )
    from tenants.models import Merchant

M = TypeVar("M", bound=models.Model)


class TemplateQuerySet(MerchantOwnedQuerySet["Template"]):
    """Templates of a merchant."""

    def using_calendar(self, calendar_id: UUID) -> Self:
        """Templates that avoid this calendar or keep to it; each arm fits its partial index."""
        avoiding = Q(avoid__contains=[calendar_id]) & ~Q(avoid=[])
        return self.filter(avoiding | (Q(keep_to__contains=[calendar_id]) & ~Q(keep_to=[])))


class SharedQuerySet(MerchantOwnedQuerySet[M]):
    """Rows of merchants, and rows of the platform that every merchant sees."""

    def usable_by(self, merchant: "Merchant") -> Self:
        """The merchant's own and the platform's."""
        return self.filter(Q(merchant_id=merchant.pk) | Q(merchant_id=None))


class CalendarQuerySet(SharedQuerySet["Calendar"]):
    """Calendars."""


class MaintenanceWindowQuerySet(SharedQuerySet["MaintenanceWindow"]):
    """Maintenance windows."""


class SkippedOccurrenceQuerySet(MerchantOwnedQuerySet["SkippedOccurrence"]):
    """Occurrences that did not run."""
