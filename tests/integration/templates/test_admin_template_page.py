"""The admin's page of a template: what it tells of schedule, runs and skips."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from templates_app.models import Template
from templates_app.operations.templates import pause_template
from tests.factories.actors import somebody
from tests.factories.admin import HTTP_PAYLOAD, confirm, text_of
from tests.factories.jobs import make_job
from tests.factories.templates import DAY, cron, make_calendar, make_template
from tests.integration.templates.admin_kit import list_url, make_skipped, page_url, words_of
from tests.integration.templates.template_pages import NOON, backfill, offered, waiting

pytestmark = pytest.mark.django_db


def test_page_costs_the_same_for_any_number_of_jobs_and_skips(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    make_skipped(template, now)
    make_job(merchant=shop, template_id=template.pk)
    browser.get(page_url("template", template))
    with CaptureQueriesContext(connection) as few:
        browser.get(page_url("template", template))
    for _ in range(9):
        make_skipped(template, now)
        make_job(merchant=shop, template_id=template.pk)
    with CaptureQueriesContext(connection) as many:
        browser.get(page_url("template", template))
    assert len(many) == len(few)


def test_page_tells_the_schedule_the_warnings_and_the_next_runs(shop, browser, now):
    template = make_template(
        merchant=shop, recurrence=cron("30 2 1 * MON", "Europe/Madrid"), now=now
    )
    response = browser.get(page_url("template", template))
    told = response.context["told"]
    assert len([line for line in told.coming if line.runs]) == 20
    page = words_of(response)
    assert told.sentence in page
    assert "Careful: Day of the month" in page
    assert told.coming[0].utc in page


def test_page_tells_why_an_occurrence_is_shifted_or_does_not_run(shop, browser, now):
    closed = make_calendar(merchant=shop, name="Days of rest")
    daily = {"kind": "daily", "times": ["12:00"], "timezone": "UTC"}
    template = make_template(merchant=shop, recurrence=daily, avoid=[str(closed.pk)], now=now)
    page = words_of(browser.get(page_url("template", template)))
    assert "Does not run:" in page
    assert "Days of rest" in page


def test_page_tells_where_a_calendar_moves_a_run(shop, browser, now):
    closed = make_calendar(merchant=shop, name="Days of rest")
    template = make_template(
        merchant=shop,
        recurrence={"kind": "weekly", "weekdays": ["sa"], "times": ["12:00"], "timezone": "UTC"},
        avoid=[str(closed.pk)],
        on_closed="next_business_day",
        now=now,
    )
    coming = browser.get(page_url("template", template)).context["told"].coming
    assert {line.local.split()[0] for line in coming} == {"Mon"}
    assert all("Moved from Sat" in line.note for line in coming)


def test_page_tells_why_a_template_was_set_aside_and_resuming_tries_it_again(
    shop, browser, now, bystander
):
    template = make_template(merchant=shop, now=now)
    rows = Template.objects.filter(pk=template.pk)
    rows.update(
        recurrence={"kind": "cron", "expression": "broken"},
        set_aside_at=now,
        set_aside_reason="Too odd.",
        next_expansion_at=None,
    )
    assert "set aside" in words_of(browser.get(list_url("template")))
    page = words_of(browser.get(page_url("template", template)))
    assert "The schedule cannot be read" in page
    assert "Too odd." in page
    assert offered(browser, template) == {"run_now", "resume", "backfill", "remove"}
    for verb in ("run_now", "resume"):
        response = confirm(browser, page_url("template", template, verb))
        assert response.headers["HX-Redirect"] == page_url("template", template)
    assert browser.get(page_url("template", template, "backfill")).status_code == 200
    told = words_of(backfill(browser, template, now - 2 * DAY, now - DAY))
    assert "is not a macro or a cron expression" in told
    assert Job.objects.filter(template_id=template.pk).count() == 1
    rows.update(recurrence=template.recurrence)
    confirm(browser, page_url("template", template, "resume"))
    template.refresh_from_db()
    assert (template.state, template.set_aside_reason) == ("active", "")


def test_page_shows_jobs_skips_and_the_blueprint_without_its_secrets(shop, browser, now):
    template = make_template(merchant=shop, kind="http", payload=HTTP_PAYLOAD, now=now)
    skipped = make_skipped(template, now)
    response = browser.get(page_url("template", template))
    page = text_of(response)
    assert "s3cret" not in page
    assert "***" in page
    assert str(waiting(template).get().pk) in page
    assert page_url("skippedoccurrence", skipped) in page
    assert "missed in an outage. Down for an hour." in words_of(response)


def test_page_links_to_all_jobs_of_the_template_and_no_others(shop, browser, now):
    template, other = (make_template(merchant=shop, now=now, name=n) for n in ("One", "Two"))
    page = text_of(browser.get(page_url("template", template)))
    address = f"{reverse('admin:jobs_job_changelist')}?template_id={template.pk}"
    assert address in page
    jobs = text_of(browser.get(address))
    assert str(waiting(template).get().pk) in jobs
    assert str(waiting(other).get().pk) not in jobs


def test_paused_template_tells_the_runs_after_its_pause(shop, browser, now):
    template = make_template(merchant=shop, recurrence=NOON, now=now)
    back = (now + 10 * DAY).replace(microsecond=0)
    pause_template(template, {"resume_at": back.isoformat()}, now=now, by=somebody("somebody"))
    page = words_of(browser.get(page_url("template", template)))
    story = page[page.index("Next runs, once it is resumed") :]
    assert f"{back - 2 * DAY:%F}" not in story
    assert f"{back + 2 * DAY:%F}" in story
