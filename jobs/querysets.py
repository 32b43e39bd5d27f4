"""Filters over jobs, executions and dead letters. Every tenant's look starts from MerchantOwned."""

from typing import TYPE_CHECKING, Self

from jobs.states import EDITABLE, FINAL
from tenants.scoping import MerchantOwnedQuerySet

if TYPE_CHECKING:
    from jobs.models import DeadLetter, Execution, Job  # noqa: F401 - named in type arguments


class JobQuerySet(MerchantOwnedQuerySet["Job"]):
    """Reads only: status is written by jobs.lifecycle."""

    def editable(self) -> Self:
        """Jobs that still wait and may be changed."""
        return self.filter(status__in=EDITABLE)

    def unfinished(self) -> Self:
        """Jobs that are not final: what counts against a merchant's quota."""
        return self.exclude(status__in=FINAL)


class ExecutionQuerySet(MerchantOwnedQuerySet["Execution"]):
    """Finished attempts."""


class DeadLetterQuerySet(MerchantOwnedQuerySet["DeadLetter"]):
    """Jobs that failed for good."""

    def open(self) -> Self:
        """Those that nobody has redriven or discarded yet."""
        return self.filter(resolution="")
