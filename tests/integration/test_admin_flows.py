"""The admin's pages of flow rules: who sees and changes which, forms, pauses, lines, and words."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.admin import flow_words
from jobs.models import Flow, Job
from jobs.states import Gate
from tenants.identifiers import new_id
from tenants.models import Membership, Merchant
from tests.factories.admin import browser_of, confirm, list_url, messages_of, page_url, text_of
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.factories.tenants import (
    make_member,
    make_merchant_admin,
    make_superuser,
    make_user,
)
from tests.integration.templates.admin_kit import errors_of, left_alone, send, words_of
from tests.integration.test_admin_escaping import EVIL, check

pytestmark = pytest.mark.django_db

VERBS = ("pause", "resume", "remove")


@pytest.fixture
def boss(shop):
    """The merchant admin's browser."""
    return browser_of(make_merchant_admin(shop))


@pytest.fixture
def root():
    return browser_of(make_superuser())


@pytest.fixture
def rival() -> Merchant:
    return make_merchant("rival")


@pytest.fixture
def rule(shop):
    return make_flow(merchant=shop, scope="kind", name="http", most_active=5)


@pytest.fixture
def others(shop, rival):
    """Rules that nobody asks for: one of the merchant's own, a rival's, and the operators'."""
    with (
        left_alone(make_flow(merchant=shop, scope="lane", name="process", most_active=9)),
        left_alone(make_flow(merchant=rival, scope="kind", name="http", most_active=7)) as foreign,
        left_alone(make_flow(scope="kind", name="http", rate=3, pause_note="fire")) as operators,
    ):
        yield foreign, operators


def add_url():
    return reverse("admin:jobs_flow_add")


def everything():
    return list(Flow.objects.order_by("pk").values())


def park(rule, merchant, number, **fields):
    """Store so many jobs that wait in the rule's line."""
    rows = [
        make_job(merchant=merchant, gate=Gate.PARKED, parked_by=rule.pk, parked_rank=NOW, **fields)
        for _ in range(number)
    ]
    return rows[0] if rows else None


# Who sees and changes what


def test_people_of_a_merchant_find_its_rules_only(shop, rule, others):
    foreign, operators = others
    for person in (make_member(shop), make_merchant_admin(shop)):
        page = text_of(browser_of(person).get(list_url("flow")))
        assert page_url("flow", rule) in page
        assert page_url("flow", foreign) not in page
        assert page_url("flow", operators) not in page


def test_superuser_finds_everybodys_rules_and_the_operators(root, rule, others):
    page = text_of(root.get(list_url("flow")))
    for one in (rule, *others):
        assert page_url("flow", one) in page
    assert "the operators" in page


def test_queryset_hides_the_operators_rules_from_all_but_superusers(shop, rule, others):
    _, operators = others
    for person in (make_member(shop), make_merchant_admin(shop), make_user(is_staff=True)):
        for seen in (Flow.objects.visible_to(person), Flow.objects.manageable_by(person)):
            assert not seen.filter(pk=operators.pk).exists()
            assert not seen.filter(merchant=None).exists()
    superuser = make_superuser()
    assert Flow.objects.visible_to(superuser).filter(pk=operators.pk).exists()
    assert Flow.objects.manageable_by(superuser).filter(pk=operators.pk).exists()


def test_rule_of_somebody_else_is_answered_like_a_missing_one(shop, rule, others):
    before = everything()
    for browser in (browser_of(make_member(shop)), browser_of(make_merchant_admin(shop))):
        answers = [
            [
                (answer.status_code, answer.headers.get("Location"))
                for address in [page_url("flow", wanted)]
                for answer in (browser.get(address), browser.post(address, {"most_active": 1}))
            ]
            for wanted in (*others, new_id())
        ]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0][0][0] == 302
    assert everything() == before


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_on_somebody_elses_rule_are_answered_like_on_a_missing_one(boss, rule, others, verb):
    before = everything()
    for wanted in (*others, new_id(), "not-an-id"):
        assert boss.get(page_url("flow", wanted, verb)).status_code == 404
        assert confirm(boss, page_url("flow", wanted, verb)).status_code == 404
    assert everything() == before
    assert not LogEntry.objects.exists()


