"""What did not run, in the admin: the list, the page of one, and what people decide about it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from tests.factories.admin import confirm, messages_of, text_of
from tests.factories.templates import make_template
from tests.integration.templates.admin_kit import list_url, make_skipped, page_url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("verb", "jobs"), [("run_all", 3), ("run_last", 1), ("dismiss", 0)])
def test_missed_runs_are_decided_about(shop, browser, member, now, bystander, verb, jobs):
    template = make_template(merchant=shop, now=now)
    row, other = make_skipped(template, now), make_skipped(template, now, reason="Another outage.")
    confirm(browser, page_url("skippedoccurrence", row, verb))
    row.refresh_from_db()
    assert (row.resolution, row.resolved_by) == (verb, member.email)
    assert Job.objects.filter(template_id=template.pk, origin="person").count() == jobs
    other.refresh_from_db()
    assert other.resolved_at is None
    again = confirm(browser, page_url("skippedoccurrence", row, verb))
    assert "has decided already" in messages_of(again)[-1]
    assert page_url("skippedoccurrence", row, verb) not in text_of(
        browser.get(page_url("skippedoccurrence", row))
    )


def test_chosen_rows_are_decided_about_and_wanted_skips_left_alone(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    missed, wanted = make_skipped(template, now), make_skipped(template, now, cause="closed")
    browser.post(
        list_url("skippedoccurrence"),
        {"action": "dismiss_chosen", "_selected_action": [missed.pk, wanted.pk]},
    )
    missed.refresh_from_db()
    wanted.refresh_from_db()
    assert (missed.resolution, wanted.resolved_at) == ("dismiss", None)
    assert confirm(browser, page_url("skippedoccurrence", wanted, "run_all")).status_code == 404


def test_list_action_says_how_many_rows_it_left_alone(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    wanted = [make_skipped(template, now, cause=cause) for cause in ("closed", "window")]
    response = browser.post(
        list_url("skippedoccurrence"),
        {"action": "run_all_chosen", "_selected_action": [row.pk for row in wanted]},
    )
    [said] = messages_of(response)
    assert said.startswith("2 left unchanged. ")
    assert not Job.objects.filter(template_id=template.pk, origin="person").exists()


def test_overlapped_run_can_be_made_up_for(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    at = (now - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    row = make_skipped(template, now, cause="overlap", first_at=at, last_at=at, occurrences=1)
    page = text_of(browser.get(page_url("skippedoccurrence", row)))
    assert page_url("skippedoccurrence", row, "run_all") in page
    assert page_url("skippedoccurrence", row, "run_last") not in page, "the last of one is all"
    response = confirm(browser, page_url("skippedoccurrence", row, "run_all"))
    assert messages_of(response) == ["1 run is on its way."]
    assert Job.objects.get(template_id=template.pk, origin="person").occurrence_at == at


def test_list_of_skipped_occurrences_is_narrowed_and_costs_the_same(shop, browser, now):
    template, other = (make_template(merchant=shop, now=now, name=n) for n in ("One", "Two"))
    mine, other_row = make_skipped(template, now), make_skipped(other, now, cause="closed")
    for parameters in ({"template": str(template.pk)}, {"cause": "missed"}, {"review": "open"}):
        page = text_of(browser.get(list_url("skippedoccurrence", **parameters)))
        assert page_url("skippedoccurrence", mine) in page
        assert page_url("skippedoccurrence", other_row) not in page
    with CaptureQueriesContext(connection) as few:
        browser.get(list_url("skippedoccurrence"))
    for _ in range(9):
        make_skipped(template, now)
    with CaptureQueriesContext(connection) as many:
        browser.get(list_url("skippedoccurrence"))
    assert len(many) == len(few)
