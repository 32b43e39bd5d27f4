"""The platform's own merchant: what TaskFlow runs for itself, its messages and canaries, are its jobs.

Durable, retried and visible like anybody's. Nobody is a member of it; super admins see it.
"""

from uuid import UUID

from tenants.models import Merchant

PLATFORM_ID = UUID("00000000-0000-7000-8000-000000000001")
PLATFORM_SLUG = "taskflow-platform"


def platform_merchant() -> Merchant:
    """Return the platform's merchant; the first call makes it. Two at once make one."""
    found: Merchant | None = Merchant.objects.filter(pk=PLATFORM_ID).first()
    if found:
        return found
    platform = Merchant(id=PLATFORM_ID, name="TaskFlow itself", slug=PLATFORM_SLUG)
    platform.draw_signing_secret()
    Merchant.objects.bulk_create([platform], ignore_conflicts=True)
    return Merchant.objects.get(pk=PLATFORM_ID)
