"""manage.py default_alert_rules: the usual rules for the platform, and for merchants that have none."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Exists, OuterRef

from alerts.models import Rule
from alerts.operations.default_rules import add_default_rules
from tenants.clock import database_now
from tenants.models import Merchant
from tenants.platform import PLATFORM_ID


class Command(BaseCommand):
    help = (
        "Add the usual alert rules of the platform, and those of every merchant that has no rule at all. "
        "New merchants get them by themselves. May be run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = database_now()
        self._tell("The platform", len(add_default_rules(None, now=now)))
        rules = Rule.objects.filter(merchant=OuterRef("pk"))
        without = Merchant.objects.exclude(pk=PLATFORM_ID).filter(~Exists(rules)).order_by("pk")
        for merchant in without.iterator():
            self._tell(merchant.slug, len(add_default_rules(merchant, now=now)))

    def _tell(self, owner: str, added: int) -> None:
        if added:
            self.stdout.write(f"{owner}: {added} rules added.")
