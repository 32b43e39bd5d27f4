"""What happens to letters, jobs, merchants and clocks while a redrive is under way."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs import redriver
from jobs.models import DeadLetter, Job, Redrive, RedriveItem
from jobs.operations import dead_letters
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, make_merchant
from tests.integration.redrives.kit import Clock, begin, make_letters, run_all, tally_of
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock

SECONDS = timedelta(seconds=2)


def statuses(merchant):
    return sorted(Job.objects.of(merchant).values_list("status", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_letter_that_is_discarded_while_its_turn_comes_is_left_out():
    merchant, bystander = make_merchant(), make_merchant()
    first, second = make_letters(merchant, 2)
    [other] = make_letters(bystander, 1)
    redrive = begin(merchant)
    Redrive.objects.filter(pk=redrive.pk).update(stage="rest", allowance=5)
    with transaction.atomic():
        dead_letters.discard(first, now=NOW, by=somebody(), reason="Paid by hand")
        step = OtherSession(lambda: redriver.step(NOW + SECONDS))
        wait_until_one_waits_for_a_lock()
    assert step.result().redriven == 1
    assert Job.objects.get(pk=first.job_id).status == "failed"
    assert Job.objects.get(pk=second.job_id).status == "scheduled"
    first.refresh_from_db()
    assert (first.resolution, first.reason) == ("discarded", "Paid by hand")
    item = RedriveItem.objects.get(redrive=redrive, letter_id=first.pk)
    assert (item.state, "resolved" in item.note) == ("left_out", True)
    other.refresh_from_db()
    assert other.resolution == ""


@pytest.mark.django_db(transaction=True)
def test_a_letter_whose_job_runs_again_meanwhile_is_not_discarded():
    merchant = make_merchant()
    [letter] = make_letters(merchant, 1)
    with transaction.atomic():
        dead_letters.redrive(letter, now=NOW, by=somebody("ana@example.test"))
        late = DeadLetter.objects.get(pk=letter.pk)
        discard = OtherSession(lambda: dead_letters.discard(late, now=NOW, by=somebody()))
        wait_until_one_waits_for_a_lock()
    with pytest.raises(dead_letters.AlreadyResolved):
        discard.result()
    letter.refresh_from_db()
    assert letter.resolution == "redriven"
    assert statuses(merchant) == ["scheduled"]


@pytest.mark.django_db
def test_a_letter_that_was_discarded_since_it_was_looked_at_does_not_run_its_job():
    merchant = make_merchant()
    [letter] = make_letters(merchant, 1)
    seen = DeadLetter.objects.get(pk=letter.pk)
    dead_letters.discard(letter, now=NOW, by=somebody())
    with pytest.raises(dead_letters.AlreadyResolved):
        dead_letters.redrive(seen, now=NOW, by=somebody())
    assert statuses(merchant) == ["failed"]


@pytest.mark.django_db
def test_a_suspended_merchants_redrive_waits_until_it_is_back():
    merchant = make_merchant()
    make_letters(merchant, 3)
    redrive, clock = begin(merchant), Clock()
    merchant.active = False
    merchant.save()
    clock.step()
    assert tally_of(redrive) == ("running", "canary", 0, 0, 0, 3)
    merchant.active = True
    merchant.save()
    clock.step()
    assert tally_of(redrive) == ("running", "canary", 1, 0, 0, 2)


@pytest.mark.django_db
def test_a_redrive_goes_on_after_the_clock_was_set_back():
    merchant = make_merchant()
    make_letters(merchant, 2)
    redrive, clock = begin(merchant), Clock(NOW + timedelta(hours=3))
    clock.step()
    run_all()
    clock.now = NOW
    clock.step()  # nothing is known of the time that passed
    clock.step()
    assert tally_of(redrive)[2:4] == (2, 1)
