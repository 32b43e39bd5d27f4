"""Take a host back before it has answered."""

from django.db import transaction

from jobs import publishing
from jobs.models import Breaker


def reset_breaker(breaker: Breaker) -> bool:
    """Forget the failures of a host; what waits for it goes with the populator's next steps, all at once.

    False: there was nothing to forget any more.
    """
    with transaction.atomic():
        deleted, _ = Breaker.objects.filter(pk=breaker.pk).delete()
        transaction.on_commit(publishing.wake)
    return deleted > 0
