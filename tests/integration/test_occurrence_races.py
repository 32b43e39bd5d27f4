"""Two sessions at once on a template's jobs: whoever comes second finds the first one's work."""

import queue
from dataclasses import replace
from functools import partial

import pytest
from django.db import transaction

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.recorder import Recorder
from jobs.lifecycle import Settled
from jobs.models import Job
from jobs.occurrence_rows import NewOccurrence
from jobs.outcomes import Ending, Result
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.overlaps.kit import ENGINE, occurrence, settle
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_populators_never_let_two_siblings_through():
    template = new_id()
    first, second = occurrence(template, 0, overlap="skip"), occurrence(template, 1, overlap="skip")
    with transaction.atomic():
        # The leader has seen only the first of them; the second falls due for its rival.
        assert lifecycle.settle_overlaps(now=NOW, limit=1) == Settled(opened=1, more=True)
        rival = OtherSession(settle)
        wait_until_one_waits_for_a_lock()
    assert rival.result() == Settled(skipped=1)
    assert [Job.objects.get(id=job.id).status for job in (first, second)] == [
        "scheduled",
        "skipped",
    ]


def test_many_populators_queue_one_of_many_siblings_at_a_time():
    template = new_id()
    for number in range(30):
        occurrence(template, number, overlap="wait")

    def step():
        settle()
        return [j.job_id for j in lifecycle.queue_due(lane="async", now=NOW, limit=99, lease=60)]

    rivals = [OtherSession(step) for _ in range(4)]
    queued = [job_id for rival in rivals for job_id in rival.result()]
    assert len(queued) == 1
    assert Job.objects.get(status="queued").occurrence_at == NOW


def test_a_job_that_somebody_holds_is_decided_on_at_the_next_step():
    template = new_id()
    occurrence(template, -60, status="running")
    job, other = occurrence(template, overlap="skip"), occurrence(new_id(), overlap="skip")
    with transaction.atomic():
        Job.objects.select_for_update().get(id=job.id)
        assert OtherSession(settle).result() == Settled(opened=1)
    assert settle() == Settled(skipped=1)
    assert Job.objects.get(id=other.id).gate == ""


def test_a_running_sibling_that_is_locked_now_is_asked_to_stop_at_the_next_step():
    template = new_id()
    going = occurrence(template, -60, status="running")
    occurrence(template, overlap="cancel_running")
    with transaction.atomic():
        Job.objects.select_for_update().get(id=going.id)
        assert OtherSession(settle).result() == Settled(held=1)
    assert settle() == Settled(cancelled=1)
    going.refresh_from_db()
    assert going.cancel_requested_at == NOW


def test_a_job_that_starts_meanwhile_is_not_withdrawn():
    job = occurrence(new_id())
    plan = occurrence(job.template_id, 1)
    (queued,) = [
        found
        for found in lifecycle.queue_due(lane="async", now=NOW, limit=9, lease=60)
        if found.job_id == job.id
    ]
    worker = make_worker()
    with transaction.atomic():
        claimed = lifecycle.claim(
            tickets=[(queued.job_id, queued.ticket)], worker_id=worker.id, engine=ENGINE
        )
        editing = OtherSession(lambda: lifecycle.withdraw(template_ids=[job.template_id]))
        wait_until_one_waits_for_a_lock()
    assert len(claimed) == 1
    assert editing.result() == [(plan.template_id, plan.occurrence_at)]
    assert Job.objects.get(id=job.id).status == "running"


def test_a_job_that_is_withdrawn_meanwhile_does_not_start():
    job = occurrence(new_id())
    (queued,) = lifecycle.queue_due(lane="async", now=NOW, limit=9, lease=60)
    worker = make_worker()
    with transaction.atomic():
        assert len(lifecycle.withdraw(template_ids=[job.template_id])) == 1
        claiming = OtherSession(
            lambda: lifecycle.claim(
                tickets=[(queued.job_id, queued.ticket)], worker_id=worker.id, engine=ENGINE
            )
        )
        wait_until_one_waits_for_a_lock()
    assert claiming.result() == []
    assert not Job.objects.filter(id=job.id).exists()


def test_an_edit_that_is_rolled_back_leaves_the_plans():
    job = occurrence(new_id())
    with transaction.atomic():
        lifecycle.withdraw(template_ids=[job.template_id])
        transaction.set_rollback(True)
    assert Job.objects.get(id=job.id).status == "scheduled"


def test_two_expanders_make_each_occurrence_once():
    merchant, templates = make_merchant(), [new_id() for _ in range(20)]
    sample = NewOccurrence(
        merchant_id=merchant.id,
        template_id=templates[0],
        occurrence_at=NOW,
        run_at=NOW,
        kind="python",
        handler="demo.noop",
        lane="async",
        payload={},
        priority=5,
        max_attempts=1,
        timeout=1.0,
    )

    def expand(order):
        return lifecycle.create_occurrences(
            [
                replace(sample, id=new_id(), template_id=t, occurrence_at=NOW + n * SECOND)
                for t in templates[::order]
                for n in range(20)[::order]
            ]
        )

    with transaction.atomic():
        mine = expand(1)
        rival = OtherSession(lambda: expand(-1))
        wait_until_one_waits_for_a_lock()
    assert (len(mine), len(rival.result())) == (400, 0)
    crowd = [OtherSession(partial(expand, order)) for order in (1, -1, 1, -1)]
    assert [one.result() for one in crowd] == [[], [], [], []]
    assert Job.objects.count() == 400


def test_the_populator_is_woken_when_a_job_ends_that_siblings_may_wait_for(valkey):
    ended = make_job(status="running", template_id=new_id(), occurrence_at=NOW, overlap="wait")
    plain = make_job(status="running")
    hints = valkey.pubsub()
    hints.subscribe("taskflow:wake")
    assert hints.get_message(timeout=5)["type"] == "subscribe"
    written: queue.Queue[object] = queue.Queue()
    recorder = Recorder(engine=Engine(), written=written.put)
    recorder.start()
    try:
        for job in (plain, ended):
            ending = Ending(
                job_id=job.id,
                ticket=job.ticket or 0,
                outcome=Result.SUCCEEDED,
                status="succeeded",
            )
            recorder.put(ending, running=0)
            written.get(timeout=20)
            woken = hints.get_message(timeout=0.5 if job is plain else 20)
            assert (woken is not None) == (job is ended)
    finally:
        hints.close()
        assert recorder.close(timeout=20)
