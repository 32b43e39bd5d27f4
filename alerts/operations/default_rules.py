"""The rules that a merchant begins with, and the platform: so that trouble is seen before anybody thinks of rules.

They name no policy, so they tell nobody until somebody gives them one; their incidents stand in the admin.
"""

from datetime import datetime

from django.db import transaction

from alerts.models import Rule
from alerts.operations.rules import create_rule
from alerts.operations.storing import owned_by
from alerts.rules import RULE_KINDS
from tenants.audit import SYSTEM, Actor
from tenants.models import Merchant
from tenants.platform import platform_merchant

OF_MERCHANTS = ("job_failed", "run_missing", "template_set_aside", "key_expiring")
OF_PLATFORM = ("lane_silent", "queue_age", "dead_letters_growing")


@transaction.atomic
def add_default_rules(
    merchant: Merchant | None, *, now: datetime, by: Actor = SYSTEM
) -> list[Rule]:
    """Give a merchant, or the platform, those of the usual rules of whose kinds there is none yet.

    Any number at once, and any number of times.
    """
    owner = merchant or platform_merchant()
    # Two at once: the second finds the rules of the first.
    Merchant.objects.select_for_update(no_key=True).get(pk=owner.pk)
    there = set(owned_by(Rule, merchant).values_list("kind", flat=True))
    wanted = OF_PLATFORM if merchant is None else OF_MERCHANTS
    return [
        create_rule(
            {"name": RULE_KINDS[kind].title, "kind": kind}, merchant=merchant, now=now, by=by
        )
        for kind in wanted
        if kind not in there
    ]
