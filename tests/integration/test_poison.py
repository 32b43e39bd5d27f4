"""A job that lost its worker three times is dead-lettered as poison, in every lane, and it alone."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from jobs.engine import Engine
from jobs.handlers.registry import LANES
from jobs.models import DeadLetter, Execution, Job
from jobs.watcher import watch
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3650)
ENGINE = Engine()


def held_by(worker, **overrides):
    values: dict[str, Any] = {"started_at": LATER - 30 * SECOND, "deadline_at": LATER + 60 * SECOND}
    values |= {"max_attempts": 100, "lane": worker.lane}
    return make_job(status="running", worker_id=worker.id, **{**values, **overrides})


def dead_worker(lane="async"):
    return make_worker(lane=lane, heartbeat_at=LATER - 21 * SECOND)


def stands(job):
    job.refresh_from_db()
    return job.status, job.lost_count


@pytest.mark.parametrize("lane", LANES)
def test_third_lost_worker_makes_a_job_poison_in_every_lane(lane):
    poison = held_by(dead_worker(lane), lost_count=2, attempt=3)
    twice = held_by(dead_worker(lane), lost_count=1, attempt=2)
    bystander = held_by(make_worker(lane=lane, heartbeat_at=LATER), lost_count=2)
    watch(LATER, ENGINE)
    assert stands(poison) == ("failed", 3)
    assert DeadLetter.objects.get().job_id == poison.id
    assert DeadLetter.objects.get().error_code == "poison"
    assert Execution.objects.get(job_id=poison.id).outcome == "lost"
    assert stands(twice) == ("retryable", 2)
    assert stands(bystander) == ("running", 2)


def test_its_neighbours_in_the_message_and_the_worker_run_again():
    worker = dead_worker()
    merchant = make_merchant()
    poison = held_by(worker, lost_count=2, attempt=3)
    neighbours = [held_by(worker, merchant=merchant) for _ in range(5)]
    unclaimed = make_job(status="queued", queue_lease_until=LATER - SECOND)
    watch(LATER, ENGINE)
    assert stands(poison) == ("failed", 3)
    assert [stands(job) for job in neighbours] == [("retryable", 1)] * 5
    assert stands(unclaimed) == ("scheduled", 0)
    assert not DeadLetter.objects.filter(merchant_id=merchant.id).exists()
    assert Job.objects.filter(status="failed").count() == 1


def test_several_that_lost_three_workers_together_are_tried_again_and_apart():
    worker = dead_worker()
    still = {"strategy": "fixed", "base": 5.0, "jitter": 0}
    suspects = [held_by(worker, lost_count=2, attempt=3, backoff=still) for _ in range(3)]
    fresh = held_by(worker)
    elsewhere = held_by(dead_worker(), lost_count=2, attempt=3)
    watch(LATER, ENGINE)
    assert [stands(job) for job in suspects] == [("retryable", 3)] * 3
    assert stands(fresh) == ("retryable", 1)
    assert stands(elsewhere) == ("failed", 3)
    turns = sorted(job.scheduled_at for job in suspects)
    assert [later - sooner for sooner, later in pairwise(turns)] == [4 * SECOND, 4 * SECOND]


def test_turns_lie_further_apart_after_each_loss_and_are_drawn_anew():
    still = {"strategy": "fixed", "base": 5.0, "jitter": 0}
    orders = set()
    for lost in range(1, 7):
        worker = dead_worker()
        company = [
            held_by(worker, lost_count=lost, attempt=lost + 1, backoff=still) for _ in range(4)
        ]
        watch(LATER, ENGINE)
        for job in company:
            job.refresh_from_db()
        assert {job.status for job in company} == {"retryable"}
        turns = sorted(company, key=lambda job: job.scheduled_at)
        spread = {b.scheduled_at - a.scheduled_at for a, b in pairwise(turns)}
        assert spread == {2**lost * SECOND}
        orders.add(tuple(company.index(job) for job in turns))
    assert len(orders) > 1


def test_the_longest_turn_is_bounded():
    still = {"strategy": "fixed", "base": 5.0, "jitter": 0}
    worker = dead_worker()
    company = [held_by(worker, lost_count=7, attempt=8, backoff=still) for _ in range(50)]
    watch(LATER, ENGINE)
    for job in company:
        job.refresh_from_db()
    turns = [job.scheduled_at for job in company]
    assert max(turns) - min(turns) < timedelta(seconds=300)


def test_whoever_is_lost_alone_after_that_is_the_poison():
    worker = dead_worker()
    poison, other = held_by(worker, lost_count=3, attempt=4), held_by(worker, lost_count=1)
    watch(LATER, ENGINE)
    assert stands(poison) == ("failed", 4)
    assert stands(other) == ("retryable", 2)


def test_no_company_saves_who_loses_nine_workers():
    worker = dead_worker()
    suspects = [held_by(worker, lost_count=8, attempt=9) for _ in range(2)]
    watch(LATER, ENGINE)
    assert [stands(job) for job in suspects] == [("failed", 9)] * 2
    assert set(DeadLetter.objects.values_list("error_code", flat=True)) == {"poison"}
