"""Graphs of 10,000 jobs: set by set, with as many statements for many children as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle
from jobs.dependency_rows import NewDependency
from jobs.engine import Engine
from jobs.models import Dependency, Job
from jobs.outcomes import Ending, Result
from tests.factories.jobs import NOW, make_job, make_worker
from tests.integration.dependencies.kit import end, settle, stood

pytestmark = pytest.mark.django_db
MANY = 10_000


def new_jobs(merchant, number):
    return [
        Job(
            merchant=merchant,
            kind="python",
            handler="demo.noop",
            lane="async",
            payload={"handler": "demo.noop", "arguments": {}},
            run_at=NOW,
        )
        for _ in range(number)
    ]


def analyze():
    """Tell the planner what is there, as autovacuum does: nobody else sees this transaction's rows."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job, jobs_dependency")


def arrow(parent, child, name="p"):
    return NewDependency(parent_id=parent.id, child_id=child.id, name=name, needs="success")


def test_ten_thousand_children_of_one_parent_are_opened_set_by_set():
    parent, bystander = make_job(), make_job()
    children = new_jobs(parent.merchant, MANY)
    lifecycle.create_graph(children, [arrow(parent, child) for child in children])
    analyze()
    end(parent)
    steps = 0
    with CaptureQueriesContext(connection) as queries:
        while settle(limit=1000).settled:
            steps += 1
    assert (steps, stood(bystander)) == (10, ["scheduled"])
    assert len(queries) <= 11 * (steps + 1)
    assert Job.objects.filter(status="scheduled").count() == MANY + 1
    assert not Job.objects.filter(awaited=True).exists()


def test_graph_of_ten_thousand_jobs_runs_to_its_end_in_the_order_of_its_arrows():
    """100 layers of 100 jobs; each needs two of the layer above."""
    root = make_job()
    layers = [[root]]
    arrows = []
    jobs = []
    for _ in range(100):
        layer = new_jobs(root.merchant, 100)
        above = layers[-1]
        for place, child in enumerate(layer):
            chosen = {above[place % len(above)].id, above[(place + 1) % len(above)].id}
            arrows += [
                NewDependency(
                    parent_id=parent, child_id=child.id, name=f"p{number}", needs="success"
                )
                for number, parent in enumerate(chosen)
            ]
        layers.append(layer)
        jobs += layer
    lifecycle.create_graph(jobs, arrows)
    analyze()
    for layer in layers:
        run_all(layer)
        while settle(limit=1000).more:
            pass
    assert Job.objects.filter(status="succeeded").count() == MANY + 1
    assert set(Dependency.objects.values_list("outcome", flat=True)) == {"met"}


def test_end_of_the_root_gives_ten_thousand_descendants_up():
    """A chain of 20 stars of 500 jobs."""
    root = make_job()
    jobs, arrows, parent = [], [], root
    for _ in range(20):
        star = new_jobs(root.merchant, 500)
        arrows += [arrow(parent, child) for child in star]
        jobs += star
        parent = star[0]
    lifecycle.create_graph(jobs, arrows)
    analyze()
    lifecycle.cancel(job_ids=[root.id], now=NOW)
    while settle(limit=1000).more:
        pass
    assert Job.objects.filter(status="cancelled").count() == MANY + 1
    assert Job.objects.get(id=jobs[-1].id).skip_reason.endswith("which ended as cancelled.")


def run_all(jobs):
    """Queue, claim and finish the jobs, as populator and executor do."""
    worker = make_worker()
    tickets = [
        (job.job_id, job.ticket)
        for job in lifecycle.queue_due(lane="async", now=NOW, limit=1000, lease=60)
    ]
    assert {job_id for job_id, _ in tickets} == {job.id for job in jobs}
    claimed = lifecycle.claim(tickets=tickets, worker_id=worker.id, engine=Engine())
    assert len(claimed) == len(jobs)
    lifecycle.finish(
        [
            Ending(
                job_id=attempt.job_id,
                ticket=attempt.ticket,
                outcome=Result.SUCCEEDED,
                status="succeeded",
            )
            for attempt in claimed
        ]
    )
