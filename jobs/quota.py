"""How many unfinished jobs a merchant may have at once.

Far below the limit a process trusts its last count plus what it let in itself, for ten seconds, so
that creating a job costs no COUNT. From 90 % on it counts before every admission. Processes do not
know of each other's admissions within those seconds: the limit protects the platform, it is not
exact to the job.

Jobs of templates count like others, but are never refused here: an occurrence that a full quota
swallowed would be one that silently did not run. What a merchant's templates may make is bounded by
how many templates it may have.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from jobs.models import Job
from tenants.models import Merchant

TRUSTED = timedelta(seconds=10)
NEAR = 0.9
RETRY_AFTER = 30  # seconds


class QuotaExceeded(Exception):
    """The merchant has as many unfinished jobs as it may have."""

    def __init__(self, *, limit: int, adding: int) -> None:
        super().__init__(
            f"Your quota is {limit:,} unfinished jobs, and {adding:,} more do not fit. Wait until "
            "some have finished, cancel some, or ask for a higher quota."
        )
        self.retry_after = RETRY_AFTER


@dataclass(frozen=True)
class _Count:
    jobs: int
    counted_at: datetime


class UnfinishedJobs:
    """One process's knowledge of its merchants' counts; safe to use from any thread."""

    def __init__(self) -> None:
        self._known: dict[UUID, _Count] = {}
        self._lock = threading.Lock()

    def admit(self, merchant: Merchant, *, adding: int, now: datetime) -> None:
        """Let `adding` more jobs in. Raises QuotaExceeded."""
        if self._lets_in_unseen(merchant, adding, now):
            return
        limit = merchant.max_waiting_jobs
        found = count_unfinished(merchant, most=limit)
        if found + adding > limit:
            raise QuotaExceeded(limit=limit, adding=adding)
        self._remember(merchant, found + adding, now)

    def admit_some(self, merchant: Merchant, *, adding: int, now: datetime) -> int:
        """Let in as many of `adding` more jobs as there is room for; return how many."""
        if self._lets_in_unseen(merchant, adding, now):
            return adding
        limit = merchant.max_waiting_jobs
        found = count_unfinished(merchant, most=limit)
        admitted = min(adding, limit - found)
        self._remember(merchant, found + admitted, now)
        return admitted

    def _lets_in_unseen(self, merchant: Merchant, adding: int, now: datetime) -> bool:
        with self._lock:
            known = self._known.get(merchant.pk)
            if known is None or now - known.counted_at >= TRUSTED:
                return False
            if known.jobs + adding >= NEAR * merchant.max_waiting_jobs:
                return False
            self._known[merchant.pk] = _Count(known.jobs + adding, known.counted_at)
            return True

    def _remember(self, merchant: Merchant, jobs: int, now: datetime) -> None:
        with self._lock:
            self._known[merchant.pk] = _Count(jobs, now)


def count_unfinished(merchant: Merchant, *, most: int) -> int:
    """Return how many unfinished jobs the merchant has, counting no further than `most`."""
    unfinished = Job.objects.of(merchant).unfinished().order_by()
    found: int = unfinished.values("pk")[:most].count()
    return found


_process = UnfinishedJobs()
admit = _process.admit
admit_some = _process.admit_some
