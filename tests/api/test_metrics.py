"""/metrics: what Prometheus reads, and who else may."""

from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from jobs.engine import POPULATOR_LOCK
from jobs.models import Canary, Redrive, Watch
from taskflow import metrics
from tenants.clock import database_now
from tenants.identifiers import new_id
from tests.api.kit import ApiClient, problem
from tests.factories.jobs import SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
TOKEN = "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OQ=="
LOCAL: dict[str, Any] = {"HTTP_HOST": "localhost:8000", "REMOTE_ADDR": "127.0.0.1"}
FAMILIES = {
    "taskflow_broker_up",
    "taskflow_database_up",
    "taskflow_scrape_error",
    "taskflow_workers",
    "taskflow_populator_leads",
    "taskflow_canary_age_seconds",
    "taskflow_canary_waiting_seconds",
    "taskflow_canary_took_seconds",
    "taskflow_lane_silent",
    "taskflow_watcher_brake",
    "taskflow_watcher_brakes",
    "taskflow_watcher_tick_age_seconds",
    "taskflow_redrives",
    "taskflow_redrive_letters_left",
    "taskflow_jobs",
    "taskflow_jobs_estimated",
    "taskflow_queue_drain_seconds",
    "taskflow_oldest_due_job_age_seconds",
    "taskflow_history_weeks",
    "taskflow_history_weeks_overdue",
}


def ask(**environ):
    return Client(raise_request_exception=False).get("/metrics", **{**LOCAL, **environ})


def scrape(**environ):
    """Return {(name, labels): value} of an answer, after checking its form."""
    answer = ask(**environ)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer["Cache-Control"]
    families = list(text_string_to_metric_families(answer.content.decode()))
    assert {family.name for family in families} == FAMILIES
    counters = {family.name for family in families if family.type == "counter"}
    assert counters == {"taskflow_watcher_brakes"}
    assert all(family.type in {"gauge", "counter"} and family.documentation for family in families)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_platform_at_work_shows_in_numbers():
    now = database_now()
    make_worker(heartbeat_at=now, capacity=2, run_times={"python:demo.noop": 1.0})
    make_worker(heartbeat_at=now, lane="control")
    for _ in range(4):
        make_job(scheduled_at=now - 60 * SECOND)
    make_job(status="running")
    make_job(lane="process", status="queued")
    Canary.objects.create(
        lane="async",
        job_id=new_id(),
        due_at=now - 40 * SECOND,
        waits=False,
        succeeded_at=now - 39 * SECOND,
        took=1.0,
    )
    waiting = make_job(lane="process", kind="canary", status="queued")
    Canary.objects.create(lane="process", job_id=waiting.id, due_at=now - 300 * SECOND, waits=True)
    Watch.objects.create(ticked_at=now - 3 * SECOND, brakes=7)
    shop = make_merchant()
    begun = {"merchant": shop, "rate": 1.0, "created_by": "ana@example.test"}
    Redrive.objects.create(total=10, redriven=2, left_out=1, **begun)
    Redrive.objects.create(total=3, state="stopped", **begun)
    Redrive.objects.create(total=4, state="done", redriven=4, finished_at=now, **begun)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [POPULATOR_LOCK])
        values = scrape()
        cursor.execute("SELECT pg_advisory_unlock(%s)", [POPULATOR_LOCK])
    age = values.pop(("taskflow_oldest_due_job_age_seconds", "async"))
    assert 60 <= age < 600
    assert 39 <= values.pop(("taskflow_canary_age_seconds", "async")) < 600
    assert 300 <= values.pop(("taskflow_canary_waiting_seconds", "process")) < 900
    assert 3 <= values.pop(("taskflow_watcher_tick_age_seconds",)) < 600
    # This week and those that are made ahead.
    assert values.pop(("taskflow_history_weeks", "executions")) >= 5
    assert values == {
        ("taskflow_broker_up",): 1,
        ("taskflow_database_up",): 1,
        ("taskflow_scrape_error", "workers"): 0,
        ("taskflow_scrape_error", "populator"): 0,
        ("taskflow_scrape_error", "canaries"): 0,
        ("taskflow_scrape_error", "watcher"): 0,
        ("taskflow_scrape_error", "redrives"): 0,
        ("taskflow_scrape_error", "queues"): 0,
        ("taskflow_scrape_error", "oldest_due_job"): 0,
        ("taskflow_scrape_error", "history"): 0,
        ("taskflow_redrives", "running"): 1,
        ("taskflow_redrives", "stopped"): 1,
        ("taskflow_redrive_letters_left", "running"): 7,
        ("taskflow_redrive_letters_left", "stopped"): 3,
        ("taskflow_history_weeks", "jobs"): 0,
        ("taskflow_history_weeks_overdue",): 0,
        ("taskflow_workers", "async"): 1,
        ("taskflow_workers", "process"): 0,
        ("taskflow_workers", "control"): 1,
        ("taskflow_populator_leads",): 1,
        ("taskflow_canary_waiting_seconds", "async"): 0,
        ("taskflow_canary_took_seconds", "async"): 1,
        # The process lane never had a worker: since when it should, nobody knows.
        ("taskflow_lane_silent", "async"): 0,
        ("taskflow_lane_silent", "process"): 0,
        ("taskflow_watcher_brake",): 0,
        ("taskflow_watcher_brakes_total",): 7,
        ("taskflow_jobs", "async", "due"): 4,
        ("taskflow_jobs", "async", "queued"): 0,
        ("taskflow_jobs", "async", "running"): 1,
        ("taskflow_jobs", "async", "parked"): 0,
        ("taskflow_jobs", "process", "due"): 0,
        ("taskflow_jobs", "process", "queued"): 2,
        ("taskflow_jobs", "process", "running"): 0,
        ("taskflow_jobs", "process", "parked"): 0,
        ("taskflow_jobs_estimated", "async", "due"): 0,
        ("taskflow_jobs_estimated", "async", "parked"): 0,
        ("taskflow_jobs_estimated", "process", "due"): 0,
        ("taskflow_jobs_estimated", "process", "parked"): 0,
        # The process lane has no worker: how long its job will wait, nobody knows.
        ("taskflow_queue_drain_seconds", "async"): 2,
        ("taskflow_oldest_due_job_age_seconds", "process"): 0,
    }


