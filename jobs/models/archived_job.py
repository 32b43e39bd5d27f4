"""The archive: jobs that ended a while ago, out of the way of those at work."""

from collections.abc import Collection
from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from jobs.querysets import JobQuerySet
from tenants.models import Merchant

from .job import Job, JobRow


class ArchivedJob(JobRow):
    """A finished job, as it was in Job. `jobs.lifecycle` moves rows here, and back for a restart.

    The table is partitioned by the week of `finalized_at`: a week is dropped whole when nobody keeps
    it any more, and the rows in a partition have all been finished for about as long.
    """

    merchant = models.ForeignKey(
        Merchant,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="archived_job_merchant_newest"),
            models.Index(
                fields=["template_id", "-id"],
                name="archived_job_template_newest",
                condition=Q(template_id__isnull=False),
            ),
            # Whether an occurrence has run already: a backfill asks.
            models.Index(
                fields=["template_id", "occurrence_at"],
                name="archived_job_occurrence",
                condition=Q(template_id__isnull=False),
            ),
            GinIndex(fields=["tags"], name="archived_job_tags", condition=~Q(tags=[])),
        ]


class AnyJob(Job):
    """Jobs at work and archived ones together, through a view: for whoever reads history.

    What is read is a Job, complete: a field that was deferred is not to be had later, when it is archived.
    Nothing is written through the view; PostgreSQL refuses that.
    """

    class Meta:
        proxy = True
        ordering = ["-id"]

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        **options: Any,
    ) -> Self:
        """Return a Job: pages and logs name a row by its class."""
        found: Any = Job.from_db(db, field_names, values, **options)
        return found  # type: ignore[no-any-return]


# Django gives a proxy its parent's table, and has no word for another one.
AnyJob._meta.db_table = "jobs_anyjob"  # noqa: SLF001
