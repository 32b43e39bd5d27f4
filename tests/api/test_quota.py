"""The quota of unfinished jobs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from jobs.quota import TRUSTED, QuotaExceeded, UnfinishedJobs
from tests.api.kit import noop, problem
from tests.factories.jobs import NOW, make_job
from tests.factories.tenants import make_merchant


def test_a_job_beyond_the_quota_is_refused_and_told_when_to_come_back(api, merchant):
    merchant.max_waiting_jobs = 2
    merchant.save()
    make_job(merchant=merchant, status="succeeded")
    assert api.send("/jobs/batch", {"jobs": [noop(), noop()]}).status_code == 201
    for path, body in (("/jobs", noop()), ("/jobs/batch", {"jobs": [noop()]})):
        answer = api.send(path, body)
        assert "2 unfinished jobs" in problem(answer, 429, "quota_exceeded")["detail"]
        assert int(answer["Retry-After"]) >= 1
    assert Job.objects.of(merchant).unfinished().count() == 2


def test_a_finished_job_makes_room_at_once(api, merchant):
    merchant.max_waiting_jobs = 1
    merchant.save()
    job = api.send("/jobs", noop()).json()
    problem(api.send("/jobs", noop()), 429, "quota_exceeded")
    api.send(f"/jobs/{job['id']}/cancel")
    assert api.send("/jobs", noop()).status_code == 201


@pytest.mark.django_db
def test_far_below_the_limit_nothing_is_counted_again_for_a_while():
    merchant = make_merchant(max_waiting_jobs=100)
    counts = UnfinishedJobs()
    counts.admit(merchant, adding=1, now=NOW)
    with CaptureQueriesContext(connection) as captured:
        counts.admit(merchant, adding=80, now=NOW)
    assert len(captured) == 0
    with CaptureQueriesContext(connection) as captured:
        counts.admit(merchant, adding=10, now=NOW)
        counts.admit(merchant, adding=1, now=NOW + 2 * TRUSTED)
    assert len(captured) == 2


@pytest.mark.django_db
def test_the_limit_itself_is_allowed_and_one_more_is_not():
    merchant = make_merchant(max_waiting_jobs=3)
    counts = UnfinishedJobs()
    make_job(merchant=merchant)
    counts.admit(merchant, adding=2, now=NOW)
    with pytest.raises(QuotaExceeded):
        counts.admit(merchant, adding=3, now=NOW + timedelta(seconds=1))
