"""A redrive: a canary, a tenth, all, at a rate; stops by itself; any number of redrivers."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs import redriver
from jobs.models import DeadLetter, Job, Redrive, RedriveItem
from jobs.operations import dead_letters, redrives
from jobs.operations.fields import InvalidFields
from jobs.watcher import keep_up
from tenants.audit import verify_chains
from tenants.clock import database_now
from tenants.models import AuditEntry
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.integration.dependencies.kit import child_of, end, settle_all
from tests.integration.redrives.kit import (
    FINGERPRINT,
    HTTP,
    Clock,
    begin,
    fail,
    make_letters,
    run_all,
    succeed,
    tally_of,
)
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return make_merchant()


@pytest.fixture(autouse=True)
def bystanders():
    """Letters of another merchant with the same fingerprint, which stay as they are."""
    other = make_merchant()
    letters = make_letters(other, 3)
    yield letters
    assert set(DeadLetter.objects.of(other).values_list("resolution", flat=True)) == {""}
    assert set(Job.objects.of(other).values_list("status", flat=True)) == {"failed"}


def test_one_goes_first_then_a_tenth_then_all(merchant):
    make_letters(merchant, 50)
    redrive, clock = begin(merchant), Clock()

    clock.step()
    assert tally_of(redrive) == ("running", "canary", 1, 0, 0, 49)
    clock.step()
    assert tally_of(redrive) == ("running", "canary", 1, 0, 0, 49)  # it has not ended
    run_all()
    clock.step()
    assert tally_of(redrive) == ("running", "tenth", 5, 1, 0, 45)
    run_all()
    clock.step()
    assert tally_of(redrive) == ("running", "rest", 50, 5, 0, 0)
    run_all()
    clock.step()
    assert tally_of(redrive) == ("done", "rest", 50, 50, 0, 0)
    letters = DeadLetter.objects.of(merchant)
    assert set(letters.values_list("resolution", "resolved_by")) == {
        ("redriven", "ana@example.test")
    }
    assert clock.step().redrives == 0


def test_five_thousand_letters_with_a_canary_that_stops_on_a_new_failure(merchant):
    make_letters(merchant, 5_000)
    redrive, clock = begin(merchant, rate=1_000), Clock()
    clock.step()
    run_all(fail)
    assert clock.step().stopped == 1
    assert tally_of(redrive) == ("stopped", "canary", 1, 0, 1, 4_999)
    first = RedriveItem.objects.get(redrive=redrive, position=1)
    found = Redrive.objects.get(pk=redrive.pk)
    assert found.stop_reason == (
        f"Job {first.job_id} failed again: shop_closed: The shop is closed."
    )
    assert found.stopped_by == "system"
    assert clock.step(3_600).redriven == 0
    assert DeadLetter.objects.of(merchant).open().count() == 5_000  # 4,999 and the new one

    redrives.resume(redrive, by=somebody())
    for _ in range(20):
        clock.step(5)
        run_all()
    assert tally_of(redrive) == ("done", "rest", 5_000, 4_999, 1, 0)
    assert Job.objects.of(merchant).filter(status="succeeded").count() == 4_999
    assert all(chain.broken is None for chain in verify_chains())


def test_a_failure_among_the_tenth_stops_the_rest(merchant):
    make_letters(merchant, 100)
    redrive, clock = begin(merchant), Clock()
    clock.step()
    run_all()
    clock.step()
    victim = RedriveItem.objects.get(redrive=redrive, position=7).job_id
    run_all(lambda attempt: (fail if attempt.job_id == victim else succeed)(attempt))
    clock.step()
    assert tally_of(redrive) == ("stopped", "tenth", 10, 9, 1, 90)
    assert str(victim) in Redrive.objects.get(pk=redrive.pk).stop_reason
    assert Job.objects.of(merchant).filter(status="failed").count() == 91


def test_a_failure_among_the_rest_stops_what_has_not_gone(merchant):
    make_letters(merchant, 300)
    redrive, clock = begin(merchant, rate=4), Clock()
    for _ in range(8):
        clock.step(5)
        run_all()
    clock.step(5)
    assert Redrive.objects.get(pk=redrive.pk).stage == "rest"
    run_all(fail)
    clock.step(5)
    state, _, redriven, succeeded, failed, left = tally_of(redrive)
    assert (state, redriven + left, succeeded + failed) == ("stopped", 300, redriven)
    assert failed == 20
    assert left > 0


@pytest.mark.parametrize("rate", [0.5, 3, 40])
def test_no_more_go_than_the_rate_allows(merchant, rate):
    make_letters(merchant, 300)
    redrive, clock = begin(merchant, rate=rate), Clock()
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=0)
    begun = clock.now
    clock.step(0)
    for _ in range(10):
        clock.step(1)
    elapsed = (clock.now - begun).total_seconds()
    assert tally_of(redrive)[2] == min(300, int(rate * elapsed))


def test_after_a_long_silence_the_rate_still_holds(merchant):
    make_letters(merchant, 300)
    redrive, clock = begin(merchant, rate=4), Clock()
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest")
    clock.step()
    clock.step(36_000)
    assert tally_of(redrive)[2] <= 21  # the first one, and five seconds' worth


def test_letters_that_somebody_resolved_meanwhile_are_left_out(merchant):
    first, second, third = make_letters(merchant, 3)
    redrive, clock = begin(merchant), Clock()
    dead_letters.discard(first, now=NOW, by=somebody())
    DeadLetter.objects.filter(pk=second.pk).delete()
    clock.step()
    clock.step()
    clock.step()
    run_all()
    clock.step()
    found = Redrive.objects.get(pk=redrive.pk)
    assert (found.state, found.left_out, found.succeeded) == ("done", 2, 1)
    notes = RedriveItem.objects.filter(state="left_out").values_list("note", flat=True)
    assert "discarded meanwhile" in " ".join(notes)
    assert Job.objects.get(pk=first.job_id).status == "failed"
    assert Job.objects.get(pk=third.job_id).status == "succeeded"


def test_a_canary_that_is_cancelled_is_followed_by_another(merchant):
    make_letters(merchant, 20)
    redrive, clock = begin(merchant), Clock()
    clock.step()
    first = RedriveItem.objects.get(redrive=redrive, position=1)
    Job.objects.filter(pk=first.job_id).delete()
    clock.step()
    assert tally_of(redrive) == ("running", "canary", 2, 0, 0, 18)


def test_a_stopped_redrive_counts_what_still_ends_and_goes_on_when_resumed(merchant):
    make_letters(merchant, 20)
    redrive, clock = begin(merchant), Clock()
    clock.step()
    redrives.stop(redrive, {"reason": "Too early"}, now=NOW, by=somebody())
    run_all()
    clock.step()
    assert tally_of(redrive) == ("stopped", "canary", 1, 1, 0, 19)
    with pytest.raises(redrives.RedriveNotRunning):
        redrives.stop(redrive, {}, now=NOW, by=somebody())
    redrives.resume(redrive, by=somebody())
    with pytest.raises(redrives.RedriveNotStopped):
        redrives.resume(redrive, by=somebody())
    clock.step()
    assert tally_of(redrive) == ("running", "tenth", 2, 1, 0, 18)
    told = AuditEntry.objects.of(merchant).filter(object_id=str(redrive.pk)).order_by("number")
    assert [entry.verb for entry in told] == ["redrive", "stop", "resume"]


def test_a_step_costs_the_same_number_of_statements_whatever_the_size(merchant):
    counts = []
    for size in (20, 900):
        owner = make_merchant()
        make_letters(owner, size)
        redrive, clock = begin(owner, rate=1_000), Clock()
        Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=5_000)
        with CaptureQueriesContext(
            connection,
        ) as first:
            clock.step()
        run_all()
        with CaptureQueriesContext(connection) as last:
            clock.step()
        assert tally_of(redrive)[:4] == ("done", "rest", size, size)
        counts.append((len(first), len(last)))
    assert counts[0] == counts[1]


def http_letters(merchant, count, payload=HTTP):
    return make_letters(merchant, count, kind="http", handler="shop.example", payload=payload)


def test_the_merge_patch_is_applied_to_every_payload_and_checked(merchant):
    http_letters(merchant, 11)
    [odd] = http_letters(merchant, 1, {**HTTP, "json": {"n": 5, "m": 6}})
    redrive, clock = begin(merchant, patch={"json": {"n": 2}}), Clock()
    for _ in range(5):
        clock.step()
        run_all()
    assert tally_of(redrive)[0] == "done"
    payloads = Job.objects.of(merchant).values_list("payload", flat=True)
    assert {payload["json"]["n"] for payload in payloads} == {2}
    assert Job.objects.get(pk=odd.job_id).payload == {**HTTP, "json": {"n": 2, "m": 6}}


def test_a_patch_that_does_not_fit_leaves_the_letter_open_and_says_why(merchant):
    http_letters(merchant, 1)
    [bad] = make_letters(merchant, 1)
    redrive, clock = begin(merchant, patch={"json": {"n": 2}}), Clock()
    for _ in range(4):
        clock.step()
        run_all()
    found = Redrive.objects.get(pk=redrive.pk)
    assert (found.state, found.succeeded, found.left_out) == ("done", 1, 1)
    assert "patch" in RedriveItem.objects.get(redrive=redrive, letter_id=bad.pk).note
    bad.refresh_from_db()
    assert bad.resolution == ""


def test_a_patch_that_does_not_fit_the_first_letter_is_refused(merchant):
    make_letters(merchant, 2)
    with pytest.raises(InvalidFields, match="does not fit job"):
        begin(merchant, patch={"handler": "nobody.knows"})
    assert Redrive.objects.count() == 0


def test_a_patch_cannot_send_hidden_values_to_another_host(merchant):
    secret = {"url": "https://shop.example/a", "headers": {"Authorization": "s3cret"}}
    http_letters(merchant, 2, secret)
    with pytest.raises(InvalidFields, match="hidden value"):
        begin(merchant, patch={"url": "https://thief.example/a"})
    redrive, clock = begin(merchant, patch={"url": "https://shop.example/b"}), Clock()
    clock.step()
    job = Job.objects.get(pk=RedriveItem.objects.get(redrive=redrive, position=1).job_id)
    assert job.payload == {**secret, "url": "https://shop.example/b"}


def test_a_dry_run_changes_nothing_and_shows_examples(merchant):
    http_letters(merchant, 9)
    body = {"filter": {"fingerprint": "ab" * 8}, "patch": {"json": {"n": 2}}}
    found = redrives.dry_run(body, merchant=merchant)
    assert (found.count, found.more, len(found.examples)) == (9, False, 5)
    [difference] = found.examples[0].drawn.differences
    assert (difference.path, difference.before, difference.after) == ("/json/n", 1, 2)
    assert Redrive.objects.count() == 0
    assert DeadLetter.objects.of(merchant).open().count() == 9


def test_a_redrive_fills_what_is_left_of_the_quota_and_waits(merchant):
    make_letters(merchant, 5)
    merchant.max_waiting_jobs = 2
    merchant.save()
    redrive, clock = begin(merchant), Clock()
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=5)
    clock.step()
    assert tally_of(redrive) == ("running", "rest", 2, 0, 0, 3)
    clock.step()
    assert tally_of(redrive) == ("running", "rest", 2, 0, 0, 3)
    run_all()
    clock.step()
    assert tally_of(redrive) == ("running", "rest", 4, 2, 0, 1)


def test_upkeep_forgets_resolved_letters_after_the_merchants_days(merchant):
    kept, old, young, still_open = make_letters(merchant, 4)
    merchant.dead_letter_days = 30
    merchant.save()
    now = database_now()
    patient = make_merchant(dead_letter_days=300)
    [waits] = make_letters(patient, 1)
    for letter, days in ((kept, 29), (old, 31), (young, 0), (waits, 31)):
        DeadLetter.objects.filter(pk=letter.pk).update(
            resolution="discarded", resolved_at=now - timedelta(days=days)
        )
    assert keep_up(now).dead_letters == 1
    left = set(DeadLetter.objects.values_list("pk", flat=True))
    assert old.pk not in left
    assert {kept.pk, young.pk, still_open.pk, waits.pk} <= left


def test_upkeep_forgets_the_parts_of_old_redrives_and_keeps_their_counts(merchant):
    make_letters(merchant, 3)
    redrive, clock = begin(merchant), Clock()
    for _ in range(4):
        clock.step()
        run_all()
    Redrive.objects.filter(pk=redrive.pk).update(finished_at=database_now() - timedelta(days=91))
    keep_up(database_now())
    assert not RedriveItem.objects.exists()
    assert tally_of(redrive) == ("done", "rest", 3, 3, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_redrivers_at_once_let_each_job_go_once():
    merchant = make_merchant()
    make_letters(merchant, 40)
    redrive = begin(merchant)
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=40)
    now = NOW + timedelta(seconds=2)
    with transaction.atomic():
        assert redriver.step(now).redriven == 40
        other = OtherSession(lambda: redriver.step(now + timedelta(seconds=2))).result()
        assert (other.redrives, other.redriven) == (0, 0)  # it is taken: nobody waits for it
    assert redriver.step(now).redrives == 0  # stepped at this moment already
    assert tally_of(redrive) == ("running", "rest", 40, 0, 0, 0)
    assert Job.objects.of(merchant).filter(status="scheduled").count() == 40


def test_a_redrive_that_cannot_be_stepped_does_not_hold_up_the_others(merchant, monkeypatch):
    make_letters(merchant, 2)
    bad = begin(merchant, patch={"arguments": {}})
    good = begin(merchant)

    def explode(*_args):
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("jobs.redriver.patched", explode)
    clock = Clock()
    assert clock.step().redrives == 2
    assert tally_of(bad) == ("running", "canary", 0, 0, 0, 2)
    assert tally_of(good) == ("running", "canary", 1, 0, 0, 1)


def test_no_more_jobs_are_under_way_than_a_step_looks_at(merchant, monkeypatch):
    monkeypatch.setattr("jobs.redriver.MOST_GOING", 6)
    make_letters(merchant, 20)
    redrive, clock = begin(merchant), Clock()
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=20)
    clock.step()
    clock.step()
    assert tally_of(redrive)[2] == 6
    run_all()
    clock.step()
    assert tally_of(redrive)[2] == 12


def test_payloads_that_take_results_of_parents_are_filled_in_groups(merchant, monkeypatch):
    monkeypatch.setattr("jobs.redriver.MOST_FILLED", 2)
    make_letters(merchant, 3)
    make_letters(merchant, 5, draws_on_parents=True)
    redrive, clock = begin(merchant), Clock()
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=20)
    redriven = [clock.step().redriven for _ in range(4)]
    assert redriven == [5, 2, 1, 0]


def test_a_patch_leaves_out_payloads_that_take_results_of_parents(merchant):
    make_letters(merchant, 1)
    [drawing] = make_letters(merchant, 1, draws_on_parents=True)
    redrive = begin(merchant, patch={"arguments": {}})
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=20)
    Clock().step()
    item = RedriveItem.objects.get(redrive=redrive, letter_id=drawing.pk)
    assert (item.state, "results of its parents" in item.note) == ("left_out", True)
    assert Job.objects.get(pk=drawing.job_id).status == "failed"


def test_results_of_parents_are_put_in_wherever_the_job_stands_in_the_order():
    parent = make_job()
    make_letters(parent.merchant, 120)
    child = child_of(
        parent,
        condition="parents.p0.result.m > 1",
        payload={"handler": "demo.echo", "arguments": {"value": "{{ parents.p0.result.n }}"}},
        handler="demo.echo",
        draws_on_parents=True,
    )
    end(parent, output={"n": 7})
    settle_all()
    DeadLetter.objects.filter(job_id=child.pk).update(fingerprint=FINGERPRINT)
    redrive = begin(parent.merchant)
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=200)
    assert Clock().step().redriven == 121
    restarted = Job.objects.get(pk=child.pk)
    assert (restarted.status, restarted.payload["arguments"]) == ("scheduled", {"value": 7})
