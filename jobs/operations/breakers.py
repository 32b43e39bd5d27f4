"""Take a host back before it has answered."""

from django.db import transaction

from jobs import publishing
from jobs.models import Breaker
from tenants.audit import SYSTEM, Actor, record


def reset_breaker(breaker: Breaker, *, by: Actor = SYSTEM) -> bool:
    """Forget the failures of a host; what waits for it goes with the populator's next steps, all at once.

    False: there was nothing to forget any more.
    """
    with transaction.atomic():
        deleted, _ = Breaker.objects.filter(pk=breaker.pk).delete()
        if deleted:
            record(
                by=by,
                verb="reset",
                object_type="breaker",
                object_id=breaker.pk,
                merchant_id=breaker.merchant_id,
                before={
                    "handler": breaker.handler,
                    "failures": breaker.failures,
                    "error_code": breaker.error_code,
                    "opened_at": breaker.opened_at,
                },
            )
        transaction.on_commit(publishing.wake)
    return deleted > 0
