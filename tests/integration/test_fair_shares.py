"""While more is due than there is room for, merchants take turns."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import lifecycle
from jobs.models import Job
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db
AGING = 60.0
MINUTE = timedelta(minutes=1)


def shares(limit, lane="async"):
    return lifecycle.queue_shares(lane=lane, now=NOW, limit=limit, lease=60.0, aging=AGING)


def many(number, **values):
    return [make_job(**values) for _ in range(number)]


def taken(queued):
    return Counter(job.merchant_id for job in queued)


def test_flood_of_one_merchant_leaves_the_others_their_turns():
    flood, small = make_merchant(), make_merchant()
    many(50, merchant=flood, scheduled_at=NOW - 60 * MINUTE)
    many(5, merchant=small, scheduled_at=NOW)
    queued = shares(20)
    assert taken(queued) == {flood.id: 10, small.id: 5}
    # They run in turns, not one merchant after the other.
    assert {job.merchant_id for job in queued[:2]} == {flood.id, small.id}
    assert {job.merchant_id for job in queued[8:10]} == {flood.id, small.id}


def test_merchant_of_twice_the_weight_gets_twice_as_much():
    heavy, light = make_merchant(weight=2), make_merchant()
    many(30, merchant=heavy)
    many(30, merchant=light)
    assert taken(shares(30)) == {heavy.id: 20, light.id: 10}


def test_more_merchants_than_room_each_have_a_chance():
    merchants = [make_merchant() for _ in range(6)]
    for merchant in merchants:
        many(10, merchant=merchant)
    seen = set()
    for _ in range(30):
        queued = shares(2)
        assert len(queued) == len(taken(queued)) == 2
        seen |= set(taken(queued))
        if seen == {merchant.id for merchant in merchants}:
            return
    raise AssertionError("Some merchant never got a turn.")


def test_suspended_merchant_takes_no_room():
    suspended, other = make_merchant(active=False), make_merchant()
    many(5, merchant=suspended)
    many(5, merchant=other)
    assert taken(shares(4)) == {other.id: 4}


def test_jobs_of_other_lanes_of_the_future_and_behind_gates_stay():
    merchant = make_merchant()
    stays = [
        make_job(merchant=merchant, lane="process"),
        make_job(merchant=merchant, scheduled_at=NOW + SECOND),
        make_job(merchant=merchant, expires_at=NOW - SECOND),
    ]
    due = make_job(merchant=merchant)
    assert [job.job_id for job in shares(10)] == [due.id]
    assert set(Job.objects.filter(status="scheduled").values_list("id", flat=True)) == {
        job.id for job in stays
    }


def test_priority_orders_a_merchants_own_jobs():
    merchant = make_merchant()
    low = make_job(merchant=merchant, priority=1)
    high = make_job(merchant=merchant, priority=9)
    middle = make_job(merchant=merchant, priority=5)
    assert [job.job_id for job in shares(3)] == [high.id, middle.id, low.id]


def test_waiting_makes_up_for_priority():
    merchant = make_merchant()
    patient = make_job(merchant=merchant, priority=0, scheduled_at=NOW - 11 * MINUTE)
    important = make_job(merchant=merchant, priority=10, scheduled_at=NOW)
    impatient = make_job(merchant=merchant, priority=0, scheduled_at=NOW - 9 * MINUTE)
    assert [job.job_id for job in shares(3)] == [patient.id, important.id, impatient.id]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    waiting=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    weights=st.lists(st.integers(1, 5), min_size=6, max_size=6),
    limit=st.integers(1, 20),
)
def test_nobody_is_passed_over_and_no_room_is_lost_twice(waiting, weights, limit):
    Job.objects.all().delete()
    merchants = [make_merchant(weight=weight) for weight in weights[: len(waiting)]]
    for merchant, number in zip(merchants, waiting, strict=True):
        many(number, merchant=merchant)
    queued = shares(limit)
    found = taken(queued)
    assert 0 < len(queued) <= limit
    total = sum(merchant.weight for merchant in merchants)
    for merchant, number in zip(merchants, waiting, strict=True):
        share = limit * merchant.weight / total
        assert found[merchant.id] <= share + 1
        if limit >= len(merchants) + total:
            assert found[merchant.id] >= min(number, int(share))
    # Step after step everything is queued, each job once.
    for _ in range(sum(waiting)):
        queued += shares(limit)
    assert len({job.job_id for job in queued}) == len(queued) == sum(waiting)


@pytest.mark.django_db(transaction=True)
def test_two_populators_share_without_queueing_a_job_twice():
    merchants = [make_merchant() for _ in range(4)]
    for merchant in merchants:
        many(25, merchant=merchant)

    def work():
        mine = []
        while found := shares(7):
            mine += found
        return mine

    sessions = [OtherSession(work), OtherSession(work)]
    queued = [job.job_id for session in sessions for job in session.result()]
    assert len(queued) == len(set(queued))
    # Who was passed over by both at the end is met by the next step.
    queued += [job.job_id for job in work()]
    assert len(queued) == len(set(queued)) == 100
