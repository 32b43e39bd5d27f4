"""The admin's list of templates: what is shown, filtered and done to the chosen."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from templates_app.admin.runs import RUNS
from templates_app.models import Template
from templates_app.operations.templates import pause_template
from tenants.identifiers import new_id
from tests.factories.actors import somebody
from tests.factories.admin import messages_of, text_of
from tests.factories.jobs import SECOND, make_job
from tests.factories.templates import make_calendar, make_template
from tests.integration.templates.admin_kit import list_url, page_url, words_of
from tests.integration.templates.template_pages import NOON, waiting

pytestmark = pytest.mark.django_db


def test_list_tells_schedule_state_and_next_run(shop, browser, now):
    template = make_template(merchant=shop, name="Stock", recurrence=NOON, now=now)
    page = words_of(browser.get(list_url("template")))
    due = waiting(template).get().scheduled_at
    for words in ("Stock", "active", "At 12:00", "Europe/Madrid", f"{due:%Y-%m-%d %H:%M:%S}"):
        assert words in page


def test_list_tells_the_last_run_and_not_the_waiting_or_skipped_ones(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    ran = make_job(merchant=shop, template_id=template.pk, status="failed")
    make_job(
        merchant=shop,
        template_id=template.pk,
        status="skipped",
        skip_reason="overlap",
        occurrence_at=now,
    )
    page = text_of(browser.get(list_url("template")))
    assert f"/admin/jobs/job/{ran.pk}/change/" in page
    assert page.count("/admin/jobs/job/") == 2  # the last run, and the list of jobs


def test_list_names_the_calendars_of_a_schedule(shop, browser, now):
    closed = make_calendar(merchant=shop, name="Days of rest")
    make_template(merchant=shop, recurrence=NOON, avoid=[str(closed.pk)], now=now)
    assert "except Days of rest" in words_of(browser.get(list_url("template")))


def test_list_counts_nothing_and_costs_the_same_for_any_number_of_templates(shop, browser, now):
    closed = make_calendar(merchant=shop)
    make_template(merchant=shop, avoid=[str(closed.pk)], now=now)
    with CaptureQueriesContext(connection) as few:
        browser.get(list_url("template"))
    for _ in range(12):
        make_template(merchant=shop, avoid=[str(closed.pk)], now=now)
    with CaptureQueriesContext(connection) as many:
        browser.get(list_url("template"))
    assert len(many) == len(few)
    statements = [query["sql"] for query in many]
    assert not [sql for sql in statements if "COUNT(" in sql.upper()]
    (listing,) = [sql for sql in statements if 'FROM "templates_app_template"' in sql]
    assert '"payload"' not in listing


def test_runs_of_the_list_are_found_by_indexes(shop, now):
    template = make_template(merchant=shop, now=now)
    others = [new_id() for _ in range(60)]
    ended = {"status": "succeeded", "finalized_at": now, "started_at": now, "attempt": 1}
    common = {"merchant": shop, "kind": "python", "lane": "async", "run_at": now}
    Job.objects.bulk_create(
        Job(
            template_id=one,
            occurrence_at=now - number * SECOND,
            scheduled_at=now,
            **common,
            **({"status": "scheduled"} if number % 10 == 0 else ended),
        )
        for one in (template.pk, *others)
        for number in range(1, 250)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
        cursor.execute(f"EXPLAIN {RUNS}", {"ids": [template.pk]})
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on jobs_job" not in plan
    assert "job_template_newest" in plan
    assert "job_template_unfinished" in plan


def test_filters_narrow_the_list_by_state(shop, browser, now):
    going = make_template(merchant=shop, name="Going", now=now)
    paused = make_template(merchant=shop, name="Resting", now=now)
    pause_template(paused, {}, now=now, by=somebody("somebody"))
    off = make_template(merchant=shop, name="Off", active=False, now=now)
    aside, ended = (make_template(merchant=shop, name=name, now=now) for name in ("Odd", "Old"))
    Template.objects.filter(pk=aside.pk).update(set_aside_at=now, next_expansion_at=None)
    Template.objects.filter(pk=ended.pk).update(next_expansion_at=None)
    rows = {"active": going, "paused": paused, "inactive": off, "set_aside": aside, "ended": ended}
    for state, shown in rows.items():
        page = text_of(browser.get(list_url("template", state=state)))
        found = {row for row in rows.values() if page_url("template", row) in page}
        assert found == {shown}


def test_nothing_but_the_filters_can_be_asked_for(browser):
    assert browser.get(list_url("template", payload__url__startswith="h")).status_code == 400


def test_list_actions_steer_the_chosen(shop, browser, now, bystander):
    rows = [make_template(merchant=shop, now=now) for _ in range(2)]
    chosen = [row.pk for row in rows]
    for action, states, jobs in (
        ("pause_chosen", {"paused"}, 0),
        ("resume_chosen", {"active"}, 2),
        ("run_chosen_now", {"active"}, 4),
    ):
        response = browser.post(
            list_url("template"), {"action": action, "_selected_action": chosen}
        )
        assert messages_of(response)[0].startswith("2 ")
        assert {row.state for row in Template.objects.filter(pk__in=chosen)} == states
        assert Job.objects.filter(template_id__in=chosen, status="scheduled").count() == jobs


@pytest.mark.parametrize("value", ["nonsense", "\x00", "' OR 1=1"])
def test_nonsense_in_the_address_is_no_error(browser, value):
    for model, name in (
        ("template", "state"),
        ("skippedoccurrence", "template"),
        ("template", "q"),
    ):
        response = browser.get(list_url(model, **{name: value}), follow=True)
        assert response.status_code == 200


def test_unknown_state_in_the_address_is_no_filter(shop, browser, now):
    make_template(merchant=shop, now=now)
    response = browser.get(list_url("template", state="nonsense"))
    assert (response.status_code, response["Location"].rpartition("?")[2]) == (302, "e=1")


def test_login_without_a_destination_leads_to_the_overview(client, member):
    member.set_password("correct horse battery staple")
    member.save()
    typed = {"username": member.email, "password": "correct horse battery staple"}
    response = client.post(reverse("admin:login"), typed)
    assert response["Location"] == reverse("admin:index")
