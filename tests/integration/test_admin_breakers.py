"""The admin's pages of breakers: who sees which, the list, the story of one, its line, and the reset."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.admin import breaker_words
from jobs.models import Breaker
from tenants.clock import database_now
from tenants.identifiers import new_id
from tenants.models import Membership, Merchant
from tests.factories.admin import browser_of, confirm, list_url, messages_of, page_url, text_of
from tests.factories.flows import make_breaker
from tests.factories.jobs import NOW, make_merchant
from tests.factories.tenants import make_member, make_merchant_admin, make_superuser, make_user
from tests.integration.flow_admin.flow_kit import park
from tests.integration.templates.admin_kit import left_alone, words_of
from tests.integration.test_admin_escaping import EVIL, check

pytestmark = pytest.mark.django_db


@pytest.fixture
def root():
    return browser_of(make_superuser())


@pytest.fixture
def rival():
    return make_merchant("rival")


@pytest.fixture
def breaker(shop):
    return make_breaker(merchant=shop, handler="down.example")


@pytest.fixture
def others(shop, rival):
    """Breakers that nobody asks for: one of the same merchant, a rival's of the same host."""
    with (
        left_alone(make_breaker(merchant=shop, handler="other.example")),
        left_alone(make_breaker(merchant=rival, handler="down.example")) as foreign,
    ):
        yield foreign


def everything():
    return list(Breaker.objects.order_by("pk").values())


def of_state(state, merchant, handler="down.example", **fields):
    """Store a breaker that is in this state while the test runs."""
    now = database_now()
    values: dict[str, dict[str, Any]] = {
        "closed": {"opened_at": None, "probe_at": None, "failures": 3},
        "open": {"opened_at": now, "probe_at": now + timedelta(hours=1)},
        "probing": {"opened_at": now, "probe_at": now - timedelta(seconds=1), "probes": 2},
        "recovering": {
            "opened_at": now - timedelta(minutes=1),
            "probe_at": now - timedelta(seconds=9),
            "recovering_at": now - timedelta(seconds=8),
            "answers": 5,
            "failures": 0,
        },
    }
    return make_breaker(merchant=merchant, handler=handler, **{**values[state], **fields})


# Who sees what


def test_people_of_a_merchant_find_its_hosts_only(shop, breaker, others):
    for person in (make_member(shop), make_merchant_admin(shop)):
        page = text_of(browser_of(person).get(list_url("breaker")))
        assert page_url("breaker", breaker) in page
        assert page_url("breaker", others) not in page


def test_superuser_finds_everybodys_hosts_and_whose_they_are(root, breaker, others):
    page = text_of(root.get(list_url("breaker")))
    for one in (breaker, others):
        assert page_url("breaker", one) in page
        assert str(one.merchant) in page


