"""The one sentence that says why a job waits."""

from datetime import timedelta

import pytest
from django.db import connection

from jobs.engine import POPULATOR_LOCK
from jobs.models import Execution
from jobs.waiting_reason import duration, waiting_reason
from tests.factories.jobs import NOW, make_job, make_worker
from tests.factories.tenants import make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def populator(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [POPULATOR_LOCK])
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [POPULATOR_LOCK])


def test_a_future_job_is_due_in_a_while():
    job = make_job(run_at=NOW + timedelta(minutes=3))
    assert waiting_reason(job, now=NOW) == "Due in 3 minutes, at 2026-06-01T12:03:00Z."


def test_a_retryable_job_tells_why_its_last_attempt_failed():
    job = make_job(status="retryable", attempt=2, scheduled_at=NOW + timedelta(seconds=40))
    Execution.objects.create(
        job=job,
        merchant=job.merchant,
        number=2,
        outcome="failed",
        scheduled_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        http_status=503,
        error_code="http_503",
    )
    assert waiting_reason(job, now=NOW) == (
        "Attempt 2 of 5 failed (HTTP 503); the next one is due in 40 seconds, "
        "at 2026-06-01T12:00:40Z."
    )


def test_a_queued_job_was_handed_over():
    make_worker()
    job = make_job(status="queued")
    assert waiting_reason(job, now=NOW + timedelta(seconds=2)) == (
        "Handed to a worker queue 2 seconds ago."
    )


def test_a_due_job_without_a_live_worker_says_so():
    make_worker(lane="async")
    make_worker(lane="process", heartbeat_at=NOW - timedelta(hours=1))
    job = make_job(lane="process")
    assert waiting_reason(job, now=NOW) == "No worker of lane process is alive."


def test_a_due_job_without_a_populator_says_so():
    make_worker()
    assert "No populator is running" in str(waiting_reason(make_job(), now=NOW))


def test_a_due_job_counts_those_before_it(populator):
    make_worker()
    merchant = make_merchant()
    make_job(merchant=merchant, priority=9)
    make_job(merchant=merchant, scheduled_at=NOW - timedelta(hours=1))
    job = make_job(merchant=merchant)
    make_job(merchant=merchant, priority=1)
    make_job(merchant=merchant, lane="process", priority=9)
    make_job(merchant=merchant, priority=9, run_at=NOW + timedelta(hours=1))
    make_job(priority=9)
    assert waiting_reason(job, now=NOW) == "Behind 2 of its merchant's due jobs in lane async."


def test_the_first_due_job_is_next(populator):
    make_worker()
    assert waiting_reason(make_job(), now=NOW) == "Due now; it is handed to a worker next."


def test_a_suspended_merchants_job_waits_for_its_merchant():
    job = make_job(merchant=make_merchant(active=False))
    assert "suspended" in str(waiting_reason(job, now=NOW))


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "cancelled", "skipped"])
def test_a_job_that_does_not_wait_has_no_reason(status):
    assert waiting_reason(make_job(status=status), now=NOW) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"),
        (61, "1 minute 1 second"),
        (3599, "1 hour"),
        (90_061, "1 day 1 hour"),
        (86_400 * 365, "365 days"),
    ],
)
def test_durations_are_told_in_two_units(seconds, text):
    assert duration(seconds) == text
