"""Jobs that wait for a host that is gone for good: how long, what becomes of them, and who stays as they are."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Breaker, DeadLetter, Dependency, Job
from jobs.operations.create import create_jobs
from jobs.operations.dead_letters import redrive
from jobs.operations.new_job import read_new_job
from jobs.outcomes import Ending, Result
from jobs.signals import jobs_transitioned
from jobs.statements import abandoning
from jobs.watcher import watch
from tenants.clock import database_now
from tenants.identifiers import new_id
from tenants.statement import execute
from tests.factories.actors import somebody
from tests.factories.flows import make_breaker, make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.dependencies.kit import child_of
from tests.integration.down_hosts import ENGINE, FAILURES, HOST, attempt, http_jobs, reason_of, step
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = 86_400.0
EPOCH = NOW - 10 * 365 * 24 * HOUR


@pytest.fixture
def merchant():
    """A merchant; its jobs call HOST."""
    return make_merchant()


@pytest.fixture
def gone(merchant):
    """The breaker of a host that was tried a moment ago, and has not answered for 25 hours."""
    return given_up(merchant)


def given_up(merchant, **values):
    since = {"opened_at": NOW - 25 * HOUR, "changed_at": NOW, "probe_at": NOW + 300 * SECOND}
    return make_breaker(merchant=merchant, handler=HOST, **{**since, **values})


def parked(breaker, *, hours=25, **values):
    """Return a job that has waited so long for a host."""
    waits = {
        "merchant": breaker.merchant,
        "handler": breaker.handler,
        "gate": "parked",
        "parked_by": breaker.pk,
        "parked_rank": NOW - hours * HOUR,
        "unanswered_since": NOW - hours * HOUR,
    }
    return make_job(kind="http", **{**waits, **values})


def abandon(limit=1_000):
    moved = lifecycle.abandon(now=NOW, patience=DAY, limit=limit)
    return {job.job_id for job in moved}


def settle():
    """Let the populator do all that is to be done at NOW, while the host is not to be tried yet."""
    make_worker(run_times={f"http:{HOST}": 0.001})
    while populator.populate(NOW, ENGINE).more:
        pass


def all_rows():
    return list(Job.objects.order_by("pk").values())


def let_time_pass(hours):
    """Make all that happened to hosts and to those who wait for them so much older."""
    for row in Breaker.objects.all():
        for name in ("opened_at", "changed_at", "probe_at", "tried_since", "tried_at"):
            setattr(row, name, getattr(row, name) - hours * HOUR)
        row.save()
    for job in Job.objects.filter(unanswered_since__isnull=False):
        Job.objects.filter(pk=job.pk).update(unanswered_since=job.unanswered_since - hours * HOUR)


def probe():
    """Let one job try HOST in vain, and get in line again."""
    Breaker.objects.update(probe_at=database_now() - SECOND)
    step(2)
    assert attempt(answered=False) == (1, False)
    step(4)


def end_in_vain():
    return lifecycle.abandon(now=database_now(), patience=DAY, limit=1_000)


# Who fails


def test_job_that_waited_too_long_fails_with_a_dead_letter_that_says_why(gone):
    job = parked(gone, status="retryable", attempt=3)
    assert abandon() == {job.pk}
    job.refresh_from_db()
    assert (job.status, job.gate, job.parked_by, job.finalized_at) == ("failed", "", None, NOW)
    letter = DeadLetter.objects.get()
    assert (letter.job_id, letter.merchant_id, letter.kind, letter.handler) == (
        job.pk,
        gone.merchant_id,
        "http",
        HOST,
    )
    assert (letter.error_code, letter.attempts, letter.resolution) == ("host_gone", 3, "")
    assert letter.error_message == (
        "down.example has not answered since 2026-05-31T11:00:00Z (connection_refused); the job "
        "has waited for it since 2026-05-31T11:00:00Z. Redrive it when the host answers again."
    )


def test_letters_of_one_host_are_one_group_and_those_of_another_are_not(merchant, gone):
    other = make_breaker(
        merchant=merchant,
        handler="away.example",
        opened_at=NOW - 30 * HOUR,
        changed_at=NOW,
        probe_at=NOW,
    )
    for breaker in (gone, gone, other):
        parked(breaker)
    assert len(abandon()) == 3
    prints = list(DeadLetter.objects.values_list("handler", "fingerprint"))
    assert len(set(prints)) == 2
    assert len({fingerprint for _, fingerprint in prints}) == 2


def test_those_who_wait_for_something_else_or_not_long_enough_stay_as_they_are(gone):
    stranger = make_merchant()
    rule = make_flow(merchant=gone.merchant, scope="kind", name="http", paused=True)
    answering = make_breaker(
        merchant=stranger,
        handler="answers.example",
        opened_at=NOW - 48 * HOUR,
        changed_at=NOW,
        probe_at=NOW - HOUR,
        recovering_at=NOW - HOUR,
        answers=3,
    )
    young = given_up(stranger, opened_at=NOW - 23 * HOUR)
    untried = given_up(make_merchant(), opened_at=NOW - 30 * HOUR, changed_at=NOW - 10 * HOUR)
    parked(gone, hours=23)
    parked(young, hours=100)
    parked(untried, hours=100)
    parked(answering, hours=100)
    parked(gone, hours=100, parked_by=rule.pk)
    parked(gone, hours=100, parked_by=new_id())
    parked(gone, hours=100, unanswered_since=None)
    make_job(merchant=gone.merchant, kind="http", handler=HOST, unanswered_since=EPOCH)
    for status in ("blocked", "queued", "running", "succeeded", "failed", "cancelled"):
        waits: dict[str, Any] = {"unanswered_since": EPOCH}
        if status not in {"queued", "running"}:
            waits |= {"gate": "parked", "parked_by": gone.pk, "parked_rank": EPOCH}
        make_job(status=status, merchant=gone.merchant, kind="http", handler=HOST, **waits)
    before, letters = all_rows(), DeadLetter.objects.count()
    assert abandon() == set()
    assert (all_rows(), DeadLetter.objects.count()) == (before, letters)


def test_patience_is_over_to_the_second(merchant):
    breaker = given_up(merchant, opened_at=NOW - 24 * HOUR)
    over = parked(breaker, hours=24)
    parked(breaker, hours=24, unanswered_since=NOW - 24 * HOUR + SECOND)
    assert abandon() == {over.pk}


def test_patience_lasts_from_the_first_to_the_last_try_in_vain(merchant):
    """A host's silence says nothing while nobody tries it, however long it has been given up."""
    breaker = given_up(merchant, opened_at=NOW - 100 * HOUR, tried_at=NOW - 77 * HOUR)
    job = parked(breaker, hours=100)
    assert abandon() == set()
    Breaker.objects.update(tried_since=NOW - 23 * HOUR, tried_at=NOW)
    assert abandon() == set()
    Breaker.objects.update(tried_since=NOW - 24 * HOUR)
    assert abandon() == {job.pk}


