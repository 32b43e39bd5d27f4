"""The buttons on a template's page in the admin: what each of them does and asks."""

from itertools import pairwise

import pytest
from django.contrib.admin.models import LogEntry

from jobs.models import Job
from templates_app.models import Template
from templates_app.operations.templates import pause_template
from tests.factories.actors import somebody
from tests.factories.admin import confirm, messages_of
from tests.factories.jobs import make_job
from tests.factories.templates import DAY, HOUR, MINUTE, make_template
from tests.integration.templates.admin_kit import all_of, list_url, page_url, words_of
from tests.integration.templates.template_pages import backfill, offered, waiting

pytestmark = pytest.mark.django_db


def test_pause_takes_the_waiting_run_back_and_keeps_the_note(shop, browser, member, now, bystander):
    template = make_template(merchant=shop, now=now)
    later = f"{now + DAY:%Y-%m-%dT%H:%M}"
    response = confirm(
        browser, page_url("template", template, "pause"), note="Stock-taking", resume_at=later
    )
    assert messages_of(response) == ["The template is paused."]
    template.refresh_from_db()
    assert (template.state, template.pause_note, template.paused_by) == (
        "paused",
        "Stock-taking",
        member.email,
    )
    assert f"{template.resume_at:%Y-%m-%dT%H:%M}" == later
    assert not waiting(template).exists()
    page = words_of(browser.get(page_url("template", template)))
    assert "Stock-taking; resumes" in page


def test_pause_into_the_past_is_refused_beside_the_field(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    address = page_url("template", template, "pause")
    page = words_of(confirm(browser, address, resume_at="2020-01-01T00:00"))
    assert "“Resume at (UTC)” has passed" in page
    template.refresh_from_db()
    assert template.state == "active"


def test_resume_goes_on_from_now(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    pause_template(template, {"note": "x"}, now=now, by=somebody("somebody"))
    confirm(browser, page_url("template", template, "resume"))
    template.refresh_from_db()
    assert (template.state, template.pause_note) == ("active", "")
    assert waiting(template).count() == 1


def test_run_now_makes_one_more_job(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    planned = waiting(template).get()
    confirm(browser, page_url("template", template, "run_now"))
    (job,) = waiting(template).exclude(pk=planned.pk)
    assert (job.origin, job.occurrence_at) == ("run_now", None)


def test_backfill_runs_a_past_range(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    last = now.replace(minute=0, second=0, microsecond=0) - HOUR
    response = backfill(browser, template, last - 2 * HOUR, last, per_minute="1")
    assert messages_of(response) == ["3 runs are on their way."]
    jobs = Job.objects.filter(template_id=template.pk, origin="backfill").order_by("run_at")
    dues = list(jobs.values_list("run_at", flat=True))
    assert [late - early for early, late in pairwise(dues)] == [MINUTE] * 2


def test_backfill_of_the_future_is_refused_beside_the_field(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    response = backfill(browser, template, now - DAY, now + DAY)
    assert "“To (UTC)” lies in the future" in words_of(response)
    assert not Job.objects.filter(origin="backfill").exists()


def test_delete_cancels_the_waiting_run_and_keeps_history(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    planned = waiting(template).get()
    done = make_job(merchant=shop, template_id=template.pk, status="succeeded")
    response = confirm(browser, page_url("template", template, "remove"))
    assert response.headers["HX-Redirect"] == list_url("template")
    assert not Template.objects.filter(pk=template.pk).exists()
    assert Job.objects.filter(pk=done.pk, status="succeeded").exists()
    assert not Job.objects.filter(pk=planned.pk, status="scheduled").exists()
    assert LogEntry.objects.get().object_id == str(template.pk)


def test_djangos_own_deletion_is_shut(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    address = page_url("template", template, "delete")
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"post": "yes"}).status_code == 403
    browser.post(
        list_url("template"), {"action": "delete_selected", "_selected_action": [template.pk]}
    )
    assert Template.objects.filter(pk=template.pk).exists()


@pytest.mark.parametrize("verb", ["run_now", "pause", "resume", "backfill", "remove"])
def test_looking_at_a_question_changes_nothing(shop, browser, now, verb):
    template = make_template(merchant=shop, now=now)
    before = all_of(template)
    assert browser.get(page_url("template", template, verb)).status_code == 200
    assert all_of(template) == before


def test_page_offers_the_verbs_that_fit_the_state(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    assert offered(browser, template) == {"run_now", "pause", "backfill", "remove"}
    pause_template(template, {}, now=now, by=somebody("somebody"))
    assert offered(browser, template) == {"run_now", "pause", "resume", "backfill", "remove"}
