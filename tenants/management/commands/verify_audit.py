"""manage.py verify_audit: is the audit trail as it was written?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.audit import ChainState, verify_chains
from tenants.models import Merchant


class Command(BaseCommand):
    help = (
        "Walk the chains of the audit trail and name the first broken entry of each. Keep the heads that"
        " it prints somewhere else: who can write the database could write a whole chain anew."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = []
        for chain in verify_chains():
            name = _name(chain)
            if chain.broken is None:
                self.stdout.write(f"{name}: {chain.entries:,} entries hold; head {chain.head}")
            else:
                broken.append(f"{name}: entry {chain.broken:,} is broken. {chain.why}")
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write("The audit trail is as it was written.")


def _name(chain: ChainState) -> str:
    if chain.merchant_id is None:
        return "The platform"
    merchant = Merchant.objects.filter(pk=chain.merchant_id).first()
    return merchant.slug if merchant else str(chain.merchant_id)