def test_a_step_fails_the_longest_waiting_first_and_no_more_than_its_limit(merchant, gone):
    hours = [25, 27, 26, 29, 28]
    jobs = {waited: parked(gone, hours=waited).pk for waited in hours}
    assert abandon(limit=2) == {jobs[29], jobs[28]}
    assert abandon(limit=2) == {jobs[27], jobs[26]}
    assert abandon(limit=2) == {jobs[25]}
    assert abandon(limit=2) == set()


def test_watcher_fails_them_by_the_setting(gone):
    job, other = parked(gone, hours=2), parked(gone, hours=0)
    assert watch(NOW, ENGINE).abandoned == 0
    assert watch(NOW, Engine(breaker_patience=3_600.0)).abandoned == 1
    assert [one.status for one in Job.objects.filter(pk__in=[job.pk, other.pk]).order_by("pk")] == [
        "failed",
        "scheduled",
    ]


# From the line to the letter


def test_job_that_tries_its_host_again_and_again_runs_out_of_patience_all_the_same(
    valkey, merchant
):
    [job, *others] = http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    lifecycle.cancel(job_ids=[one.pk for one in others], now=database_now())
    step(2)
    stopped_at = Job.objects.get(pk=job.pk).unanswered_since
    assert stopped_at is not None
    for _ in range(3):
        probe()
        assert Job.objects.get(pk=job.pk).unanswered_since == stopped_at
    for _ in range(4):
        let_time_pass(5)
        probe()
        assert end_in_vain() == []
    let_time_pass(5)
    # Nobody has tried it since.
    assert end_in_vain() == []
    probe()
    assert [moved.job_id for moved in end_in_vain()] == [job.pk]
    assert DeadLetter.objects.get().attempts == 9


