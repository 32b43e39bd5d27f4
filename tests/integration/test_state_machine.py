"""Every verb from every status: what happened is held against the table in jobs.states."""

from dataclasses import replace

import pytest

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Dependency, Job
from jobs.operations.judging import judge
from jobs.outcomes import Ending, Result
from jobs.states import FINAL, TRANSITIONS, JobStatus, Overlap
from tenants.identifiers import new_id
from tests.factories.flows import make_breaker
from tests.factories.jobs import NOW, SECOND, make_job, make_worker

pytestmark = pytest.mark.django_db
LATER = NOW + 3600 * SECOND


def end_as(status):
    def verb(job):
        ending = Ending(
            job_id=job.id,
            ticket=job.ticket or 0,
            outcome=Result.FAILED,
            status=status,
            code="x",
            fingerprint="f",
        )
        lifecycle.finish([ending])

    return verb


def claim(job):
    worker = make_worker()
    tickets = [(job.id, job.ticket or 0)]
    lifecycle.claim(tickets=tickets, worker_id=worker.id, engine=Engine())


def expire(job):
    Job.objects.filter(id=job.id).update(expires_at=NOW)
    lifecycle.expire(now=LATER, limit=10)


def abandon(job):
    """Let the job have waited too long for a host that is tried in vain."""
    breaker = make_breaker(
        merchant=job.merchant, handler=job.handler, changed_at=LATER, probe_at=LATER
    )
    waits = {"unanswered_since": NOW, "parked_by": breaker.pk, "parked_rank": NOW}
    started = job.status in {"queued", "running"}
    Job.objects.filter(id=job.id).update(gate="" if started else "parked", **waits)
    lifecycle.abandon(now=LATER, patience=60.0, limit=10)


def settle(policy):
    """Let the job fall due, under the policy, while a sibling of it is running."""

    def verb(job):
        template = {"template_id": new_id(), "merchant": job.merchant}
        make_job(status="running", occurrence_at=NOW - SECOND, **template)
        gate = "shut" if job.status == "scheduled" else ""
        Job.objects.filter(id=job.id).update(overlap=policy, gate=gate, **template)
        lifecycle.settle_overlaps(now=LATER, limit=10)

    return verb


def be_run_over(job):
    """Let a sibling fall due that cancels what is going."""
    template = {"template_id": new_id(), "merchant": job.merchant}
    Job.objects.filter(id=job.id).update(**template)
    make_job(overlap="cancel_running", occurrence_at=NOW, **template)
    lifecycle.settle_overlaps(now=LATER, limit=10)


def cancel_plans(job):
    template = new_id()
    Job.objects.filter(id=job.id).update(template_id=template)
    lifecycle.cancel_plans(template_id=template, now=NOW)


def release(job):
    Job.objects.filter(id=job.id).update(missed_at=NOW)
    lifecycle.release_missed(job_ids=[job.id])


def make_up(job):
    template = new_id()
    Job.objects.filter(id=job.id).update(template_id=template, occurrence_at=NOW)
    lifecycle.make_up(template_id=template, dues={NOW: LATER}, origin="backfill", overlap="wait")


def end_parents_of(parent_status):
    """Let the job depend on one that ended so."""

    def verb(job):
        parent = make_job(status=parent_status, merchant=job.merchant, awaited=True)
        Dependency.objects.create(
            parent=parent, child=job, name="p", needs="success", outcome="open"
        )
        lifecycle.settle_dependencies(now=LATER, limit=10, judge=judge)

    return verb


def judged(condition):
    """Let the job's condition be looked at."""

    def verb(job):
        Job.objects.filter(id=job.id).update(condition=condition, draws_on_parents=True)
        end_parents_of("succeeded")(job)

    return verb


VERBS = {
    **{f"parent {status}": end_parents_of(status) for status in FINAL},
    **{f"condition {text}": judged(text) for text in ("true", "false", "parents.x.y")},
    "queue": lambda job: lifecycle.queue_due(lane="async", now=LATER, limit=10, lease=60),
    "unqueue": lambda job: lifecycle.unqueue([(job.id, job.ticket or 0)]),
    "requeue": lambda job: lifecycle.requeue_lost_messages(before=LATER, limit=10),
    "claim": claim,
    "expire": expire,
    "abandon": abandon,
    "cancel": lambda job: lifecycle.cancel(job_ids=[job.id], now=NOW),
    "advance": lambda job: lifecycle.advance(job_ids=[job.id], now=NOW),
    "replace": lambda job: lifecycle.replace([job.id]),
    "restart": lambda job: lifecycle.restart(job_ids=[job.id], now=NOW, by="test"),
    "skip": lambda job: lifecycle.skip(reasons={job.id: "Missed."}, now=NOW),
    "release": release,
    "make up": make_up,
    "cancel plans": cancel_plans,
    "be run over": be_run_over,
    **{f"settle {policy}": settle(policy) for policy in Overlap},
    **{f"end as {status}": end_as(status) for status in sorted(TRANSITIONS[JobStatus.RUNNING])},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", list(JobStatus))
def test_no_verb_takes_an_arrow_that_the_machine_does_not_have(status, verb):
    job = make_job(status=status)
    VERBS[verb](job)
    after = JobStatus(Job.objects.get(id=job.id).status)
    assert after == status or after in TRANSITIONS[status]


def test_every_arrow_is_taken_by_some_verb():
    taken = set()
    for status in JobStatus:
        for verb in VERBS.values():
            job = make_job(status=status)
            verb(job)
            taken.add((status, JobStatus(Job.objects.get(id=job.id).status)))
            Job.objects.all().delete()
    arrows = {(start, end) for start, ends in TRANSITIONS.items() for end in ends}
    assert arrows - taken == set()


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.SKIPPED, "nonsense"])
def test_an_ending_without_an_arrow_is_refused_and_nothing_is_written(status):
    job, neighbour = make_job(status="running"), make_job(status="running")
    good = Ending(
        job_id=neighbour.id,
        ticket=neighbour.ticket or 0,
        outcome=Result.SUCCEEDED,
        status="succeeded",
    )
    bad = replace(good, job_id=job.id, ticket=job.ticket or 0, status=status)
    with pytest.raises(lifecycle.IllegalTransition):
        lifecycle.finish([good, bad])
    assert set(Job.objects.values_list("status", flat=True)) == {"running"}


def test_final_statuses_are_those_that_only_a_restart_leaves():
    for status in FINAL:
        assert TRANSITIONS[status] <= {JobStatus.SCHEDULED}
