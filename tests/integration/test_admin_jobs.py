"""The admin's list of jobs and the page of one: what is shown, and what the buttons do."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.admin.bounded_reads import TookTooLong, reading_for_at_most
from jobs.admin.executions import SHOWN_ATTEMPTS
from jobs.admin.filters import first_id_at
from jobs.admin.steering import MOST_AT_ONCE
from jobs.models import Job, UniqueClaim
from tenants.clock import database_now
from tenants.platform import platform_merchant
from tests.factories.admin import (
    HTTP_PAYLOAD,
    browser_of,
    confirm,
    list_url,
    make_execution,
    messages_of,
    page_url,
    text_of,
)
from tests.factories.jobs import NOW, make_job, make_worker
from tests.factories.tenants import make_superuser

pytestmark = pytest.mark.django_db


@pytest.fixture
def bystander(shop):
    """A job that nobody asks for."""
    job = make_job(merchant=shop, name="bystander", scheduled_at=NOW + timedelta(days=300))
    yield job
    assert Job.objects.filter(pk=job.pk).values().get() == {
        name: value for name, value in job.__dict__.items() if not name.startswith("_")
    }


def status(job):
    return Job.objects.values_list("status", flat=True).get(pk=job.pk)


def test_cancel_button_cancels_a_waiting_job(shop, browser, bystander):
    job = make_job(merchant=shop)
    response = confirm(browser, page_url("job", job, "cancel"))
    assert response.headers["HX-Redirect"] == page_url("job", job)
    assert messages_of(response) == ["The job is cancelled."]
    assert status(job) == "cancelled"


def test_cancel_button_asks_a_running_job_to_stop(shop, browser, bystander):
    job = make_job(merchant=shop, status="running")
    response = confirm(browser, page_url("job", job, "cancel"))
    assert messages_of(response) == ["The job was asked to stop."]
    job.refresh_from_db()
    assert job.status == "running"
    assert job.cancel_requested_at is not None
    assert "stopping" in text_of(browser.get(page_url("job", job)))


def test_retry_button_restarts_a_failed_job_in_the_persons_name(shop, browser, member, bystander):
    job = make_job(merchant=shop, status="failed")
    confirm(browser, page_url("job", job, "retry"))
    letter = job.dead_letters.get()
    assert status(job) == "scheduled"
    assert (letter.resolution, letter.resolved_by) == ("redriven", member.email)


def test_run_now_button_makes_a_later_job_due(shop, browser, bystander):
    job = make_job(merchant=shop, scheduled_at=NOW + timedelta(days=300))
    confirm(browser, page_url("job", job, "run_now"))
    job.refresh_from_db()
    assert job.scheduled_at <= database_now()


def test_looking_at_a_question_changes_nothing(shop, browser):
    job = make_job(merchant=shop)
    for verb in ("cancel", "retry", "run_now"):
        assert browser.get(page_url("job", job, verb)).status_code == 200
    assert Job.objects.filter(pk=job.pk, cancel_requested_at=None, status="scheduled").exists()


def test_foreign_page_cannot_press_a_button(shop, member):
    job = make_job(merchant=shop)
    careful = browser_of(member, enforce_csrf_checks=True)
    assert confirm(careful, page_url("job", job, "cancel")).status_code == 403
    assert status(job) == "scheduled"


def test_button_pressed_too_late_says_why(shop, browser):
    job = make_job(merchant=shop, status="succeeded")
    response = confirm(browser, page_url("job", job, "cancel"))
    assert messages_of(response) == [
        "The job is succeeded; only a job that has not ended can be cancelled."
    ]
    assert not LogEntry.objects.exists()


def test_retry_button_says_which_job_holds_the_unique_key(shop, browser, bystander):
    key = {"merchant": shop, "unique_key": "order-17", "unique_scope": "unfinished"}
    failed, holder = make_job(status="failed", **key), make_job(**key)
    UniqueClaim.objects.create(
        merchant=shop, key="order-17", job_id=holder.pk, scope="unfinished", look_at=NOW
    )
    answer = confirm(browser, page_url("job", failed, "retry"))
    assert any(str(holder.pk) in message for message in messages_of(answer))
    failed.refresh_from_db()
    assert failed.status == "failed"
    assert "order-17 (unfinished)" in text_of(browser.get(page_url("job", failed)))
    assert "Unique key" not in text_of(browser.get(page_url("job", bystander)))


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("scheduled", {"cancel", "run_now"}),
        ("queued", {"cancel"}),
        ("running", {"cancel"}),
        ("retryable", {"cancel", "run_now"}),
        ("failed", {"retry"}),
        ("cancelled", {"retry"}),
        ("succeeded", set()),
    ],
)
def test_page_offers_the_verbs_that_the_status_takes(shop, browser, now, offered):
    job = make_job(merchant=shop, status=now)
    page = text_of(browser.get(page_url("job", job)))
    verbs = ("cancel", "retry", "run_now")
    assert {verb for verb in verbs if page_url("job", job, verb) in page} == offered


def test_list_action_acts_on_the_chosen_and_explains_the_rest(shop, browser, bystander):
    first, second = make_job(merchant=shop), make_job(merchant=shop)
    done = make_job(merchant=shop, status="succeeded")
    response = browser.post(
        list_url("job"),
        {"action": "cancel_chosen", "_selected_action": [first.pk, second.pk, done.pk]},
    )
    assert messages_of(response) == [
        "2 cancelled, or asked to stop.",
        "1 left unchanged. The job is succeeded; only a job that has not ended can be cancelled.",
    ]
    assert [status(job) for job in (first, second, done)] == ["cancelled"] * 2 + ["succeeded"]


def test_list_actions_retry_and_run_now(shop, browser, bystander):
    failed = make_job(merchant=shop, status="failed")
    later = make_job(merchant=shop, scheduled_at=NOW + timedelta(days=300))
    for action, job in (("retry_chosen", failed), ("run_chosen_now", later)):
        browser.post(list_url("job"), {"action": action, "_selected_action": [job.pk]})
        job.refresh_from_db()
        assert (job.status, job.scheduled_at <= database_now()) == ("scheduled", True)


def test_forged_request_for_everything_is_refused(shop, browser):
    jobs = [make_job(merchant=shop) for _ in range(MOST_AT_ONCE + 1)]
    response = browser.post(
        list_url("job"),
        {"action": "cancel_chosen", "_selected_action": [jobs[0].pk], "select_across": "1"},
    )
    assert messages_of(response) == [f"Choose at most {MOST_AT_ONCE} at once; nothing was changed."]
    assert not Job.objects.exclude(status="scheduled").exists()


def test_what_people_do_is_logged_with_their_name(shop, browser, member):
    job = make_job(merchant=shop)
    confirm(browser, page_url("job", job, "cancel"))
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (
        member,
        str(job.pk),
        "Cancelled.",
    )


def test_list_counts_nothing_and_costs_the_same_for_any_number_of_jobs(shop, browser):
    make_job(merchant=shop)
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(list_url("job"))
    for _ in range(30):
        make_job(merchant=shop)
    with CaptureQueriesContext(connection) as many:
        browser.get(list_url("job"))
    assert len(many) == len(few)
    statements = [query["sql"] for query in many]
    assert not [sql for sql in statements if "COUNT(" in sql.upper()]
    (listing,) = [sql for sql in statements if 'FROM "jobs_anyjob"' in sql]
    assert "payload" not in listing


@pytest.mark.parametrize("parameter", ["_facets", "all"])
def test_no_parameter_makes_the_list_count(shop, browser, parameter):
    make_job(merchant=shop)
    with CaptureQueriesContext(connection) as queries:
        text_of(browser.get(list_url("job", **{parameter: "True"})))
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]


def test_search_finds_by_id_and_by_part_of_the_name(shop, browser, bystander):
    job = make_job(merchant=shop, name="Confirm order 7")
    for term in (str(job.pk), f" {job.pk} ", "ORDER 7"):
        page = text_of(browser.get(list_url("job", q=term)))
        assert page_url("job", job) in page
        assert page_url("job", bystander) not in page


@pytest.mark.parametrize("term", ["%", "_", "'; --", "\\", "(a+)+$"])
def test_search_takes_every_character_as_it_is(shop, browser, term):
    job = make_job(merchant=shop, name="plain")
    assert page_url("job", job) not in text_of(browser.get(list_url("job", q=term)))


def test_filters_narrow_the_list(shop, browser):
    failed = make_job(merchant=shop, status="failed", kind="http")
    waiting = make_job(merchant=shop)
    for parameters in ({"status": "failed"}, {"kind": "http"}):
        page = text_of(browser.get(list_url("job", **parameters)))
        assert page_url("job", failed) in page
        assert page_url("job", waiting) not in page


def test_time_filter_goes_by_the_ids(shop, browser):
    moment = database_now()
    old = make_job(merchant=shop, id=first_id_at(moment - timedelta(days=3)))
    young = make_job(merchant=shop, id=first_id_at(moment))
    day = f"{moment - timedelta(days=1):%Y-%m-%d}"
    since = text_of(browser.get(list_url("job", created_at_from_0=day)))
    until = text_of(browser.get(list_url("job", created_at_to_0=day)))
    assert (page_url("job", young) in since, page_url("job", old) in since) == (True, False)
    assert (page_url("job", young) in until, page_url("job", old) in until) == (False, True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"status": "nonsense"},
        {"status": "\x00"},
        {"kind": "' OR 1=1"},
        {"created_at_from_0": "yesterday"},
        {"created_at_to_0": "9999-12-31"},
        {"created_at_from_0": "2026-01-01", "created_at_from_1": "25:00"},
        {"p": "999999999"},
        {"q": "\x00"},
    ],
)
def test_nonsense_in_the_address_is_no_error(browser, parameters):
    response = browser.get(list_url("job", **parameters), follow=True)
    assert response.status_code == 200


def test_page_masks_sensitive_headers(shop, browser):
    job = make_job(merchant=shop, kind="http", payload=HTTP_PAYLOAD)
    page = text_of(browser.get(page_url("job", job)))
    assert "s3cret" not in page
    assert "***" in page
    assert "shop.example" in page


def test_page_says_why_a_job_waits(shop, browser):
    job = make_job(merchant=shop, scheduled_at=database_now() + timedelta(hours=1))
    assert "Due in " in text_of(browser.get(page_url("job", job)))


def test_page_shows_progress(shop, browser):
    job = make_job(merchant=shop, status="running", progress=40, progress_note="page 4 of 10")
    assert "40 % page 4 of 10" in text_of(browser.get(page_url("job", job)))


def test_page_shows_attempts_with_worker_error_output_and_log(shop, browser):
    job = make_job(merchant=shop, status="failed")
    worker = make_worker(name="async@somewhere")
    make_execution(job, worker_id=worker.pk)
    stranger = make_execution(make_job(merchant=shop), error_message="not this job's")
    page = text_of(browser.get(page_url("job", job)))
    for words in (
        "async@somewhere",
        "HTTP 500",
        "http_500: The target answered 500.",
        "broken",
        "first line\nsecond line",
        "took 1.0 s",
    ):
        assert words in page
    assert stranger.error_message not in page


def test_page_shows_the_newest_attempts_and_links_to_the_rest(shop, browser):
    job = make_job(merchant=shop, status="failed")
    for number in range(1, SHOWN_ATTEMPTS + 4):
        make_execution(job, number=number, error_message=f"error of attempt {number}.")
    page = text_of(browser.get(page_url("job", job)))
    assert page.count("error of attempt") == SHOWN_ATTEMPTS
    assert "error of attempt 1." not in page
    link = f"{list_url('execution')}?q={job.pk}"
    assert link in page
    assert text_of(browser.get(link)).count(f"{job.pk} #") == SHOWN_ATTEMPTS + 3


def test_huge_output_and_log_are_cut_on_the_page(shop, browser):
    job = make_job(merchant=shop, status="failed")
    make_execution(job, output="x" * 60_000, log=["y" * 2000] * 1000)
    page = text_of(browser.get(page_url("job", job)))
    assert "more characters" in page
    assert len(page) < 200_000


def test_reading_too_long_is_given_up_and_leaves_no_limit_behind():
    with (
        pytest.raises(TookTooLong),
        reading_for_at_most(0.05),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(30)")
    with reading_for_at_most(0.05), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_the_page_of_an_occurrence_tells_why_it_was_moved_and_not_run(browser, shop):
    job = make_job(
        merchant=shop,
        template_id=shop.pk,
        occurrence_at=NOW,
        occurrence_note="Moved from Sat 3 Oct 09:00: weekend.",
        origin="template",
        overlap="skip",
        status="skipped",
        skip_reason="The run before had not ended.",
    )
    page = text_of(browser.get(page_url("job", job)))
    for words in ("Occurrence of a template", job.occurrence_note, job.skip_reason, "Template"):
        assert words in page


def test_the_page_of_another_job_is_silent_about_occurrences(browser, shop):
    page = text_of(browser.get(page_url("job", make_job(merchant=shop))))
    assert "Occurrence" not in page
    assert "Why it was not run" not in page


def test_operators_tell_the_platforms_own_work_from_merchants(shop, browser):
    mine = make_job(merchant=shop, name="a merchant's")
    own = make_job(merchant=platform_merchant(), name="a message", kind="alert")
    root = browser_of(make_superuser())

    def listed(whose):
        page = text_of(root.get(list_url("job", whose=whose)))
        return [job.name for job in (mine, own) if page_url("job", job) in page]

    assert listed("merchants") == [mine.name]
    assert listed("platform") == [own.name]
    assert listed("") == [mine.name, own.name]
    assert "whose work" not in text_of(browser.get(list_url("job"))).lower()
