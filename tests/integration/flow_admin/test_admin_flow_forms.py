"""The forms and buttons of flow rules in the admin."""

import pytest
from django.contrib.admin.models import LogEntry

from jobs.models import Flow
from tests.factories.admin import browser_of, confirm, list_url, messages_of, page_url, text_of
from tests.factories.flows import make_flow
from tests.factories.tenants import (
    make_merchant_admin,
)
from tests.integration.flow_admin.flow_kit import VERBS, add_url, everything
from tests.integration.templates.admin_kit import errors_of, left_alone, send, words_of

pytestmark = pytest.mark.django_db


def test_rule_is_stored_for_the_persons_merchant_and_logged(boss, shop, others):
    answer = send(
        boss,
        add_url(),
        scope="kind",
        name="python",
        most_active=4,
        rate=10,
        rate_period=60,
        burst=20,
    )
    assert answer.status_code == 302, errors_of(answer)
    stored = Flow.objects.get(name="python")
    assert (stored.merchant, stored.scope, stored.most_active) == (shop, "kind", 4)
    assert (stored.rate, stored.rate_period, stored.burst) == (10, 60, 20)
    assert (stored.paused_at, stored.paused_by) == (None, "")
    assert LogEntry.objects.get().object_id == str(stored.pk)


def test_rule_may_begin_paused_without_bounds(shop, others):
    person = make_merchant_admin(shop)
    sent = send(browser_of(person), add_url(), scope="merchant", paused="on", note="Stocktaking")
    assert sent.status_code == 302
    stored = Flow.objects.get(scope="merchant")
    assert stored.paused_at is not None
    assert (stored.paused_by, stored.pause_note) == (person.email, "Stocktaking")


def test_superuser_makes_a_rule_of_the_operators_or_of_a_merchant(root, shop):
    for merchant in ("", str(shop.pk)):
        sent = send(root, add_url(), merchant=merchant, scope="lane", name="async", most_active=2)
        assert sent.status_code == 302, errors_of(sent)
    assert set(Flow.objects.values_list("merchant__slug", "name", "set_by_operators")) == {
        (None, "async", True),
        ("shop", "async", True),
    }


def test_operators_rule_for_a_merchant_stands_beside_its_own(root, boss, shop, rule, others):
    asked = {"scope": "kind", "name": "http", "most_active": 1}
    sent = send(root, add_url(), merchant=str(shop.pk), **asked)
    assert sent.status_code == 302, errors_of(sent)
    again = errors_of(send(root, add_url(), merchant=str(shop.pk), **asked))
    assert again == {"": ["There is a flow rule for the same jobs already; change that one."]}
    found = Flow.objects.filter(merchant=shop, name="http").order_by("set_by_operators")
    assert [(one.set_by_operators, one.most_active) for one in found] == [(False, 5), (True, 1)]


def test_merchants_form_makes_its_own_rule_whatever_is_sent(boss, shop):
    sent = send(boss, add_url(), scope="merchant", most_active=2, set_by_operators="on")
    assert sent.status_code == 302, errors_of(sent)
    assert not Flow.objects.get().set_by_operators


def test_nobody_adds_for_a_merchant_that_is_not_theirs(boss, shop, rival):
    send(boss, add_url(), merchant=str(rival.pk), scope="lane", name="async", most_active=2)
    assert Flow.objects.get().merchant == shop


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"scope": "merchant"}, "", "The form must have “At most at once”, “Rate” or “Begin "),
        ({"scope": "kind", "name": "nonsense", "rate": 1}, "name", "“Which” must be one of "),
        ({"scope": "template", "name": "7", "rate": 1}, "name", "“Which” must be the id of a "),
        ({"scope": "handler", "name": "https://a/b", "rate": 1}, "name", "no URL"),
        ({"scope": "handler", "name": "demo.nop", "rate": 1}, "name", "did you mean demo.noop?"),
        ({"scope": "merchant", "name": "x", "rate": 1}, "name", "“Which” is of no use here"),
        ({"scope": "merchant", "most_active": 0}, "most_active", "between 1 and 100,000"),
        ({"scope": "merchant", "rate": 9_999_999}, "rate", "“Rate” must be between 1 and "),
        ({"scope": "merchant", "most_active": 1, "burst": 5}, "burst", "“Burst” goes with “Rate”"),
        ({"scope": "merchant", "rate": 1, "note": "x"}, "note", "it goes with “Begin paused”"),
        ({"scope": "", "rate": 1}, "scope", "required"),
        ({"scope": "planet", "rate": 1}, "scope", "not one of"),
        ({"scope": "merchant", "rate": 1, "rate_period": 7}, "rate_period", "not one of"),
    ],
)
def test_refusal_stands_beside_its_field_and_nothing_is_stored(boss, others, typed, field, words):
    before = everything()
    errors = errors_of(send(boss, add_url(), **typed))
    assert set(errors) == {field}
    assert words in errors[field][0]
    assert everything() == before


def test_operators_rule_over_one_merchant_needs_that_merchant(root):
    errors = errors_of(send(root, add_url(), scope="merchant", most_active=1))
    assert errors == {"scope": ["“Concerns” needs a merchant; choose one."]}


