"""What tests of dependencies share: graphs of jobs, ends of parents, and steps of the resolver."""

from typing import Any

from jobs import lifecycle
from jobs.dependency_rows import NewDependency
from jobs.models import Dependency, Job
from jobs.operations.judging import judge
from jobs.outcomes import Ending, Result
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant

HOUR = 3600 * SECOND


def child_of(*parents: Job, needs: str = "success", **overrides: Any) -> Job:
    """Return a new job that depends on stored ones, called p0, p1 and so on."""
    merchant = parents[0].merchant
    values = {
        "kind": "python",
        "handler": "demo.noop",
        "lane": "async",
        "payload": {"handler": "demo.noop", "arguments": {}},
        "run_at": NOW,
    }
    child = Job(merchant=merchant, **{**values, **overrides})
    lifecycle.create_graph(
        [child],
        [
            NewDependency(parent_id=parent.id, child_id=child.id, name=f"p{place}", needs=needs)
            for place, parent in enumerate(parents)
        ],
    )
    return child


def jobs_of_one_merchant(number: int) -> list[Job]:
    """Return stored jobs that are due."""
    merchant = make_merchant()
    return [make_job(merchant=merchant) for _ in range(number)]


def settle(now: Any = NOW, limit: int = 100) -> lifecycle.Resolved:
    return lifecycle.settle_dependencies(now=now, limit=limit, judge=judge)


def settle_all(now: Any = NOW, limit: int = 100) -> int:
    """Settle until there is nothing more; return in how many steps."""
    steps = 1
    while settle(now, limit).more:
        steps += 1
    return steps


def end(job: Job, status: str = "succeeded", output: Any = None, code: str = "") -> Any:
    """End an attempt of a job, whatever it was doing."""
    Job.objects.filter(id=job.id).update(
        status="running",
        attempt=1,
        ticket=1,
        worker_id=new_id(),
        started_at=NOW,
        deadline_at=NOW + HOUR,
    )
    outcome = {"retryable": "failed"}.get(status, status)
    ending = Ending(
        job_id=job.id,
        ticket=1,
        outcome=Result(outcome),
        status=status,
        output=output,
        code=code,
        fingerprint="f" if code else "",
    )
    return lifecycle.finish([ending])


def stood(*jobs: Job) -> list[str]:
    return [Job.objects.get(id=job.id).status for job in jobs]


def outcomes_of(job: Job) -> list[str]:
    found = Dependency.objects.filter(child=job).order_by("id")
    return list(found.values_list("outcome", flat=True))
