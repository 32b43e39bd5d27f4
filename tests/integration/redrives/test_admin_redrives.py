"""Redrives and groups in the admin: looked at first, begun, stopped, resumed; one's own alone."""

import json

import pytest
from django.urls import reverse

from jobs.models import DeadLetter, Job, Redrive
from tenants.models import AuditEntry
from tests.factories.admin import browser_of, confirm, list_url, messages_of, page_url, text_of
from tests.factories.jobs import make_merchant
from tests.factories.tenants import make_member
from tests.integration.redrives.kit import (
    FINGERPRINT,
    HTTP,
    Clock,
    begin,
    fail,
    make_letters,
    run_all,
)

pytestmark = pytest.mark.django_db
ADD = "admin:jobs_redrive_add"
GROUPS = "admin:jobs_deadletter_groups"


@pytest.fixture
def shop():
    return make_merchant("shop")


@pytest.fixture
def browser(shop):
    return browser_of(make_member(shop, email="ana@example.test"))


@pytest.fixture(autouse=True)
def bystanders():
    """Letters of another merchant with the same error, which stay as they are."""
    other = make_merchant("other")
    letters = make_letters(other, 2)
    yield other, letters
    assert set(DeadLetter.objects.of(other).values_list("resolution", flat=True)) == {""}


@pytest.fixture
def letters(shop):
    return make_letters(shop, 7, kind="http", handler="shop.example", payload=HTTP)


def send(browser, **fields):
    body = {"fingerprint": FINGERPRINT, "rate": "50", "patch": '{"json": {"n": "<i>"}}', **fields}
    return browser.post(reverse(ADD), body)


def test_a_redrive_is_looked_at_before_it_begins(browser, shop, letters):
    first = send(browser)
    page = text_of(first)
    assert "It would take 7 dead letters" in page
    assert "/json/n changed" in page
    assert "&lt;i&gt;" in page
    assert not Redrive.objects.exists()

    looked = first.context["adminform"].form["looked"].value()
    other = send(browser, looked=looked, rate="60")  # not what was looked at
    assert "Nothing has begun yet" in text_of(other)
    assert not Redrive.objects.exists()

    assert send(browser, looked=looked).status_code == 302
    redrive = Redrive.objects.get()
    assert (redrive.merchant, redrive.total, redrive.rate) == (shop, 7, 50)
    assert (redrive.created_by, redrive.patch) == ("ana@example.test", {"json": {"n": "<i>"}})
    entry = AuditEntry.objects.get(object_id=str(redrive.pk))
    assert (entry.verb, entry.actor_name, entry.address) == (
        "redrive",
        "ana@example.test",
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fingerprint": ""}, "must name one of"),
        ({"rate": "0"}, "must be between"),
        ({"patch": "{"}, "not valid JSON"),
        ({"patch": "[]"}, "JSON object"),
        ({"fingerprint": "0" * 16}, "No open dead letter fits"),
    ],
)
def test_what_cannot_be_carried_out_is_said(browser, letters, fields, words):
    assert words in text_of(send(browser, **fields))
    assert not Redrive.objects.exists()


def test_the_page_says_how_far_it_is_and_stops_and_resumes(browser, shop, letters):
    redrive, clock = begin(shop), Clock()
    clock.step()
    address = page_url("redrive", redrive)
    assert "one job goes first" in text_of(browser.get(address))
    confirm(browser, page_url("redrive", redrive, "stop"), reason="Lunch <b>")
    page = text_of(browser.get(address))
    assert "Lunch &lt;b&gt; (ana@example.test)" in page
    late = confirm(browser, page_url("redrive", redrive, "stop"))
    assert "only a running one stops" in messages_of(late)[-1]
    confirm(browser, page_url("redrive", redrive, "resume"))
    run_all(fail)
    clock.step()
    page = text_of(browser.get(address))
    assert "shop_closed: The shop is closed." in page
    assert "failed again" in page
    assert "1 redriven: 0 succeeded, 1 failed" in page
    assert page_url("redrive", redrive) in text_of(browser.get(list_url("redrive")))


def test_a_redrive_of_another_merchant_is_not_there(browser, bystanders):
    other, _ = bystanders
    theirs = begin(other)
    assert page_url("redrive", theirs) not in text_of(browser.get(list_url("redrive")))
    assert browser.get(page_url("redrive", theirs)).status_code == 302
    assert confirm(browser, page_url("redrive", theirs, "stop")).status_code == 404
    theirs.refresh_from_db()
    assert theirs.state == "running"


def test_groups_count_ones_own_letters_by_error(browser, letters):
    page = text_of(browser.get(reverse(GROUPS)))
    assert "<td>7</td>" in page
    assert "<td>2</td>" not in page
    assert f"fingerprint={FINGERPRINT}" in page
    listed = text_of(browser.get(list_url("deadletter", fingerprint=FINGERPRINT)))
    assert page_url("deadletter", letters[0]) in listed


def test_a_group_is_discarded_with_a_reason_in_one_entry(browser, shop, letters):
    address = reverse("admin:jobs_deadletter_discard_group", args=[shop.pk, FINGERPRINT])
    assert "7 open dead letters" in text_of(browser.get(address))
    assert "required" in text_of(browser.post(address, {"reason": ""}))
    assert DeadLetter.objects.of(shop).open().count() == 7
    browser.post(address, {"reason": "Closed for good"})
    found = set(DeadLetter.objects.of(shop).values_list("resolution", "reason", "resolved_by"))
    assert found == {("discarded", "Closed for good", "ana@example.test")}
    assert set(Job.objects.of(shop).values_list("status", flat=True)) == {"failed"}
    entry = AuditEntry.objects.get(verb="discard")
    assert entry.after == {
        "chosen_by": {"filter": {"fingerprint": FINGERPRINT}},
        "count": 7,
        "reason": "Closed for good",
    }
    assert json.dumps(entry.after)


def test_a_group_of_another_merchant_is_not_discarded(browser, bystanders):
    other, _ = bystanders
    address = reverse("admin:jobs_deadletter_discard_group", args=[other.pk, FINGERPRINT])
    assert browser.post(address, {"reason": "mine now"}).status_code == 404
