"""Dead letters in the admin: redrive, with an edited payload or as it is, and discard."""

import json

import pytest

from jobs.models import DeadLetter, Job
from tests.factories.admin import (
    HTTP_PAYLOAD,
    confirm,
    list_url,
    make_dead_letter,
    messages_of,
    page_url,
    text_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(shop):
    return make_dead_letter(merchant=shop)


@pytest.fixture(autouse=True)
def bystander(shop):
    """A dead letter that nobody asks for."""
    other = make_dead_letter(merchant=shop)
    yield other
    assert DeadLetter.objects.get(pk=other.pk).resolution == ""
    assert Job.objects.get(pk=other.job_id).status == "failed"


def redrive(browser, letter, payload):
    """Answer the dialog, and again when it shows what changes."""
    address = page_url("deadletter", letter, "redrive")
    first = confirm(browser, address, payload=payload)
    if first.context is None or not first.context["form"].drawn:
        return first
    looked = first.context["form"]["looked"].value()
    return confirm(browser, address, payload=payload, looked=looked)


def with_value(value):
    """Return a payload whose body is the JSON text `value`."""
    return '{"url": "https://shop.example/orders", "json": ' + value + "}"


def shown_payload(browser, letter):
    """Return the payload as the dialog shows it."""
    page = browser.get(page_url("deadletter", letter, "redrive"))
    return page.context["form"].fields["payload"].initial


def test_redrive_without_a_change_runs_the_same_payload(browser, member, letter):
    response = redrive(browser, letter, shown_payload(browser, letter))
    letter.refresh_from_db()
    assert response.headers["HX-Redirect"] == page_url("deadletter", letter)
    assert (letter.resolution, letter.resolved_by) == ("redriven", member.email)
    job = Job.objects.get(pk=letter.job_id)
    assert (job.status, job.payload) == ("scheduled", HTTP_PAYLOAD)


def test_redrive_with_an_edited_payload_keeps_what_was_hidden(browser, letter):
    shown = shown_payload(browser, letter)
    assert "s3cret" not in shown
    redrive(browser, letter, json.dumps({**json.loads(shown), "json": {"order": 8}}))
    job = Job.objects.get(pk=letter.job_id)
    assert job.status == "scheduled"
    assert job.payload == {**HTTP_PAYLOAD, "json": {"order": 8}}


def test_an_edit_is_shown_before_it_is_applied(browser, letter):
    edited = json.dumps({**json.loads(shown_payload(browser, letter)), "json": {"order": "<b>"}})
    address = page_url("deadletter", letter, "redrive")
    first = confirm(browser, address, payload=edited)
    page = first.content.decode()
    assert "/json/order changed" in page
    assert "&lt;b&gt;" in page
    assert "s3cret" not in page
    assert Job.objects.get(pk=letter.job_id).status == "failed"
    looked = first.context["form"]["looked"].value()
    other = json.dumps({**HTTP_PAYLOAD, "json": {"order": 9}})
    confirm(browser, address, payload=other, looked=looked)  # not what was looked at
    assert Job.objects.get(pk=letter.job_id).status == "failed"
    confirm(browser, address, payload=edited, looked=looked)
    assert Job.objects.get(pk=letter.job_id).payload["json"] == {"order": "<b>"}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ('{"url": ', "not valid JSON"),
        ("[" * 20_000, "32 levels"),
        (with_value('"\\u0000"'), "U+0000"),
        (with_value('"\\ud800"'), "surrogate"),
        (with_value("NaN"), "NaN"),
        (with_value("-Infinity"), "Infinity"),
        (with_value("1e999"), "too large"),
        (with_value("9" * 5000), "4,300 digits"),
        (with_value('{"a": 1, "a": 2}'), "given twice"),
        (with_value("[" * 60 + "]" * 60), "32 levels"),
        ('{"method": "GET"}', "url"),
        ("[]", "payload"),
        ('{"method": "GET", "url": "ftp://shop.example/"}', "url"),
    ],
)
def test_bad_payload_is_refused_with_its_field_and_changes_nothing(browser, letter, payload, words):
    response = redrive(browser, letter, payload)
    errors = response.context["form"].errors["payload"]
    assert words in " ".join(errors)
    letter.refresh_from_db()
    assert letter.resolution == ""
    assert Job.objects.get(pk=letter.job_id).status == "failed"


def test_edit_of_a_number_to_true_is_an_edit(shop, browser):
    letter = make_dead_letter(merchant=shop, payload={**HTTP_PAYLOAD, "json": {"paid": 1}})
    redrive(browser, letter, json.dumps({**HTTP_PAYLOAD, "json": {"paid": True}}))
    assert Job.objects.get(pk=letter.job_id).payload["json"]["paid"] is True


def test_discard_keeps_the_reason_and_leaves_the_job_failed(browser, member, letter):
    address = page_url("deadletter", letter, "discard")
    confirm(browser, address, reason="The shop has closed.")
    letter.refresh_from_db()
    assert (letter.resolution, letter.reason, letter.resolved_by) == (
        "discarded",
        "The shop has closed.",
        member.email,
    )
    assert Job.objects.get(pk=letter.job_id).status == "failed"
    assert "The shop has closed." in text_of(browser.get(page_url("deadletter", letter)))


def test_resolved_letter_offers_no_buttons_and_refuses_late_ones(browser, letter):
    discard = page_url("deadletter", letter, "discard")
    confirm(browser, discard)
    page = text_of(browser.get(page_url("deadletter", letter)))
    assert discard not in page
    response = confirm(browser, discard)
    assert "discarded already" in messages_of(response)[-1]


def test_list_actions_take_the_open_ones_and_explain_the_rest(shop, browser, letter):
    second = make_dead_letter(merchant=shop)
    chosen = [letter.pk, second.pk]
    browser.post(
        list_url("deadletter"), {"action": "discard_chosen", "_selected_action": letter.pk}
    )
    response = browser.post(
        list_url("deadletter"), {"action": "redrive_chosen", "_selected_action": chosen}
    )
    told = messages_of(response)[-2:]
    assert told[0] == "1 running again."
    assert told[1].startswith("1 left unchanged. The dead letter was discarded already")
    statuses = Job.objects.in_bulk([letter.job_id, second.job_id])
    assert statuses[letter.job_id].status == "failed"
    assert statuses[second.job_id].status == "scheduled"


def test_open_ones_can_be_listed_alone(browser, letter, bystander):
    confirm(browser, page_url("deadletter", letter, "discard"))
    page = text_of(browser.get(list_url("deadletter", resolution="open")))
    assert page_url("deadletter", bystander) in page
    assert page_url("deadletter", letter) not in page


def test_search_finds_by_the_jobs_id(browser, letter, bystander):
    page = text_of(browser.get(list_url("deadletter", q=str(letter.job_id))))
    assert page_url("deadletter", letter) in page
    assert page_url("deadletter", bystander) not in page
