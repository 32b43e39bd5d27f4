"""Jobs that exist and were not queued in time, though their templates are expanded."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs import lifecycle
from templates_app.expander.batch import claim_late, read_these
from templates_app.expander.late_jobs import NONE_DUE, find_due_jobs
from templates_app.expander.outcome import Outcome, settle
from templates_app.expander.writing import write_settled
from templates_app.expansion import Expansion
from templates_app.planning.window_book import naive

ORPHANED = "Missed in an outage; its template was deleted."


def settle_late(now: datetime, expansion: Expansion) -> int:
    """Apply misfire policies to late jobs; return for how many templates that was done.

    All of a template's late jobs are judged together, under its lock: what another expander holds
    it decides itself.
    """
    with transaction.atomic():
        missed = lifecycle.find_missed(now=now, limit=expansion.batch)
        if not missed:
            return 0
        wanted = list({job.template_id for job in missed})
        templates = claim_late(wanted)
        # Read after the lock: what its last holder decided is not decided again.
        due = find_due_jobs(templates, now)
        outcomes = []
        for template in templates:
            outcome = Outcome(template=template)
            of_template = due.get(template.id, NONE_DUE)
            late = [(naive(job.scheduled_at), job) for job in of_template.late]
            settle(outcome, None, late, now=naive(now), another_due=of_template.in_time)
            outcomes.append(outcome)
        orphaned = _orphans(wanted, {template.id for template in templates})
        lost = {job.job_id: ORPHANED for job in missed if job.template_id in orphaned}
        if lost:
            lifecycle.skip(reasons=lost, now=now)
        write_settled(outcomes, now)
        return len(outcomes) + len(orphaned)


def _orphans(wanted: list[UUID], claimed: set[UUID]) -> set[UUID]:
    """Return the templates that are gone, not merely held by another expander."""
    unclaimed = [one for one in wanted if one not in claimed]
    return set(unclaimed) - read_these(unclaimed).keys() if unclaimed else set()