def test_answer_and_an_attempt_that_counts_begin_patience_anew(valkey, merchant):
    http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    step(2)
    let_time_pass(30)
    Breaker.objects.update(probe_at=database_now() - SECOND)
    step(2)
    assert attempt(answered=True) == (1, True)
    assert end_in_vain() == []
    # It is given up again: nobody has waited since then.
    step(2)
    attempt(answered=False)
    step(4)
    assert end_in_vain() == []
    assert Job.objects.filter(gate="parked").count() == FAILURES - 1


@pytest.mark.parametrize(
    ("ending", "goes_on"),
    [
        ({"outcome": Result.FAILED, "status": "retryable", "counted": False}, True),
        ({"outcome": Result.RELEASED, "status": "scheduled"}, True),
        ({"outcome": Result.FAILED, "status": "retryable"}, False),
        ({"outcome": Result.LOST, "status": "retryable"}, False),
    ],
)
def test_patience_goes_on_after_an_attempt_that_did_not_count(ending, goes_on):
    job = make_job(status="running", unanswered_since=NOW)
    lifecycle.finish([Ending(job_id=job.pk, ticket=job.ticket or 0, code="x", **ending)])
    job.refresh_from_db()
    assert job.unanswered_since == (NOW if goes_on else None)


def test_line_of_another_rule_on_the_way_neither_ends_nor_begins_patience(valkey, merchant):
    make_flow(merchant=merchant, scope="kind", name="http", paused=True)
    waiting, fresh = http_jobs(2, merchant)
    Job.objects.filter(pk=waiting.pk).update(unanswered_since=NOW)
    step()
    waiting.refresh_from_db()
    fresh.refresh_from_db()
    assert (waiting.gate, waiting.unanswered_since) == ("parked", NOW)
    assert (fresh.gate, fresh.unanswered_since) == ("parked", None)


def test_waiting_reason_says_until_when_a_job_waits(valkey, merchant):
    jobs = http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    step(2)
    job = Job.objects.get(pk=jobs[0].pk)
    assert job.unanswered_since is not None
    until = job.unanswered_since + 24 * HOUR
    assert reason_of(job).endswith(
        f" If it has not answered by {until:%Y-%m-%dT%H:%M:%SZ}, the job fails."
    )
    let_time_pass(25)
    job.refresh_from_db()
    assert reason_of(job).endswith(" The job fails when the next try is not answered either.")


# What follows from the end


def test_redriven_job_waits_with_new_patience(valkey, merchant):
    opened = database_now() - 30 * HOUR
    breaker = make_breaker(
        merchant=merchant,
        handler=HOST,
        opened_at=opened,
        changed_at=database_now(),
        probe_at=database_now() + HOUR,
    )
    job = parked(breaker, unanswered_since=opened)
    assert len(end_in_vain()) == 1
    redrive(DeadLetter.objects.get(), now=database_now(), by=somebody("someone"))
    job.refresh_from_db()
    assert (job.status, job.gate, job.unanswered_since) == ("scheduled", "", None)
    step()
    job.refresh_from_db()
    assert (job.gate, job.parked_by) == ("parked", breaker.pk)
    assert job.unanswered_since is not None
    assert job.unanswered_since > opened + 29 * HOUR
    Breaker.objects.update(tried_at=database_now())
    assert end_in_vain() == []
    assert DeadLetter.objects.get().resolution == "redriven"


def test_edited_job_waits_with_new_patience(gone):
    job, bystander = parked(gone), parked(gone)
    assert lifecycle.edit(job_id=job.pk, changes={"priority": 7})
    job.refresh_from_db()
    assert (job.gate, job.unanswered_since) == ("", None)
    assert abandon() == {bystander.pk}


def test_what_depends_on_it_hears_of_its_end(valkey, gone):
    job = parked(gone)
    needy = child_of(job)
    cleaner = child_of(job, needs="failure", handler="demo.noop")
    abandon()
    settle()
    assert Job.objects.get(pk=needy.pk).status == "skipped"
    assert Job.objects.get(pk=cleaner.pk).status in {"scheduled", "queued"}
    assert set(Dependency.objects.values_list("outcome", flat=True)) == {"met", "unmet"}


def test_its_place_of_a_concurrency_key_goes_to_the_next(valkey, gone):
    parked(gone, concurrency_key="k", holds_place=True)
    behind = make_job(merchant=gone.merchant, concurrency_key="k")
    settle()
    assert Job.objects.get(pk=behind.pk).gate == "keyed"
    abandon()
    settle()
    behind.refresh_from_db()
    assert (behind.gate, behind.holds_place) == ("", True)


