"""Jobs that exist and were not queued in time, though their templates are expanded."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs import lifecycle
from jobs.models import Job
from jobs.rows import Missed
from jobs.states import JobStatus
from templates_app.expander.batch import read_these, write_settled
from templates_app.expander.outcome import Outcome, settle
from templates_app.expansion import Expansion
from templates_app.planning.window_book import naive

ORPHANED = "Missed in an outage; its template was deleted."


def settle_late(now: datetime, expansion: Expansion) -> int:
    """Apply misfire policies to a batch of late jobs; return how many were decided."""
    with transaction.atomic():
        missed = lifecycle.find_missed(now=now, limit=expansion.batch)
        if not missed:
            return 0
        by_template: defaultdict[UUID, list[Missed]] = defaultdict(list)
        for job in missed:
            by_template[job.template_id].append(job)
        templates = read_these(list(by_template))
        due = _with_another_due(list(by_template), now)
        outcomes = []
        for template_id, template in templates.items():
            late = sorted(
                ((naive(job.scheduled_at), job) for job in by_template[template_id]),
                key=lambda pair: pair[0],
            )
            outcome = Outcome(template=template)
            settle(outcome, None, late, now=naive(now), another_due=template_id in due)
            outcomes.append(outcome)
        orphaned = [job.job_id for job in missed if job.template_id not in templates]
        if orphaned:
            lifecycle.skip(job_ids=orphaned, now=now, reason=ORPHANED)
        write_settled(outcomes, now)
        return len(missed)


def _with_another_due(template_ids: list[UUID], now: datetime) -> set[UUID]:
    """Return the templates of which a job is due or going that was not missed."""
    going = Job.objects.filter(
        template_id__in=template_ids,
        status__in=[JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING],
        scheduled_at__lte=now,
    ).exclude(status=JobStatus.SCHEDULED, missed_at__lte=now)
    found = going.order_by().values_list("template_id", flat=True)
    return {one for one in found if one is not None}