def test_member_looks_and_changes_nothing(browser, rule, others):
    page = text_of(browser.get(page_url("flow", rule)))
    assert "at most 5 at once" in page
    assert 'name="most_active"' not in page
    for verb in VERBS:
        assert page_url("flow", rule, verb) not in page
    assert add_url() not in text_of(browser.get(list_url("flow")))
    before = everything()
    assert browser.get(add_url()).status_code == 403
    assert browser.post(add_url(), {"scope": "merchant", "most_active": 1}).status_code == 403
    assert browser.post(page_url("flow", rule), {"most_active": 1}).status_code == 403
    for verb in VERBS:
        assert confirm(browser, page_url("flow", rule, verb)).status_code in (403, 404)
    assert everything() == before


def test_admin_of_one_merchant_who_is_member_of_another_changes_the_one_only(shop, rival, others):
    foreign, _ = others
    person = make_merchant_admin(shop)
    Membership.objects.create(user=person, merchant=rival, role="merchant_member")
    browser = browser_of(person)
    page = text_of(browser.get(page_url("flow", foreign)))
    assert "at most 7 at once" in page
    assert page_url("flow", foreign, "pause") not in page
    assert browser.post(page_url("flow", foreign), {"most_active": 1}).status_code == 403
    assert confirm(browser, page_url("flow", foreign, "pause")).status_code == 404
    for merchant in ("", str(rival.pk)):
        refused = send(
            browser, add_url(), scope="lane", name="async", most_active=1, merchant=merchant
        )
        assert set(errors_of(refused)) == {"merchant"}
    sent = send(
        browser, add_url(), scope="lane", name="async", most_active=1, merchant=str(shop.pk)
    )
    assert sent.status_code == 302
    assert Flow.objects.get(name="async").merchant == shop


def test_staff_without_a_merchant_and_ended_members_are_shut_out(shop, rule):
    ended = make_merchant_admin(shop)
    Membership.objects.filter(user=ended).update(active=False)
    before = everything()
    for person in (make_user(is_staff=True), ended):
        browser = browser_of(person)
        assert browser.get(list_url("flow")).status_code == 403
        assert browser.get(add_url()).status_code == 403
        assert browser.get(page_url("flow", rule)).status_code in (302, 403)
        assert confirm(browser, page_url("flow", rule, "pause")).status_code in (403, 404)
    assert everything() == before


# The list


def test_list_says_what_a_rule_concerns_and_bounds(root, shop, rule):
    make_flow(merchant=shop, scope="merchant", most_active=1_200, rate=10, rate_period=60, burst=20)
    make_flow(scope="handler", name="api.example.com", paused=True)
    template = new_id()
    make_flow(merchant=shop, scope="template", name=str(template), rate=1, rate_period=3600)
    page = words_of(root.get(list_url("flow")))
    assert "all jobs of Shop merchant at most 1,200 at once, 10 a minute, burst 20 active" in page
    assert "jobs of kind http kind at most 5 at once active" in page
    assert f"jobs of template {template} template 1 an hour active" in page
    assert "jobs of handler api.example.com of all merchants handler none paused" in page


def test_filters_narrow_by_scope_and_state(boss, shop, rule):
    paused = make_flow(merchant=shop, scope="lane", name="async", paused=True)
    for address, shown, hidden in (
        (list_url("flow", scope="lane"), paused, rule),
        (list_url("flow", scope="kind"), rule, paused),
        (list_url("flow", state="paused"), paused, rule),
        (list_url("flow", state="active"), rule, paused),
        (list_url("flow", q="asyn"), paused, rule),
        (list_url("flow", q=str(rule.pk)), rule, paused),
    ):
        page = text_of(boss.get(address))
        assert page_url("flow", shown) in page, address
        assert page_url("flow", hidden) not in page, address


@pytest.mark.parametrize(
    "lookup", ["name__regex", "pause_note__startswith", "merchant__slug", "tokens", "paused_by"]
)
def test_list_takes_no_comparison_that_it_does_not_offer(boss, rule, lookup):
    assert boss.get(list_url("flow", **{lookup: "(a+)+$"})).status_code == 400