def test_its_unique_key_is_free_again(gone):
    def ask():
        data = {
            "kind": "http",
            "payload": {"url": f"https://{HOST}/"},
            "unique": {"key": "k"},
        }
        new = read_new_job(data, now=NOW, merchant_id=gone.merchant_id)
        [placed] = create_jobs(merchant=gone.merchant, new_jobs=[new], now=NOW)
        return placed

    first = ask()
    waits = {"gate": "parked", "parked_by": gone.pk, "parked_rank": NOW}
    Job.objects.filter(pk=first.job.pk).update(unanswered_since=NOW - 25 * HOUR, **waits)
    assert ask().job.pk == first.job.pk
    assert abandon() == {first.job.pk}
    second = ask()
    assert second.created
    assert second.job.pk != first.job.pk


def test_sibling_that_waited_for_it_is_decided_on(valkey, gone):
    template = {"template_id": new_id(), "merchant": gone.merchant, "overlap": "queue_one"}
    parked(gone, status="retryable", occurrence_at=NOW - HOUR, **template)
    held = make_job(occurrence_at=NOW, **template)
    settle()
    assert Job.objects.get(pk=held.pk).gate == "held"
    abandon()
    settle()
    assert Job.objects.get(pk=held.pk).gate == ""


def test_listeners_hear_of_it_once(gone, django_capture_on_commit_callbacks):
    heard: list[tuple[UUID, str, str]] = []

    def listen(transitions, **_):
        heard.extend((one.job_id, one.status, one.verb) for one in transitions)

    job = parked(gone)
    jobs_transitioned.connect(listen)
    try:
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                abandon()
    finally:
        jobs_transitioned.disconnect(listen)
    assert heard == [(job.pk, "failed", "abandon")]


# Two at once


@pytest.mark.django_db(transaction=True)
def test_two_watchers_at_once_fail_each_job_once(gone):
    jobs = {parked(gone).pk for _ in range(6)}
    with transaction.atomic():
        first = abandon(limit=4)
        rival = OtherSession(abandon)
        second = rival.result()
    assert len(first) == 4
    assert second == jobs - first
    assert DeadLetter.objects.count() == 6
    assert set(Job.objects.values_list("status", flat=True)) == {"failed"}


@pytest.mark.django_db(transaction=True)
def test_job_that_the_populator_lets_out_just_now_is_left_to_it(gone):
    Breaker.objects.update(probe_at=NOW)
    job = parked(gone)
    make_worker(run_times={f"http:{HOST}": 0.001})
    with transaction.atomic():
        assert len(lifecycle.release_parked(now=NOW, places={"async": 10}).ids) == 1
        rival = OtherSession(abandon)
        assert rival.result() == set()
    assert abandon() == set()
    job.refresh_from_db()
    assert (job.status, job.gate) == ("scheduled", "")


@pytest.mark.parametrize(
    "change", ["answers", "is reset", "goes to another line", "leaves the line"]
)
def test_whoever_was_found_before_something_changed_is_left_alone(gone, change):
    job = parked(gone)
    found = execute(abandoning.FIND_UNANSWERED, now=NOW, patience=DAY, limit=10)
    assert found == [(job.pk, gone.pk)]
    match change:
        case "answers":
            Breaker.objects.update(recovering_at=NOW, answers=1)
        case "is reset":
            Breaker.objects.all().delete()
        case "goes to another line":
            Job.objects.update(parked_by=new_id())
        case _:
            Job.objects.update(gate="")
    before = all_rows()
    values = {"ids": [job.pk], "breakers": [gone.pk], "now": NOW, "patience": DAY}
    assert execute(abandoning.ABANDON, **values) == []
    assert all_rows() == before
    assert not DeadLetter.objects.exists()


def test_a_long_line_of_those_who_have_not_waited_long_enough_is_not_read(gone):
    parked(gone)
    fresh = parked(gone, hours=1)
    values = {field.attname: getattr(fresh, field.attname) for field in Job._meta.concrete_fields}
    spared = {"gate": "", "parked_by": None, "parked_rank": None, "status": "retryable"}
    for fields in (values, values | spared):
        Job.objects.bulk_create([Job(**{**fields, "id": new_id()}) for _ in range(200)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job, jobs_breaker")
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS OFF) {abandoning.FIND_UNANSWERED}",
            {"now": NOW, "patience": DAY, "limit": 1_000},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "job_unanswered" in plan, plan
    assert "job_spared" in plan, plan
    assert "breaker_open" in plan, plan
    assert "Rows Removed" not in plan, plan