def test_breaker_of_somebody_else_is_answered_like_a_missing_one(shop, breaker, others):
    before = everything()
    for browser in (browser_of(make_member(shop)), browser_of(make_merchant_admin(shop))):
        answers = [
            (answer.status_code, answer.headers.get("Location"))
            for wanted in (others, new_id())
            for answer in [browser.get(page_url("breaker", wanted))]
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 302
        for wanted in (others, new_id(), "not-an-id"):
            assert browser.get(page_url("breaker", wanted, "reset")).status_code == 404
            assert confirm(browser, page_url("breaker", wanted, "reset")).status_code == 404
    assert everything() == before
    assert not LogEntry.objects.exists()


def test_staff_without_a_merchant_and_ended_members_are_shut_out(shop, breaker):
    ended = make_merchant_admin(shop)
    Membership.objects.filter(user=ended).update(active=False)
    before = everything()
    for person in (make_user(is_staff=True), ended):
        browser = browser_of(person)
        assert browser.get(list_url("breaker")).status_code == 403
        assert browser.get(page_url("breaker", breaker)).status_code in (302, 403)
        assert confirm(browser, page_url("breaker", breaker, "reset")).status_code in (403, 404)
    assert everything() == before


def test_nobody_types_into_a_breaker_adds_or_deletes_one(root, breaker, others):
    before = everything()
    assert root.get(reverse("admin:jobs_breaker_add")).status_code == 403
    assert root.post(page_url("breaker", breaker), {"failures": 0}).status_code == 403
    assert root.post(page_url("breaker", breaker, "delete"), {"post": "yes"}).status_code == 403
    root.post(
        list_url("breaker"),
        {"action": "delete_selected", "_selected_action": [breaker.pk], "post": "yes"},
    )
    assert everything() == before


# The list


def test_list_says_what_state_a_host_is_in_and_how_many_wait(browser, shop):
    for number, state in enumerate(("closed", "open", "probing", "recovering")):
        one = of_state(state, shop, f"{state}.example", opened_at=NOW if number else None)
        park(one, shop, number)
    page = words_of(browser.get(list_url("breaker")))
    given_up = f"{NOW:%Y-%m-%d %H:%M:%S}"
    probe = Breaker.objects.get(handler="open.example").probe_at
    assert "closed.example closed 3 - - 0 jobs" in page
    assert f"open.example open 12 {given_up} {probe:%Y-%m-%d %H:%M:%S} 1 job" in page
    assert f"probing.example half-open, one job tries it 12 {given_up} now 2 jobs" in page
    assert f"recovering.example half-open, at most 4 at once 0 {given_up} - 3 jobs" in page


def test_filters_narrow_by_state_and_host(browser, shop):
    rows = {
        state: of_state(state, shop, f"{state}.example")
        for state in ("closed", "open", "probing", "recovering")
    }
    for address, shown in (
        (list_url("breaker", state="closed"), {"closed"}),
        (list_url("breaker", state="open"), {"open"}),
        (list_url("breaker", state="half_open"), {"probing", "recovering"}),
        (list_url("breaker", q="PROBING.ex"), {"probing"}),
        (list_url("breaker", q=str(rows["open"].pk)), {"open"}),
    ):
        page = text_of(browser.get(address))
        found = {state for state, row in rows.items() if page_url("breaker", row) in page}
        assert found == shown, address


@pytest.mark.parametrize("lookup", ["handler__regex", "merchant__slug", "failures", "error_code"])
def test_list_takes_no_comparison_that_it_does_not_offer(browser, breaker, lookup):
    assert browser.get(list_url("breaker", **{lookup: "(a+)+$"})).status_code == 400


def test_filter_takes_no_value_that_it_does_not_offer(browser, breaker):
    answer = browser.get(list_url("breaker", state="asleep"))
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("?e=1")


def test_list_costs_the_same_for_any_number_of_hosts(root, shop, breaker):
    with CaptureQueriesContext(connection) as few:
        root.get(list_url("breaker"))
    for number in range(12):
        park(make_breaker(merchant=make_merchant(), handler=f"h{number}"), shop, 1)
    with CaptureQueriesContext(connection) as many:
        root.get(list_url("breaker"))
    assert len(many) == len(few)
    assert not [query for query in many if "COUNT(" in query["sql"].upper()]


def test_long_line_is_not_counted_to_its_end(browser, shop, breaker, monkeypatch):
    monkeypatch.setattr(breaker_words, "MOST_COUNTED", 3)
    park(breaker, shop, 4)
    assert "3 or more jobs" in words_of(browser.get(list_url("breaker")))


def test_lines_are_counted_in_their_index(shop, breaker):
    park(breaker, shop, 2)
    counted = Breaker.objects.annotate(line=breaker_words.waiting()).values("line")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "job_parked" in counted.explain()
    assert [one["line"] for one in counted] == [2]


def test_sidebar_leads_to_the_breakers(browser):
    assert list_url("breaker") in text_of(browser.get(reverse("admin:index")))


# The page


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            "closed",
            ["It is given up after 10 calls in a row", "3 calls in a row were not answered"],
        ),
        (
            "open",
            [
                "All of its jobs wait",
                "Those that have waited for 1 day without an answer fail.",
                "given up (connection_refused)",
                "From then on one job",
            ],
        ),
        ("probing", ["The next of its jobs tries it", "2 of them tried the host after a pause"]),
        ("recovering", ["from 64 at once on", "and answered", "The latest answer, of 5 so far"]),
    ],
)
def test_page_tells_the_story(browser, shop, others, state, told):
    page = words_of(browser.get(page_url("breaker", of_state(state, shop))))
    for words in told:
        assert words in page


def test_page_leads_to_the_first_jobs_in_line_and_they_lead_back(browser, shop, rival, breaker):
    foreign = make_breaker(merchant=rival, handler="down.example")
    job = park(breaker, shop, 1, kind="http", handler="down.example", name="order 7")
    other = park(foreign, rival, 1, kind="http", handler="down.example", name="order 8")
    page = text_of(browser.get(page_url("breaker", breaker)))
    assert page_url("job", job) in page
    assert page_url("job", other) not in page
    assert "Waiting in line 1 job" in words_of(browser.get(page_url("breaker", breaker)))
    assert "Failures in a row 12" in words_of(browser.get(page_url("breaker", breaker)))
    assert f'href="{page_url("breaker", breaker)}"' in text_of(browser.get(page_url("job", job)))


def test_what_users_wrote_is_text_on_every_page(root, shop):
    Merchant.objects.filter(pk=shop.pk).update(name=EVIL[:80])
    evil = make_breaker(merchant=shop, handler=EVIL, error_code=EVIL[:100])
    job = park(evil, shop, 1, kind="http", handler=EVIL, name=EVIL)
    for address in (list_url("breaker"), page_url("breaker", evil), page_url("job", job)):
        check(text_of(root.get(address)))
    confirm(root, page_url("breaker", evil, "reset"))
    check(text_of(root.get(list_url("breaker"))))
    check(text_of(root.get(reverse("admin:admin_logentry_changelist"))))


# The reset


def test_reset_takes_the_host_back_and_is_logged(shop, breaker, others):
    person = make_member(shop)
    answer = confirm(browser_of(person), page_url("breaker", breaker, "reset"))
    assert answer.headers["HX-Redirect"] == list_url("breaker")
    assert messages_of(answer) == ["The breaker of down.example is reset; its jobs go again."]
    assert not Breaker.objects.filter(pk=breaker.pk).exists()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.object_repr, entry.change_message) == (
        person,
        str(breaker.pk),
        "breaker of down.example",
        "Reset.",
    )


def test_question_alone_and_a_foreign_page_reset_nothing(shop, browser, breaker, others):
    before = everything()
    assert "all jobs that wait for the host go to it at once" in text_of(
        browser.get(page_url("breaker", breaker, "reset"))
    )
    careful = browser_of(make_merchant_admin(shop), enforce_csrf_checks=True)
    assert confirm(careful, page_url("breaker", breaker, "reset")).status_code == 403
    assert everything() == before


def test_second_reset_finds_nothing(browser, breaker, others):
    confirm(browser, page_url("breaker", breaker, "reset"))
    assert confirm(browser, page_url("breaker", breaker, "reset")).status_code == 404
    assert LogEntry.objects.count() == 1
