"""Unique jobs: who gets a key, how long it is held, and that nobody else ever has it too."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import lifecycle
from jobs.models import Job, UniqueClaim
from jobs.operations.create import create_jobs, place_jobs
from jobs.operations.new_job import read_new_job
from jobs.operations.unique_keys import HeldProblem, UniqueKeyHeld
from jobs.watcher import keep_up
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant
from tests.integration.sessions import OtherSession, wait_until_it_waits_or_ends

pytestmark = pytest.mark.django_db


def asked(key="k", **unique):
    return read_new_job(
        {
            "kind": "python",
            "payload": {"handler": "demo.noop"},
            "unique": {"key": key, **unique},
        },
        now=NOW,
        merchant_id=new_id(),
    )


def create(merchant, *news, now=NOW):
    return create_jobs(merchant=merchant, new_jobs=news, now=now)


def holders_named(refusal):
    assert all(isinstance(problem, HeldProblem) for problem in refusal.problems)
    return [problem.job_id for problem in refusal.problems]


def become(job, status, **columns):
    """Put a stored job into another status, with the columns that this implies."""
    model = make_job(status=status, merchant=job.merchant)
    names = ("ticket", "queued_at", "queue_lease_until", "worker_id", "started_at", "deadline_at")
    implied = {name: getattr(model, name) for name in (*names, "attempt", "finalized_at")}
    Job.objects.filter(pk=job.pk).update(status=status, **{**implied, **columns})
    model.delete()


def end_one(merchant, key):
    """Leave a key behind that nobody holds any more."""
    [placed] = create(merchant, asked(key))
    become(placed.job, "failed")


def holder_after(status, scope, **columns):
    """Create a job, move it to the status, and return (it, what a second one gets)."""
    merchant = make_merchant()
    period = {"period": 60} if scope == "period" else {}
    [first] = create(merchant, asked(scope=scope, **period))
    become(first.job, status, **columns)
    [second] = create(merchant, asked(scope=scope, **period))
    return first.job, second


HELD = [
    ("scheduled", "waiting", True),
    ("queued", "waiting", True),
    ("running", "waiting", False),
    ("retryable", "waiting", False),
    ("succeeded", "waiting", False),
    ("scheduled", "unfinished", True),
    ("queued", "unfinished", True),
    ("running", "unfinished", True),
    ("retryable", "unfinished", True),
    ("succeeded", "unfinished", False),
    ("failed", "unfinished", False),
    ("cancelled", "unfinished", False),
    ("running", "period", True),
    ("succeeded", "period", True),
    ("failed", "period", True),
    ("cancelled", "period", False),
]


@pytest.mark.parametrize(("status", "scope", "is_held"), HELD)
def test_key_is_held_as_long_as_its_scope_says(status, scope, is_held):
    first, second = holder_after(status, scope)
    assert second.created is not is_held
    assert (second.job.pk == first.pk) is is_held


def test_period_ends_after_its_seconds():
    merchant = make_merchant()
    [first] = create(merchant, asked(scope="period", period=60))
    [within] = create(merchant, asked(scope="period", period=60), now=NOW + 59 * SECOND)
    [after] = create(merchant, asked(scope="period", period=60), now=NOW + 60 * SECOND)
    assert within.job.pk == first.job.pk
    assert after.created


def test_merchants_do_not_share_unique_keys():
    [mine], [theirs] = create(make_merchant(), asked()), create(make_merchant(), asked())
    assert mine.created
    assert theirs.created


def test_second_job_that_rejects_is_refused_and_nothing_of_its_batch_is_stored():
    merchant, bystander = make_merchant(), make_job()
    [first] = create(merchant, asked())
    with pytest.raises(UniqueKeyHeld) as refusal:
        create(merchant, asked("other"), asked(on_conflict="reject"))
    assert holders_named(refusal.value) == [str(first.job.pk)]
    assert set(Job.objects.values_list("pk", flat=True)) == {first.job.pk, bystander.pk}
    assert UniqueClaim.objects.count() == 1


@pytest.mark.parametrize("status", ["scheduled", "queued", "retryable"])
def test_second_job_that_replaces_cancels_the_first_one(status):
    merchant = make_merchant()
    [first], bystander = create(merchant, asked()), make_job(merchant=merchant)
    become(first.job, status)
    [second] = create(merchant, asked(on_conflict="replace"))
    first.job.refresh_from_db()
    bystander.refresh_from_db()
    assert second.created
    assert (first.job.status, bystander.status) == ("cancelled", "scheduled")
    assert first.job.skip_reason == "Replaced by a newer job with the same unique key."
    assert UniqueClaim.objects.get().job_id == second.job.pk


@pytest.mark.parametrize(
    ("status", "scope"), [("running", "unfinished"), ("running", "period"), ("succeeded", "period")]
)
def test_job_that_runs_or_ended_within_its_period_is_not_replaced(status, scope):
    merchant = make_merchant()
    period = {"period": 60} if scope == "period" else {}
    [first] = create(merchant, asked(scope=scope, **period))
    become(first.job, status)
    with pytest.raises(UniqueKeyHeld):
        create(merchant, asked(on_conflict="replace"))
    first.job.refresh_from_db()
    assert (first.job.status, first.job.cancel_requested_at) == (status, None)


def test_duplicates_within_a_batch_meet_each_other_as_if_created_one_by_one():
    merchant = make_merchant()
    placed: list[Any] = place_jobs(
        merchant=merchant,
        new_jobs=[
            asked(),
            asked(),
            asked(on_conflict="reject"),
            asked(on_conflict="replace"),
            asked("another"),
        ],
        now=NOW,
    )
    first, same, rejected, replacing, plain = placed
    assert (same.job.pk, same.created) == (first.job.pk, False)
    assert rejected.job_id == str(first.job.pk)
    assert replacing.created
    assert first.job.status == "cancelled"
    assert plain.created
    claims = dict(UniqueClaim.objects.values_list("key", "job_id"))
    assert claims == {"k": replacing.job.pk, "another": plain.job.pk}


def test_jobs_without_a_key_cost_no_statement_more(django_assert_num_queries):
    merchant = make_merchant()
    body = {"kind": "python", "payload": {"handler": "demo.noop"}}
    plain = read_new_job(body, now=NOW, merchant_id=merchant.pk)
    create(merchant, plain)
    for verb in (place_jobs, create_jobs):
        with django_assert_num_queries(3):  # the transaction's two, and the insert
            verb(merchant=merchant, new_jobs=[plain] * 10, now=NOW)


def test_statements_for_keys_do_not_grow_with_the_batch(django_assert_max_num_queries):
    merchant = make_merchant()
    create(merchant, *(asked(f"key-{number}") for number in range(200)))
    again = [
        asked(f"key-{number}", on_conflict=("return", "replace")[number % 2])
        for number in range(200)
    ]
    with django_assert_max_num_queries(14):
        placed = create(merchant, *again)
    assert sum(one.created for one in placed) == 100


def test_restarted_job_takes_its_key_again():
    merchant = make_merchant()
    [first] = create(merchant, asked())
    become(first.job, "failed")
    lifecycle.restart(job_ids=[first.job.pk], now=NOW, by="someone")
    [second] = create(merchant, asked())
    assert (second.created, second.job.pk) == (False, first.job.pk)


def test_job_is_not_restarted_while_another_one_holds_its_key():
    merchant = make_merchant()
    [first] = create(merchant, asked())
    become(first.job, "failed")
    [second] = create(merchant, asked())
    bystander = make_job(status="failed", merchant=merchant)
    moved = lifecycle.restart(job_ids=[first.job.pk, bystander.pk], now=NOW, by="someone")
    assert [job.job_id for job in moved] == [bystander.pk]
    first.job.refresh_from_db()
    assert first.job.status == "failed"
    become(second.job, "succeeded")
    assert lifecycle.restart(job_ids=[first.job.pk], now=NOW, by="someone")


def test_of_two_failed_jobs_with_one_key_one_is_restarted():
    merchant = make_merchant()
    jobs = []
    for _ in range(2):
        [placed] = create(merchant, asked())
        become(placed.job, "failed")
        jobs.append(placed.job.pk)
    moved = lifecycle.restart(job_ids=jobs, now=NOW, by="someone")
    assert [job.job_id for job in moved] == [jobs[0]]


def test_upkeep_forgets_keys_that_nobody_holds_and_keeps_the_others():
    merchant = make_merchant()
    ended, kept, lapsed, lasting = create(
        merchant,
        asked("ended"),
        asked("kept"),
        asked("lapsed", scope="period", period=3600),
        asked("lasting", scope="period", period=86_400 * 3),
    )
    become(ended.job, "succeeded")
    later = NOW + timedelta(days=2)
    assert keep_up(NOW).unique_keys == 0
    assert keep_up(later).unique_keys == 2
    assert set(UniqueClaim.objects.values_list("key", flat=True)) == {"kept", "lasting"}
    assert keep_up(later).unique_keys == 0
    [again] = create(merchant, asked("kept"), now=later)
    assert again.job.pk == kept.job.pk
    assert lapsed.created
    assert lasting.created


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("on_conflict", ["return", "reject", "replace"])
def test_second_session_waits_for_the_first_and_then_meets_its_job(on_conflict, is_known):
    merchant = make_merchant()
    if is_known:
        end_one(merchant, "k")

    def other():
        try:
            return create(merchant, asked(on_conflict=on_conflict))
        except UniqueKeyHeld as refusal:
            return refusal

    with transaction.atomic():
        [first] = create(merchant, asked())
        session = OtherSession(other)
        wait_until_it_waits_or_ends(session)
        assert session.is_alive()
    answer = session.result()
    first.job.refresh_from_db()
    assert Job.objects.unfinished().count() == 1
    if on_conflict == "return":
        assert (answer[0].created, answer[0].job.pk) == (False, first.job.pk)
    elif on_conflict == "reject":
        assert holders_named(answer) == [str(first.job.pk)]
    else:
        assert answer[0].created
    assert first.job.status == ("cancelled" if on_conflict == "replace" else "scheduled")


@pytest.mark.django_db(transaction=True)
def test_key_that_a_session_has_looked_at_is_its_own_until_it_ends():
    merchant = make_merchant()
    [first] = create(merchant, asked())
    with transaction.atomic():
        [found] = create(merchant, asked())
        session = OtherSession(lambda: create(merchant, asked(on_conflict="replace")))
        wait_until_it_waits_or_ends(session)
        assert session.is_alive()
    assert not found.created
    assert session.result()[0].created
    first.job.refresh_from_db()
    assert first.job.status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_session_whose_predecessor_rolls_back_gets_the_key():
    merchant = make_merchant()
    with transaction.atomic():
        create(merchant, asked())
        session = OtherSession(lambda: create(merchant, asked()))
        wait_until_it_waits_or_ends(session)
        transaction.set_rollback(True)
    [placed] = session.result()
    assert placed.created
    assert Job.objects.get().pk == placed.job.pk


@pytest.mark.django_db(transaction=True)
def test_creation_that_waited_for_a_restart_meets_the_restarted_job():
    merchant = make_merchant()
    [first] = create(merchant, asked())
    become(first.job, "failed")
    with transaction.atomic():
        lifecycle.restart(job_ids=[first.job.pk], now=NOW, by="someone")
        session = OtherSession(lambda: create(merchant, asked()))
        wait_until_it_waits_or_ends(session)
    [placed] = session.result()
    assert (placed.created, placed.job.pk) == (False, first.job.pk)


@pytest.mark.django_db(transaction=True)
def test_job_that_starts_while_it_is_to_be_replaced_is_left_alone():
    merchant = make_merchant()
    [first] = create(merchant, asked())

    def other():
        try:
            return create(merchant, asked(on_conflict="replace"))
        except UniqueKeyHeld as refusal:
            return holders_named(refusal)

    with transaction.atomic():
        become(first.job, "running")
        session = OtherSession(other)
        wait_until_it_waits_or_ends(session)
        assert session.is_alive()
    assert session.result() == [str(first.job.pk)]
    assert Job.objects.get().status == "running"


@pytest.mark.django_db(transaction=True)
def test_upkeep_does_not_forget_a_key_that_is_being_taken():
    merchant = make_merchant()
    [first] = create(merchant, asked())
    become(first.job, "failed")
    later = NOW + timedelta(days=2)
    with transaction.atomic():
        [second] = create(merchant, asked(), now=later)
        assert OtherSession(lambda: keep_up(later)).result().unique_keys == 0
    assert UniqueClaim.objects.get().job_id == second.job.pk


@pytest.mark.django_db(transaction=True)
def test_batches_that_name_keys_in_opposite_orders_do_not_deadlock():
    merchant = make_merchant()
    keys = [f"key-{number}" for number in range(50)]
    create(merchant, *(asked(key) for key in keys[::2]))

    def batch(names):
        for _ in range(10):
            create(merchant, *(asked(key, on_conflict="replace") for key in names))

    sessions = [OtherSession(partial(batch, names)) for names in (keys, keys[::-1])]
    for session in sessions:
        session.result()
    unfinished = Job.objects.unfinished()
    assert sorted(unfinished.values_list("unique_key", flat=True)) == sorted(keys)


KEYS = ("a", "b")
STEPS = st.tuples(
    st.sampled_from(["create", "claim", "end", "restart", "sweep"]),
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.sampled_from(["return", "reject", "replace"])),
        min_size=1,
        max_size=3,
    ),
)


def take_step(merchant_id: UUID, step) -> None:
    verb, wanted = step
    mine = Job.objects.filter(merchant_id=merchant_id).order_by("pk")
    if verb == "create":
        merchant = Merchant.objects.get(pk=merchant_id)
        news = [asked(key, on_conflict=choice) for key, choice in wanted]
        place_jobs(merchant=merchant, new_jobs=news, now=NOW)
    elif verb == "claim":
        first = mine.filter(status="scheduled").values_list("pk", flat=True)[:1]
        # Guarded as a real claim is: the other session may have replaced it meanwhile.
        Job.objects.filter(pk__in=list(first), status="scheduled").update(
            status="running",
            attempt=1,
            ticket=1,
            worker_id=merchant_id,
            started_at=NOW,
            deadline_at=NOW,
        )
    elif verb == "end":
        mine.filter(status="running").update(status="failed", finalized_at=NOW, ticket=None)
    elif verb == "restart":
        ended = list(mine.filter(status__in=["failed", "cancelled"]).values_list("pk", flat=True))
        lifecycle.restart(job_ids=ended, now=NOW, by="someone")
    else:
        keep_up(NOW + timedelta(days=2))


@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    here=st.lists(STEPS, min_size=1, max_size=5),
    there=st.lists(STEPS, min_size=1, max_size=5),
    held_open=st.integers(0, 4),
    known=st.sets(st.sampled_from(KEYS)),
)
def test_no_interleaving_leaves_two_unfinished_holders(here, there, held_open, known):
    merchant = make_merchant()
    for key in sorted(known):
        end_one(merchant, key)

    def other():
        for step in there:
            take_step(merchant.pk, step)

    session = None
    for number, step in enumerate(here):
        with transaction.atomic():
            take_step(merchant.pk, step)
            if number == min(held_open, len(here) - 1):
                session = OtherSession(other)
                wait_until_it_waits_or_ends(session)
    assert session is not None
    session.result()
    unfinished = Job.objects.of(merchant).unfinished().exclude(unique_key="")
    keys = list(unfinished.values_list("unique_key", flat=True))
    assert sorted(keys) == sorted(set(keys))
    holders = dict(UniqueClaim.objects.of(merchant).values_list("key", "job_id"))
    assert all(holders[job.unique_key] == job.pk for job in unfinished)
