"""Flow rules on real servers: limits, rates, pauses, lines, and two populators at once."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.handlers.python_functions import handler, registered
from jobs.models import Flow, Job
from jobs.outcomes import Ending, Result
from jobs.statements import flowing
from jobs.waiting_reason import waiting_reason
from tenants.identifiers import new_id
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db
ENGINE = Engine()


def fast(**overrides):
    return make_worker(run_times={"python:demo.noop": 0.001}, **overrides)


def settle(now=NOW):
    """Step until nothing more is to be done now."""
    total = 0
    while True:
        step = populator.populate(now, ENGINE)
        total += step.queued
        if not step.more:
            return total


def statuses(**filters):
    return Counter(Job.objects.filter(**filters).values_list("status", "gate"))


def tickets(jobs):
    """Return the ids and tickets of queued jobs."""
    found = Job.objects.filter(pk__in=[job.pk for job in jobs])
    return [(job.pk, job.ticket) for job in found if job.ticket is not None]


def end(*jobs, status="succeeded"):
    """Claim and end these jobs as a worker would."""
    worker = make_worker(lane="nowhere")
    attempts = lifecycle.claim(tickets=tickets(jobs), worker_id=worker.pk, engine=ENGINE)
    assert len(attempts) == len(jobs)
    return lifecycle.finish(
        [
            Ending(job_id=one.job_id, ticket=one.ticket, outcome=Result.SUCCEEDED, status=status)
            for one in attempts
        ]
    )


def test_no_rule_costs_no_statement_of_its_own(valkey, django_assert_num_queries):
    fast()
    make_job()
    with django_assert_num_queries(4):
        assert populator.populate(NOW, ENGINE).queued == 1


def test_merchant_has_so_many_jobs_in_workers_hands_and_others_are_free(valkey):
    fast()
    limited, free = make_merchant(), make_merchant()
    make_flow(merchant=limited, scope="merchant", most_active=3)
    for _ in range(10):
        make_job(merchant=limited)
        make_job(merchant=free)
    assert settle() == 13
    assert statuses(merchant=limited) == {("queued", ""): 3, ("scheduled", "parked"): 7}
    assert settle() == 0


@pytest.mark.parametrize(("own", "operators"), [(2, 4), (4, 2)])
def test_merchants_rule_and_the_operators_for_it_both_hold(valkey, own, operators):
    fast()
    merchant = make_merchant()
    mine = make_flow(merchant=merchant, scope="merchant", most_active=own)
    theirs = make_flow(
        merchant=merchant, set_by_operators=True, scope="merchant", most_active=operators
    )
    for _ in range(7):
        make_job(merchant=merchant)
        make_job()
    assert settle() == 2 + 7
    assert statuses(merchant=merchant) == {("queued", ""): 2, ("scheduled", "parked"): 5}
    narrow, wide = (mine, theirs) if own < operators else (theirs, mine)
    assert set(Job.objects.filter(gate="parked").values_list("parked_by", flat=True)) == {narrow.pk}
    assert settle() == 0
    end(*Job.objects.filter(merchant=merchant, status="queued")[:1])
    assert settle() == 1
    narrow.delete()
    assert settle() == 2
    assert statuses(merchant=merchant, gate="parked") == {("scheduled", "parked"): 2}
    assert Job.objects.filter(gate="parked", parked_by=wide.pk).count() == 2


def test_each_of_two_rules_for_the_same_jobs_spends_its_own_tokens(valkey):
    fast()
    merchant = make_merchant()
    rules = [
        make_flow(
            merchant=merchant,
            set_by_operators=by_operators,
            scope="merchant",
            rate=rate,
            burst=burst,
        )
        for by_operators, rate, burst in ((False, 1, 5), (True, 10, 3))
    ]
    for _ in range(10):
        make_job(merchant=merchant)
    assert settle() == 3
    assert [Flow.objects.get(pk=rule.pk).tokens for rule in rules] == [2, 0]
    # The operators' bucket is full again, the merchant's own has three.
    later = NOW + SECOND
    make_worker(heartbeat_at=later, run_times={"python:demo.noop": 0.001})
    assert settle(later) == 3
    assert [Flow.objects.get(pk=rule.pk).tokens for rule in rules] == [0, 0]


def test_rule_over_all_merchants_is_the_operators():
    with pytest.raises(IntegrityError, match="flow_over_all_is_the_operators"):
        make_flow(scope="kind", name="http", most_active=1, set_by_operators=False)


def test_end_of_a_limited_job_wakes_the_populator_and_the_line_goes_on_in_its_order(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=1)
    late = make_job(merchant=merchant, scheduled_at=NOW, name="late")
    first = make_job(merchant=merchant, scheduled_at=NOW - 30 * SECOND, name="first")
    urgent = make_job(merchant=merchant, scheduled_at=NOW, priority=9, name="urgent")
    order = []
    for _ in range(3):
        settle()
        [running] = Job.objects.filter(status="queued")
        order.append(running.name)
        [ended] = end(running)
        assert ended.makes_way
    assert order == ["urgent", "first", "late"]
    assert {late.pk, first.pk, urgent.pk} == set(
        Job.objects.filter(status="succeeded").values_list("pk", flat=True)
    )


def test_end_of_a_job_without_rules_wakes_nobody(valkey):
    fast()
    job = make_job()
    settle()
    assert [one.makes_way for one in end(job)] == [False]


def test_failed_attempt_gives_its_place_away_until_it_is_due_again(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=1)
    first = make_job(merchant=merchant, scheduled_at=NOW - SECOND)
    second = make_job(merchant=merchant)
    settle()
    end(first, status="retryable")
    settle()
    second.refresh_from_db()
    assert second.status == "queued"


def test_paused_kind_waits_in_line_and_goes_when_the_rule_is_deleted(valkey):
    fast()
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="kind", name="python", paused=True)
    for _ in range(5):
        make_job(merchant=merchant)
    bystander = make_job()
    assert settle() == 1
    assert statuses(merchant=merchant) == {("scheduled", "parked"): 5}
    assert statuses(pk=bystander.pk) == {("queued", ""): 1}
    rule.delete()
    assert settle() == 5
    assert not Job.objects.filter(gate="parked").exists()


def test_retryable_job_is_parked_and_goes_on_with_its_attempts(valkey):
    fast()
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="handler", name="demo.noop", paused=True)
    job = make_job(merchant=merchant, status="retryable", attempt=2)
    settle()
    assert statuses(pk=job.pk) == {("retryable", "parked"): 1}
    Flow.objects.filter(pk=rule.pk).update(paused_at=None)
    assert settle() == 1
    job.refresh_from_db()
    assert (job.status, job.attempt, job.parked_by) == ("queued", 2, None)


def test_bucket_is_emptied_and_fills_with_time(valkey):
    fast()
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="merchant", rate=60, rate_period=60, burst=2)
    for _ in range(10):
        make_job(merchant=merchant)
    assert settle() == 2
    assert settle() == 0
    assert settle(NOW + 3 * SECOND) == 2  # never more than the burst
    assert settle(NOW + 4 * SECOND) == 1
    assert settle(NOW + 4 * SECOND + timedelta(milliseconds=900)) == 0
    rule.refresh_from_db()
    assert rule.tokens is not None
    assert 0 <= rule.tokens < 1


def test_limit_of_a_template_bounds_its_jobs_and_no_others(valkey):
    fast()
    merchant, template = make_merchant(), new_id()
    make_flow(merchant=merchant, scope="template", name=str(template), most_active=2)
    for number in range(5):
        make_job(
            merchant=merchant,
            template_id=template,
            occurrence_at=NOW - number * SECOND,
            origin="template",
        )
        make_job(merchant=merchant)
    assert settle() == 7
    assert statuses(template_id=template) == {("queued", ""): 2, ("scheduled", "parked"): 3}


def test_operators_pause_of_a_lane_holds_all_merchants(valkey):
    fast()
    fast(lane="process")
    rule = make_flow(scope="lane", name="process", paused=True)
    held = [make_job(lane="process") for _ in range(3)]
    make_job()
    assert settle() == 1
    assert {Job.objects.get(pk=job.pk).parked_by for job in held} == {rule.pk}


def test_parked_occurrence_cannot_be_missed_any_more(valkey):
    fast()
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="merchant", paused=True)
    job = make_job(
        merchant=merchant,
        template_id=new_id(),
        occurrence_at=NOW,
        origin="template",
        missed_at=NOW + 60 * SECOND,
    )
    settle()
    later = NOW + 3_600 * SECOND
    make_worker(heartbeat_at=later, run_times={"python:demo.noop": 0.001})
    assert lifecycle.find_missed(now=later, limit=10) == []
    rule.delete()
    assert settle(later) == 1
    job.refresh_from_db()
    assert job.status == "queued"


def test_parked_job_can_be_cancelled_and_expires_by_its_deadline(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", paused=True)
    cancelled = make_job(merchant=merchant)
    expiring = make_job(merchant=merchant, expires_at=NOW + SECOND)
    settle()
    lifecycle.cancel(job_ids=[cancelled.pk], now=NOW)
    settle(NOW + 2 * SECOND)
    cancelled.refresh_from_db()
    expiring.refresh_from_db()
    assert (cancelled.status, expiring.status) == ("cancelled", "failed")
    assert not Job.objects.filter(merchant=merchant, status="scheduled").exists()


def test_restarted_job_stands_in_no_line(valkey):
    fast()
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="merchant", paused=True)
    job = make_job(merchant=merchant)
    settle()
    lifecycle.cancel(job_ids=[job.pk], now=NOW)
    rule.delete()
    lifecycle.restart(job_ids=[job.pk], now=NOW, by="somebody")
    assert settle() == 1


def test_job_that_is_edited_in_line_stands_in_the_lines_of_what_it_is_now(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="handler", name="demo.noop", paused=True)
    edited, stays = make_job(merchant=merchant), make_job(merchant=merchant)
    settle()
    assert lifecycle.edit(job_id=edited.pk, changes={"handler": "demo.echo"})
    assert settle() == 1
    edited.refresh_from_db()
    assert edited.status == "queued"
    assert statuses(pk=stays.pk) == {("scheduled", "parked"): 1}


def test_job_that_is_moved_in_line_is_due_at_its_new_time_and_keeps_no_place(valkey):
    fast()
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="merchant", paused=True)
    job = make_job(merchant=merchant)
    settle()
    later = NOW + timedelta(hours=1)
    assert lifecycle.edit(job_id=job.pk, changes={"run_at": later})
    assert settle() == 0
    assert statuses(pk=job.pk) == {("scheduled", ""): 1}
    assert populator.next_due(NOW) == later
    make_worker(heartbeat_at=later, run_times={"python:demo.noop": 0.001})
    assert settle(later) == 0
    job.refresh_from_db()
    assert (job.gate, job.parked_by) == ("parked", rule.pk)


def test_priority_that_is_edited_in_line_counts(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=1)
    running, first, second = (
        make_job(merchant=merchant, scheduled_at=NOW - (3 - place) * SECOND) for place in range(3)
    )
    settle()
    lifecycle.edit(job_id=second.pk, changes={"priority": 9})
    settle()
    end(running)
    settle()
    second.refresh_from_db()
    assert second.status == "queued"
    assert statuses(pk=first.pk) == {("scheduled", "parked"): 1}


def test_patient_job_is_not_passed_by_important_ones_that_come_as_room_does(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=1)
    running = make_job(merchant=merchant, scheduled_at=NOW - timedelta(hours=1))
    patient = make_job(merchant=merchant, priority=0, scheduled_at=NOW - timedelta(minutes=20))
    settle()
    for _ in range(3):
        end(running)
        make_job(merchant=merchant, priority=9, scheduled_at=NOW)
        settle()
        [running] = Job.objects.filter(status="queued")
        if running == patient:
            return
    raise AssertionError("What had waited long enough was passed three times.")


def test_flood_behind_a_pause_is_looked_at_once_and_holds_nobody_up(valkey):
    fast()
    engine = Engine(step_limit=20)
    merchant, other = make_merchant(), make_merchant()
    make_flow(merchant=merchant, scope="merchant", paused=True)
    for _ in range(100):
        make_job(merchant=merchant, scheduled_at=NOW - 60 * SECOND, priority=9)
    make_job(merchant=other)
    steps = 0
    while populator.populate(NOW, engine).more:
        steps += 1
        assert steps < 20
    assert statuses(merchant=merchant) == {("scheduled", "parked"): 100}
    assert statuses(merchant=other) == {("queued", ""): 1}


def test_rules_cost_the_same_number_of_statements_for_few_and_many(
    valkey, django_assert_max_num_queries
):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=5, rate=5)
    for _ in range(2):
        make_job(merchant=merchant)
    with django_assert_max_num_queries(22):
        populator.populate(NOW, ENGINE)
    for _ in range(80):
        make_job(merchant=merchant)
    with django_assert_max_num_queries(22):
        populator.populate(NOW, ENGINE)


def test_rules_that_all_merchants_have_are_not_all_read_for_each():
    merchants = [make_merchant() for _ in range(40)]
    for merchant in merchants:
        make_flow(merchant=merchant, scope="merchant", most_active=5)
    make_flow(scope="kind", name="http", most_active=5)
    values: dict[str, Any] = {
        "scopes": ["merchant"] * 40 + ["kind"] * 40,
        "names": [""] * 40 + ["http"] * 40,
        "merchants": [merchant.pk for merchant in merchants] * 2,
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_flow")
        cursor.execute(f"EXPLAIN (ANALYZE) {flowing.RULES_FOR}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute(flowing.RULES_FOR, values)
        assert len(cursor.fetchall()) == 41
    assert "Removed by Join Filter" not in plan, plan


def test_letting_the_first_of_a_line_out_reads_no_other_jobs():
    merchant, line = make_merchant(), new_id()
    first = make_job(merchant=merchant, gate="parked", parked_by=line, parked_rank=NOW)
    values = {field.attname: getattr(first, field.attname) for field in Job._meta.concrete_fields}
    Job.objects.bulk_create([Job(**{**values, "id": new_id()}) for _ in range(5_000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
        given: dict[str, Any] = {
            "lines": [line],
            "merchants": [merchant.pk],
            "lanes": ["async"],
            "rooms": [2],
        }
        cursor.execute(f"EXPLAIN {flowing.RELEASE}", given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Cond: (id = ANY" in plan, plan


@pytest.mark.django_db(transaction=True)
def test_two_populators_at_once_never_exceed_a_limit_or_a_rate(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=5)
    make_flow(merchant=merchant, scope="kind", name="python", rate=4)
    for _ in range(40):
        make_job(merchant=merchant)

    def step():
        return lifecycle.queue_within_flows(lane="async", now=NOW, limit=10, lease=60.0, aging=60.0)

    with transaction.atomic():
        first = step()
        rival = OtherSession(step)
    second = rival.result()
    assert (len(first.queued), len(second.queued)) == (4, 0)
    assert statuses(merchant=merchant, status="queued") == {("queued", ""): 4}


@pytest.fixture
def twice():
    """Declare a handler of which two attempts at most go at once."""

    @handler("tests.twice", lane="async", max_concurrency=2)
    def twice(context):
        """Do nothing."""

    yield twice
    registered().pop("tests.twice")


def test_handler_bounds_itself_over_all_merchants(valkey, twice):
    make_worker(run_times={"python:tests.twice": 0.001, "python:demo.noop": 0.001})
    jobs = [make_job(handler="tests.twice") for _ in range(5)]
    bystander = make_job()
    assert settle() == 3
    assert statuses(handler="tests.twice") == {("queued", ""): 2, ("scheduled", "parked"): 3}
    assert statuses(pk=bystander.pk) == {("queued", ""): 1}
    parked = Job.objects.filter(gate="parked").latest("id")
    assert waiting_reason(parked, now=NOW) == "In line: tests.twice runs at most 2 at once."
    going = [job for job in jobs if Job.objects.filter(pk=job.pk, status="queued").exists()]
    assert [one.makes_way for one in end(going[0])] == [True]
    settle()
    assert statuses(handler="tests.twice", status="queued") == {("queued", ""): 2}


def test_bound_that_a_handler_no_longer_declares_holds_nobody_back(valkey, twice):
    make_worker(run_times={"python:tests.twice": 0.001})
    for _ in range(5):
        make_job(handler="tests.twice")
    settle()
    handler_again = registered().pop("tests.twice")
    settle()
    registered()["tests.twice"] = handler_again
    assert statuses(handler="tests.twice") == {("queued", ""): 5}
