"""The admin's first page: figures of one's own merchants, bounded in cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Canary, Watch
from taskflow import dashboard
from tenants.clock import database_now
from tests.factories.admin import browser_of, make_dead_letter, make_execution, text_of
from tests.factories.jobs import make_job, make_merchant, make_worker
from tests.factories.tenants import make_member, make_superuser

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_merchant("shop")


def figures(user, name):
    """Return {title: number} of one row of figures."""
    response = browser_of(user).get(reverse("admin:index"))
    assert response.status_code == 200
    return {figure.title: figure.number for figure in response.context[name]}


def test_figures_are_of_ones_own_merchants(shop):
    for merchant in (shop, make_merchant("rival")):
        make_job(merchant=merchant)
        make_job(merchant=merchant, status="running")
        make_dead_letter(merchant=merchant)
    own = {"Scheduled": "1", "Retryable": "0", "Queued": "0", "Running": "1"}
    assert figures(make_member(shop), "figures_now") == {**own, "Open dead letters": "1"}
    assert figures(make_superuser(), "figures_now")["Scheduled"] == "2"


def test_attempts_of_the_last_day_are_counted_by_outcome(shop):
    job = make_job(merchant=shop)
    make_execution(job, outcome="succeeded")
    make_execution(job, outcome="failed", number=2)
    make_execution(make_job(merchant=make_merchant("rival")), outcome="succeeded")
    assert figures(make_member(shop), "figures_lately") == {"Failed": "1", "Succeeded": "1"}


def test_counting_ends_at_its_bound(shop, monkeypatch):
    monkeypatch.setattr(dashboard, "MOST", 3)
    for _ in range(5):
        make_job(merchant=shop)
    assert figures(make_member(shop), "figures_now")["Scheduled"] == "3+"


def test_page_costs_the_same_number_of_statements_for_any_number_of_jobs(shop):
    browser = browser_of(make_member(shop))
    make_job(merchant=shop)
    with CaptureQueriesContext(connection) as few:
        browser.get(reverse("admin:index"))
    for _ in range(20):
        make_execution(make_job(merchant=shop))
    with CaptureQueriesContext(connection) as many:
        browser.get(reverse("admin:index"))
    assert len(many) == len(few)


def test_lanes_show_their_live_workers(shop):
    now = database_now()
    make_worker(lane="async", capacity=30, heartbeat_at=now)
    make_worker(lane="async", capacity=12, heartbeat_at=now)
    make_worker(lane="process", heartbeat_at=now, state="stopped")
    page = text_of(browser_of(make_member(shop)).get(reverse("admin:index")))
    assert "room for 42 jobs" in page
    assert "its jobs wait" in page


def test_lane_that_takes_nothing_and_the_brake_are_told(shop):
    now = database_now()
    worker = make_worker(heartbeat_at=now)
    canary = make_job(status="queued", kind="canary")
    Canary.objects.create(
        lane="async", job_id=canary.id, due_at=now - timedelta(minutes=5), waits=True
    )
    Watch.objects.create(
        ticked_at=now,
        held_after=now - timedelta(minutes=1),
        held_since=now,
        held_until=now + timedelta(minutes=10),
        cause="late",
    )
    page = text_of(browser_of(make_member(shop)).get(reverse("admin:index")))
    assert "they take no jobs out of the broker" in page
    assert "fell silent at once" in page
    workers = text_of(browser_of(make_superuser()).get(reverse("admin:jobs_worker_changelist")))
    assert "fell silent at once" in workers
    assert worker.name in workers
