"""The admin's pages of flow rules: who sees and changes which, the list, lines, and words."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.admin import flow_words
from jobs.models import Flow, Job
from tenants.identifiers import new_id
from tenants.models import Membership, Merchant
from tests.factories.admin import browser_of, confirm, list_url, page_url, text_of
from tests.factories.flows import make_flow
from tests.factories.jobs import make_job, make_merchant
from tests.factories.tenants import (
    make_member,
    make_merchant_admin,
    make_superuser,
    make_user,
)
from tests.integration.flow_admin.flow_kit import VERBS, add_url, everything, park
from tests.integration.templates.admin_kit import errors_of, send, words_of
from tests.integration.test_admin_escaping import EVIL, check

pytestmark = pytest.mark.django_db


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


def test_people_of_a_merchant_look_at_what_the_operators_set_for_it(shop, rule, others):
    theirs = make_flow(
        merchant=shop,
        set_by_operators=True,
        scope="kind",
        name="http",
        most_active=2,
        paused=True,
        pause_note="unpaid",
    )
    root = make_superuser()
    confirm(browser_of(root), page_url("flow", theirs, "pause"), note="unpaid bills")
    job = park(theirs, shop, 1)
    before = everything()
    for person in (make_member(shop), make_merchant_admin(shop)):
        browser = browser_of(person)
        assert "at most 2 at once paused the operators" in words_of(browser.get(list_url("flow")))
        page = text_of(browser.get(page_url("flow", theirs)))
        assert "by the operators at 20" in page
        for hidden in ("unpaid", root.email, 'name="most_active"', "/history/"):
            assert hidden not in page, hidden
        assert browser.get(f"{page_url('flow', theirs, 'history')}").status_code == 403
        assert browser.post(page_url("flow", theirs), {"most_active": 9}).status_code == 403
        for verb in VERBS:
            assert page_url("flow", theirs, verb) not in page
            assert confirm(browser, page_url("flow", theirs, verb)).status_code in (403, 404)
        seen = text_of(browser.get(page_url("job", job)))
        assert f'href="{page_url("flow", theirs)}"' in seen
        assert "The operators have paused jobs of kind http." in seen
    assert everything() == before


def test_only_superusers_change_what_the_operators_set(root, boss, shop, rule, others):
    theirs = make_flow(merchant=shop, set_by_operators=True, scope="kind", name="http", rate=2)
    assert send(root, page_url("flow", theirs), rate=4).status_code == 302
    confirm(root, page_url("flow", theirs, "pause"), note="unpaid")
    theirs.refresh_from_db()
    assert (theirs.rate, theirs.pause_note, theirs.set_by_operators) == (4, "unpaid", True)
    page = text_of(root.get(page_url("flow", theirs)))
    assert "unpaid" in page
    confirm(root, page_url("flow", theirs, "remove"))
    assert not Flow.objects.filter(pk=theirs.pk).exists()


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
    assert "In line: a flow rule of the operators lets jobs of kind http run 3 a second." in seen
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