def test_filter_takes_no_value_that_it_does_not_offer(boss, rule):
    for wrong in ({"state": "asleep"}, {"scope": "planet"}):
        answer = boss.get(list_url("flow", **wrong))
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith("?e=1")


def test_list_costs_the_same_for_any_number_of_rules_and_counts_nothing(root, shop, rule):
    with CaptureQueriesContext(connection) as few:
        root.get(list_url("flow"))
    for number in range(12):
        make_flow(merchant=make_merchant(), scope="handler", name=f"h{number}", rate=1)
    with CaptureQueriesContext(connection) as many:
        root.get(list_url("flow"))
    assert len(many) == len(few)
    assert not [query for query in many if "COUNT(" in query["sql"].upper()]


def test_sidebar_leads_to_the_rules(browser):
    assert list_url("flow") in text_of(browser.get(reverse("admin:index")))


# Forms


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
    assert set(Flow.objects.values_list("merchant__slug", "name")) == {
        (None, "async"),
        ("shop", "async"),
    }


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


# The line


def test_page_says_how_many_jobs_wait_in_line(boss, shop, rule, others):
    make_job(merchant=shop)
    park(others[1], shop, 2)
    assert "Waiting in line 0 jobs" in words_of(boss.get(page_url("flow", rule)))
    park(rule, shop, 3)
    park(rule, shop, 1, status="retryable")
    assert "Waiting in line 4 jobs" in words_of(boss.get(page_url("flow", rule)))


def test_long_line_is_not_counted_to_its_end(boss, shop, rule, monkeypatch):
    monkeypatch.setattr(flow_words, "MOST_COUNTED", 3)
    park(rule, shop, 2)
    assert flow_words.in_line(rule) == "2 jobs"
    park(rule, shop, 2)
    assert flow_words.in_line(rule) == "3 or more jobs"


def test_line_is_counted_in_its_index(shop, rule):
    park(rule, shop, 2)
    with CaptureQueriesContext(connection) as asked:
        flow_words.in_line(rule)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + asked[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "job_parked" in plan


def test_parked_jobs_page_leads_to_its_rule(browser, shop, rule):
    job = park(rule, shop, 1)
    page = text_of(browser.get(page_url("job", job)))
    assert f'href="{page_url("flow", rule)}"' in page
    assert "In line: a flow rule lets jobs of kind http run at most 5 at once." in page


def test_page_of_a_job_in_the_operators_line_leads_operators_only(browser, root, shop, others):
    _, operators = others
    job = park(operators, shop, 1)
    seen = text_of(browser.get(page_url("job", job)))
    assert "In line: a flow rule lets jobs of kind http run 3 a second." in seen
    assert str(operators.pk) not in seen
    assert f'href="{page_url("flow", operators)}"' in text_of(root.get(page_url("job", job)))


def test_job_that_is_not_parked_or_whose_rule_is_gone_has_no_link(root, shop, rule):
    free, orphan = make_job(merchant=shop), park(rule, shop, 1)
    Flow.objects.all().delete()
    for job in (free, orphan):
        page = text_of(root.get(page_url("job", job)))
        assert "Flow rule<" not in page
        assert "/jobs/flow/0" not in page
    assert Job.objects.filter(pk=orphan.pk, parked_by=rule.pk).exists()


# Words of users


def test_what_users_wrote_is_text_on_every_page(root, shop):
    Merchant.objects.filter(pk=shop.pk).update(name=EVIL[:80])
    rule = make_flow(
        merchant=shop, scope="handler", name=EVIL, rate=1, paused=True, pause_note=EVIL
    )
    whole = make_flow(merchant=shop, scope="merchant", rate=1)
    check(text_of(root.get(list_url("flow"))))
    check(text_of(root.get(page_url("flow", rule))))
    check(text_of(root.get(page_url("flow", whole))))
    check(text_of(root.get(page_url("job", park(rule, shop, 1)))))
    refused = send(root, add_url(), scope="kind", name=EVIL, rate=1, note=EVIL)
    check(text_of(refused), shown=False)
    confirm(root, page_url("flow", rule, "pause"), note=EVIL)
    check(text_of(root.get(page_url("flow", rule))))
    confirm(root, page_url("flow", rule, "remove"))
    check(text_of(root.get(reverse("admin:admin_logentry_changelist"))))