def test_no_merchant_is_named():
    merchant = make_merchant("unmistakable-shop")
    make_job(merchant=merchant, handler="unmistakable.handler")
    page = ask().content.decode()
    assert 'taskflow_jobs{lane="async",state="due"} 1.0' in page
    assert "unmistakable" not in page
    assert str(merchant.id) not in page


def test_what_cannot_be_read_in_time_is_told_and_the_rest_is_there(database_url, monkeypatch):
    monkeypatch.setattr(metrics, "SECONDS", 1)
    make_worker(heartbeat_at=database_now())
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE tenants_merchant IN ACCESS EXCLUSIVE MODE")
        page = ask().content.decode()
    assert 'taskflow_scrape_error{part="queues"} 1.0' in page
    assert 'taskflow_scrape_error{part="oldest_due_job"} 1.0' in page
    assert 'taskflow_scrape_error{part="workers"} 0.0' in page
    assert 'taskflow_workers{lane="async"} 1.0' in page
    assert "taskflow_database_up 1.0" in page
    assert "taskflow_jobs{" not in page


def test_openmetrics_is_spoken_with_who_asks_for_it():
    answer = ask(HTTP_ACCEPT="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_a_developers_own_machine_needs_no_token(address):
    assert ask(REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": ""},  # a socket in the file system: whoever is behind it
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_HOST": "localhost"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_HOST": "testserver"},
        {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}", "REMOTE_ADDR": "192.0.2.7"},
        {"HTTP_AUTHORIZATION": "Bearer ", "REMOTE_ADDR": "192.0.2.7"},
    ],
)
def test_without_a_token_there_is_nothing_for_anybody_else(environ):
    problem(ask(**environ), 404, "unknown_address")


def test_in_production_loopback_proves_nothing(settings):
    settings.PRODUCTION = True
    problem(ask(), 404, "unknown_address")


def test_behind_proxies_loopback_proves_nothing(settings):
    settings.TRUSTED_PROXIES = 1
    problem(ask(), 404, "unknown_address")


@pytest.mark.parametrize("production", [True, False])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_whoever_bears_the_token_reads_from_anywhere(settings, production, scheme):
    settings.PRODUCTION = production
    settings.METRICS_TOKEN = TOKEN
    values = scrape(REMOTE_ADDR="192.0.2.7", HTTP_AUTHORIZATION=f"{scheme} {TOKEN}")
    assert values["taskflow_database_up",] == 1


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_where_there_is_a_token_loopback_needs_it_too(settings, given):
    settings.METRICS_TOKEN = TOKEN
    environ = {"HTTP_AUTHORIZATION": given} if given else {}
    answer = ask(**environ)
    problem(answer, 401, "metrics_token_needed")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN.encode() not in answer.content


def test_a_key_of_the_api_opens_no_metrics(api, settings):
    settings.METRICS_TOKEN = TOKEN
    problem(ask(HTTP_X_API_KEY=api.key), 401, "metrics_token_needed")


def test_metrics_are_only_read():
    answer = ApiClient().post("/metrics", **LOCAL)
    assert answer.status_code == 405


def test_scrapes_from_within_are_not_sent_to_https(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.METRICS_TOKEN = TOKEN
    assert ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 200


def test_an_unknown_address_below_metrics_is_a_problem():
    problem(ApiClient().get("/metrics/more", **LOCAL), 404, "unknown_address")
