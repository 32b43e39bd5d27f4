"""Filters over jobs, executions and dead letters. Every tenant's look starts from MerchantOwned."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db.models import Case, CharField, Q, Value, When
from django.db.models.functions import Now

from jobs.breaker import BreakerState
from jobs.states import EDITABLE
from tenants.scoping import MerchantOwnedQuerySet

if TYPE_CHECKING:
    from jobs.models import Breaker, DeadLetter, Execution, Flow, Job, Redrive, UniqueClaim  # noqa: F401 - named in type arguments
    from tenants.models import Merchant
    from tenants.scoping import Reader


class JobQuerySet(MerchantOwnedQuerySet["Job"]):
    """Reads only: status is written by jobs.lifecycle."""

    def editable(self) -> Self:
        """Jobs that still wait and may be changed."""
        return self.filter(status__in=EDITABLE)

    def unfinished(self) -> Self:
        """Jobs that are not final: what counts against a merchant's quota. Index job_unfinished."""
        return self.filter(finalized_at__isnull=True)

    def of_templates(self, template_ids: Sequence[UUID]) -> Self:
        """Jobs that these templates made, by whatever way."""
        return self.filter(template_id__in=template_ids)

    def not_missed(self, now: datetime) -> Self:
        """Jobs that do not wait for their template's misfire policy."""
        return self.exclude(missed_at__lte=now, attempt=0)


class ExecutionQuerySet(MerchantOwnedQuerySet["Execution"]):
    """Finished attempts."""


class DeadLetterQuerySet(MerchantOwnedQuerySet["DeadLetter"]):
    """Jobs that failed for good."""

    def open(self) -> Self:
        """Those that nobody has redriven or discarded yet."""
        return self.filter(resolution="")


class RedriveQuerySet(MerchantOwnedQuerySet["Redrive"]):
    """Redrives of many dead letters."""


class UniqueClaimQuerySet(MerchantOwnedQuerySet["UniqueClaim"]):
    """Which job holds a unique key."""


class FlowQuerySet(MerchantOwnedQuerySet["Flow"]):
    """Flow rules. Those over all merchants only the operators see.

    What the operators set for one merchant its people see, and only the operators change.
    """

    def own_of(self, merchant: "Merchant") -> Self:
        """Return the rules that the merchant made itself."""
        return self.of(merchant).filter(set_by_operators=False)

    def manageable_by(self, user: "Reader") -> Self:
        """Return what `user` may change: a superuser everything, merchant admins their merchants' own."""
        rules = super().manageable_by(user)
        return rules if user.is_superuser else rules.filter(set_by_operators=False)


class BreakerQuerySet(MerchantOwnedQuerySet["Breaker"]):
    """Hosts that do not answer."""

    def with_state(self) -> Self:
        """Add `state`, a BreakerState, as it is at PostgreSQL's time."""
        tried = Q(recovering_at__isnull=False) | Q(probe_at__lte=Now())
        state = Case(
            When(opened_at=None, then=Value(BreakerState.CLOSED.value)),
            When(tried, then=Value(BreakerState.HALF_OPEN.value)),
            default=Value(BreakerState.OPEN.value),
            output_field=CharField(),
        )
        return self.annotate(state=state)
