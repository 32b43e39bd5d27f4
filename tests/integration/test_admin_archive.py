"""The admin shows archived jobs among the others, and who keeps history for how long."""

import pytest
from django.urls import reverse

from jobs.archiver import archive
from jobs.models import AnyJob, ArchivedJob, DeadLetter, Job
from tests.factories.admin import (
    browser_of,
    confirm,
    list_url,
    make_execution,
    messages_of,
    page_url,
    text_of,
)
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.factories.tenants import make_merchant_admin, make_superuser
from tests.integration.archive_kit import RETENTION, ended, is_archived

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(shop):
    job = ended(status="failed", merchant=shop, name="old order")
    DeadLetter.objects.filter(job=job).update(resolution="discarded", resolved_at=NOW)
    make_execution(job)
    archive(NOW, RETENTION)
    assert is_archived(job)
    return job


def test_the_list_and_the_page_show_archived_jobs_with_their_attempts(browser, old, shop):
    make_job(merchant=shop, name="new order")
    listed = text_of(browser.get(list_url("job")))
    assert "old order" in listed
    assert "new order" in listed
    assert "old order" in text_of(browser.get(list_url("job", q=str(old.pk))))
    assert "old order" in text_of(browser.get(list_url("job", status="failed")))
    page = text_of(browser.get(page_url("job", old)))
    assert "The target answered 500." in page


def test_a_strangers_archived_job_is_not_there(old):
    stranger = browser_of(make_merchant_admin(make_merchant()))
    assert "old order" not in text_of(stranger.get(list_url("job")))
    assert stranger.get(page_url("job", old)).status_code in {302, 404}
    assert confirm(stranger, page_url("job", old, "retry")).status_code == 404
    assert is_archived(old)


def test_an_archived_job_is_retried_from_its_page_and_from_the_list(browser, old):
    answer = confirm(browser, page_url("job", old, "retry"))
    assert messages_of(answer) == ["The job runs again."]
    assert Job.objects.get(pk=old.pk).status == "scheduled"


def test_chosen_archived_jobs_are_retried_together(browser, old):
    chosen = {"action": "retry_chosen", "_selected_action": [str(old.pk)]}
    browser.post(list_url("job"), chosen)
    assert Job.objects.get(pk=old.pk).status == "scheduled"


def test_a_closed_letter_shows_the_payload_of_its_archived_job_and_says_when_it_is_gone(
    browser, old
):
    letter = DeadLetter.objects.get(job=old)
    assert "demo.noop" in text_of(browser.get(page_url("deadletter", letter)))
    ArchivedJob.objects.filter(pk=old.pk).delete()
    assert not AnyJob.objects.filter(pk=old.pk).exists()
    assert "No longer kept." in text_of(browser.get(page_url("deadletter", letter)))


def test_operators_set_how_long_a_merchants_history_is_kept_and_its_admins_read_it(shop):
    address = reverse("admin:tenants_merchant_change", args=[shop.pk])
    boss = browser_of(make_superuser())
    page = text_of(boss.get(address))
    assert 'name="keep_jobs_days"' in page
    assert 'name="keep_executions_days"' in page
    shop.keep_jobs_days = 14
    shop.save()
    theirs = text_of(browser_of(make_merchant_admin(shop)).get(address))
    assert 'name="keep_jobs_days"' not in theirs
    assert "14" in theirs