def test_second_rule_for_the_same_jobs_is_refused(boss, rule, others):
    before = everything()
    errors = errors_of(send(boss, add_url(), scope="kind", name="http", most_active=1))
    assert errors == {"": ["There is a flow rule for the same jobs already; change that one."]}
    assert everything() == before


def test_bounds_are_changed_and_the_rest_stays(boss, rule, others):
    answer = send(boss, page_url("flow", rule), most_active="", rate=7, rate_period=3600)
    assert answer.status_code == 302, errors_of(answer)
    rule.refresh_from_db()
    assert (rule.most_active, rule.rate, rule.rate_period, rule.burst) == (None, 7, 3_600, None)
    assert (rule.scope, rule.name, rule.paused_at) == ("kind", "http", None)
    assert "Changed At most at once, Rate" in words_of(boss.get(page_url("flow", rule)))


def test_change_form_changes_neither_owner_nor_scope_nor_pause(root, rival, rule):
    typed = {"scope": "lane", "name": "async", "merchant": str(rival.pk), "paused": "on"}
    send(root, page_url("flow", rule), most_active=6, **typed)
    after = Flow.objects.values().get(pk=rule.pk)
    assert after["most_active"] == 6
    assert after["merchant_id"] == rule.merchant_id
    assert (after["scope"], after["name"], after["paused_at"]) == ("kind", "http", None)


def test_form_sent_untouched_changes_nothing_not_even_the_tokens(boss, shop):
    rule = make_flow(merchant=shop, scope="merchant", rate=5, tokens=2.5)
    with left_alone(rule):
        assert send(boss, page_url("flow", rule)).status_code == 302


def test_rule_without_any_bound_is_refused_with_a_remedy(boss, rule, others):
    errors = errors_of(send(boss, page_url("flow", rule), most_active=""))
    assert list(errors) == [""]
    assert "else delete the rule" in errors[""][0]


def test_taking_the_rate_away_from_a_burst_is_refused_beside_the_burst(boss, shop):
    rule = make_flow(merchant=shop, scope="merchant", most_active=3, rate=5, burst=9)
    with left_alone(rule):
        errors = errors_of(send(boss, page_url("flow", rule), rate=""))
    assert set(errors) == {"burst"}


# Pause, resume, delete


def test_pause_keeps_the_note_and_is_logged(shop, rule, others):
    person = make_merchant_admin(shop)
    browser = browser_of(person)
    answer = confirm(browser, page_url("flow", rule, "pause"), note="Their API\nis down")
    assert answer.headers["HX-Redirect"] == page_url("flow", rule)
    assert messages_of(answer) == ["The rule is paused."]
    rule.refresh_from_db()
    assert rule.paused_at is not None
    assert (rule.paused_by, rule.pause_note) == (person.email, "Their API is down")
    page = words_of(browser.get(page_url("flow", rule)))
    assert f"Paused by {person.email} at {rule.paused_at:%Y-%m-%d %H:%M:%S} UTC: Their API" in page
    assert "Paused: Their API is down" in page
    assert LogEntry.objects.get().change_message == "Paused: Their API is down"


def test_resume_takes_the_pause_away(boss, shop, others):
    rule = make_flow(merchant=shop, scope="merchant", rate=1, paused=True, pause_note="x")
    assert messages_of(confirm(boss, page_url("flow", rule, "resume"))) == [
        "The rule's jobs go again."
    ]
    rule.refresh_from_db()
    assert (rule.paused_at, rule.paused_by, rule.pause_note) == (None, "", "")
    assert LogEntry.objects.get().change_message == "Resumed."


def test_delete_deletes_this_rule_only(boss, rule, others):
    before = [row for row in everything() if row["id"] != rule.pk]
    answer = confirm(boss, page_url("flow", rule, "remove"))
    assert answer.headers["HX-Redirect"] == list_url("flow")
    assert messages_of(answer) == ["“kind http” is deleted."]
    assert everything() == before
    assert LogEntry.objects.get().object_id == str(rule.pk)


def test_questions_and_djangos_own_deletion_change_nothing(root, rule, others):
    before = everything()
    for verb in VERBS:
        assert root.get(page_url("flow", rule, verb)).status_code == 200
    assert root.post(page_url("flow", rule, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"}
    root.post(list_url("flow"), chosen)
    assert everything() == before


def test_foreign_page_cannot_press_a_button(shop, rule):
    careful = browser_of(make_merchant_admin(shop), enforce_csrf_checks=True)
    for verb in VERBS:
        with left_alone(rule):
            assert confirm(careful, page_url("flow", rule, verb)).status_code == 403


def test_endless_note_is_refused_in_the_dialog(boss, rule, others):
    with left_alone(rule):
        answer = confirm(boss, page_url("flow", rule, "pause"), note="x" * 501)
    assert "at most 500 characters" in text_of(answer)


def test_page_offers_what_its_state_takes(boss, shop, rule):
    paused = make_flow(merchant=shop, scope="lane", name="async", paused=True)
    for one, offered in ((rule, {"pause", "remove"}), (paused, {"resume", "remove"})):
        page = text_of(boss.get(page_url("flow", one)))
        assert {verb for verb in VERBS if page_url("flow", one, verb) in page} == offered
