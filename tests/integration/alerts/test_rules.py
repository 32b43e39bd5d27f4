"""Each rule kind: what it finds, what it leaves alone, and how it is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.models import Cursor, Delivery, Incident
from alerts.rules import RULE_KINDS
from alerts.tasks import evaluate_rules
from jobs.models import Canary, DeadLetter, Execution, Job, Worker
from jobs.partitions import first_id
from taskflow.celery import app
from templates_app.models import Template
from tenants.clock import database_now
from tenants.platform import platform_merchant
from tests.factories.alerts import fail_many, make_delivery, make_incident, make_rule
from tests.factories.jobs import make_job, make_worker
from tests.factories.templates import make_template
from tests.factories.tenants import make_key, make_merchant
from tests.integration.alerts.kit import tick

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def now(transactional_db):
    return database_now()


@pytest.fixture
def rival(now):
    return make_merchant()


def incidents():
    """Return (subject, count, state) of all incidents, oldest first."""
    return [(one.subject, one.count, one.state) for one in Incident.objects.order_by("pk")]


def subjects():
    return [one.subject_key for one in Incident.objects.order_by("subject_key")]


def over_at(moment):
    """Tick at a moment when nothing is in trouble any more; return the incident's state."""
    tick(moment)
    return Incident.objects.get().state


def failing_job(merchant, moment, **fields):
    """Store a job without a template that failed for good, with its letter."""
    job = make_job(
        merchant=merchant,
        status="failed",
        kind="http",
        handler="target.example",
        finalized_at=moment,
        **fields,
    )
    DeadLetter.objects.filter(job=job).update(
        kind="http", handler="target.example", created_at=moment
    )
    return job


def test_jobs_without_a_template_are_one_incident_a_handler_until_none_failed_for_a_while(
    shop, rival, now
):
    make_rule(merchant=shop, parameters={"quiet": 600})
    tick()
    job = failing_job(shop, now)
    failing_job(shop, now)
    failing_job(rival, now)
    tick()
    assert incidents() == [("jobs of http target.example", 2, "open")]
    assert Incident.objects.get().example_job_id != job.pk
    assert over_at(now + 599 * SECOND) == "open"
    assert over_at(now + 601 * SECOND) == "resolved"


def test_a_rule_of_the_platform_sees_everybodys_failures_but_its_own_messages(rival, now):
    make_rule(merchant=None)
    tick()
    failing_job(rival, now)
    sent = failing_job(rival, now)
    DeadLetter.objects.filter(job=sent).update(kind="alert")
    tick()
    assert incidents() == [("jobs of http target.example", 1, "open")]
    assert Incident.objects.get().merchant_id is None


def test_a_rule_for_one_template_leaves_the_others_alone(shop, template):
    other = make_template(merchant=shop, name="Other")
    make_rule(merchant=shop, template_id=template.pk)
    tick()
    fail_many(other, 3)
    fail_many(template, 1)
    tick()
    assert subjects() == [f"template:{template.pk}"]


def test_a_high_share_of_failed_attempts(shop, rival, now):
    make_rule(
        merchant=shop,
        kind="failure_rate",
        parameters={"percent": 30, "window": 600, "least": 10},
    )

    def attempts(merchant, outcome, number):
        job = make_job(merchant=merchant)
        for place in range(number):
            Execution.objects.create(
                job=job,
                merchant=merchant,
                number=place + 1,
                outcome=outcome,
                scheduled_at=now,
                started_at=now,
                finished_at=now,
            )

    attempts(rival, "failed", 20)
    attempts(shop, "failed", 3)
    tick(now)
    assert incidents() == []  # fewer than ten
    attempts(shop, "succeeded", 6)
    tick(now)
    assert incidents() == []
    attempts(shop, "timed_out", 1)
    tick(now)
    assert incidents() == [("attempts of all jobs", 4, "open")]
    assert "4 of the last 10 attempts failed" in Incident.objects.get().detail
    attempts(shop, "succeeded", 4)
    assert over_at(now + MINUTE) == "resolved"


def test_a_run_that_has_not_succeeded_within_its_grace(shop, rival, template, now):
    make_template(merchant=rival, now=now)
    make_rule(merchant=shop, kind="run_missing", parameters={"grace": 600})
    run = Job.objects.filter(template_id=template.pk).earliest("run_at")
    tick(run.run_at + 599 * SECOND)
    assert incidents() == []
    late = run.run_at + 601 * SECOND
    tick(late)
    # Its count is 2 when the next one is not even planned, and 1 shortly before a full hour.
    assert [one[::2] for one in incidents()] == [("Nightly report", "open")]
    assert Incident.objects.get().example_job_id == run.pk
    Job.objects.filter(template_id=template.pk).update(
        status="succeeded", finalized_at=late + SECOND
    )
    Template.objects.filter(pk=template.pk).update(next_expansion_at=late + DAY)
    assert over_at(late + MINUTE) == "resolved"


def test_a_run_that_failed_for_good_is_missing_at_once(shop, template):
    make_rule(merchant=shop, kind="run_missing")
    tick()
    fail_many(template, 1)
    tick()
    assert incidents() == [("Nightly report", 1, "open")]


def test_a_run_that_takes_too_long(shop, rival, template, now):
    make_rule(merchant=shop, kind="run_too_long", parameters={"seconds": 60})
    for merchant in (shop, rival):
        make_job(merchant=merchant, status="running", started_at=now - 61 * SECOND)
    make_job(merchant=shop, status="running", started_at=now - 30 * SECOND)
    tick(now)
    assert incidents() == [("jobs of python demo.noop", 1, "open")]
    Job.objects.all().update(status="succeeded", finalized_at=now)
    assert over_at(now + 59 * SECOND) == "open"  # what comes and goes is one incident
    assert over_at(now + MINUTE) == "resolved"


def test_a_merchants_jobs_that_start_late(shop, rival, now):
    make_rule(merchant=shop, kind="lateness", parameters={"seconds": 120})
    for merchant in (shop, rival):
        make_job(merchant=merchant, run_at=now - 121 * SECOND)
    make_job(merchant=shop, run_at=now - 100 * SECOND, lane="process")
    tick(now)
    assert incidents() == [("jobs of lane async", 1, "open")]
    Job.objects.filter(lane="async").update(status="succeeded", finalized_at=now)
    tick(now + MINUTE)
    assert [one[::2] for one in incidents()] == [
        ("jobs of lane async", "resolved"),
        ("jobs of lane process", "open"),
    ]


def test_a_lane_whose_oldest_job_waits_too_long(rival, now):
    make_rule(merchant=None, kind="queue_age", parameters={"seconds": 120})
    make_job(merchant=rival, run_at=now - 60 * SECOND, lane="process")
    queued = make_job(merchant=rival, status="queued", run_at=now - 121 * SECOND)
    tick(now)
    assert subjects() == ["lane:async"]
    assert Incident.objects.get().example_job_id == queued.pk


def test_dead_letters_that_grow(shop, rival, template, now):
    make_rule(merchant=shop, kind="dead_letters_growing", parameters={"count": 5, "window": 600})
    fail_many(make_template(merchant=rival), 9)
    fail_many(template, 4)
    tick(now)
    assert incidents() == []
    fail_many(template, 1)
    tick(now)
    assert incidents() == [("dead letters", 5, "open")]
    assert over_at(now + 660 * SECOND) == "resolved"


def test_a_lane_whose_workers_fell_silent(rival, now):
    make_rule(merchant=None, kind="lane_silent", parameters={"seconds": 60})
    make_worker(lane="async", heartbeat_at=now - 61 * SECOND)
    make_worker(lane="process", heartbeat_at=now - 61 * SECOND)
    make_worker(lane="process", heartbeat_at=now)
    make_worker(lane="command", heartbeat_at=now - 61 * SECOND, state="stopped")
    tick(now)
    assert subjects() == ["lane:async"]
    make_job(merchant=rival, lane="command", run_at=now)
    tick(now)
    assert subjects() == ["lane:async", "lane:command"]
    Worker.objects.update(heartbeat_at=now + MINUTE)
    tick(now + MINUTE)
    assert {one[2] for one in incidents()} == {"resolved"}


def test_a_lane_whose_workers_live_and_bring_no_canary_back(now):
    make_rule(merchant=None, kind="lane_silent", parameters={"seconds": 60})
    make_worker(lane="async", heartbeat_at=now)
    make_worker(lane="process", heartbeat_at=now)
    platform = platform_merchant()
    for lane, waits in (("async", True), ("process", False)):
        job = make_job(merchant=platform, lane=lane, kind="canary", run_at=now - 61 * SECOND)
        Canary.objects.create(lane=lane, job_id=job.pk, due_at=now - 61 * SECOND, waits=waits)
    tick(now)
    assert subjects() == ["lane:async"]
    assert "nobody hands its jobs to the broker" in Incident.objects.get().detail
    Canary.objects.update(waits=False, succeeded_at=now)
    Worker.objects.update(heartbeat_at=now + MINUTE)
    assert over_at(now + MINUTE) == "resolved"


def test_a_key_that_expires_until_it_is_replaced_or_revoked(shop, rival, now):
    make_rule(merchant=shop, kind="key_expiring", parameters={"days": 7})
    soon = make_key(shop, name="shop api", expires_at=now + 6 * DAY).key
    make_key(shop, expires_at=now + 8 * DAY)
    make_key(shop)
    make_key(rival, expires_at=now + DAY)
    tick(now)
    assert subjects() == [f"key:{soon.pk}"]
    assert incidents() == [("API key shop api", 1, "open")]
    type(soon).objects.filter(pk=soon.pk).update(revoked_at=now)
    assert over_at(now + MINUTE) == "resolved"


def test_a_template_that_was_set_aside(shop, rival, template, now):
    make_rule(merchant=shop, kind="template_set_aside")
    make_template(merchant=shop)
    foreign = make_template(merchant=rival)
    aside = Template.objects.filter(pk__in=[template.pk, foreign.pk])
    aside.update(set_aside_at=now, set_aside_reason="No time zone.", next_expansion_at=None)
    tick(now)
    assert subjects() == [f"template:{template.pk}"]
    assert Incident.objects.get().detail == "No time zone."
    aside.update(set_aside_at=None, set_aside_reason="")
    assert over_at(now + MINUTE) == "resolved"


def test_trouble_with_a_template_that_was_deleted_is_over(shop, template, now):
    make_rule(merchant=shop)
    tick()
    fail_many(template, 1)
    failing_job(shop, now)
    tick()
    Template.objects.filter(pk=template.pk).delete()
    tick()
    assert [one[::2] for one in sorted(incidents())] == [
        ("Nightly report", "resolved"),
        ("jobs of http target.example", "open"),
    ]


def test_what_is_long_over_is_forgotten_and_what_is_open_stays(shop, mail, now):
    rule = make_rule(merchant=shop, enabled=False)
    old = first_id(now - 91 * DAY)
    over = make_incident(
        rule, id=old, subject_key="over", state="resolved", resolved_at=now - 90 * DAY
    )
    make_delivery(mail, over, id=old)
    kept = make_incident(rule, id=first_id(now - 92 * DAY))
    make_delivery(mail, kept)
    tick(now)
    assert list(Incident.objects.all()) == [kept]
    assert Delivery.objects.get().incidents == [kept.pk]


def test_a_kind_whose_statement_fails_costs_nobody_else(shop, template, now, monkeypatch, caplog):
    broken = replace(RULE_KINDS["run_too_long"], find="SELECT 1 / 0")
    monkeypatch.setitem(RULE_KINDS, "run_too_long", broken)
    rule = make_rule(merchant=shop, kind="run_too_long")
    open_one = make_incident(rule, last_seen=now - DAY)
    make_rule(merchant=shop)
    tick()
    fail_many(template, 1)
    tick()
    assert [one[0] for one in incidents()] == [open_one.subject, "Nightly report"]
    open_one.refresh_from_db()
    assert open_one.state == "open"  # nobody looked, so nobody knows that it is over
    assert "run_too_long cannot be looked at" in caplog.text


def test_beat_ticks_what_the_control_worker_knows(settings, shop):
    app.loader.import_default_modules()
    schedule = settings.CELERY_BEAT_SCHEDULE
    assert schedule["alert"]["task"] == "alerts.evaluate"
    assert {entry["task"] for entry in schedule.values()} <= set(app.tasks)
    evaluate_rules()
    assert Cursor.objects.get().stream == "dead_letters"


def test_every_kind_is_looked_at_for_many_rules_in_one_statement(
    shop, rival, template, now, django_assert_max_num_queries
):
    for name in RULE_KINDS:
        for merchant in (shop, rival, None):
            make_rule(merchant=merchant, kind=name)
    tick(now)
    fail_many(template, 3)
    with django_assert_max_num_queries(60):
        assert tick(now + SECOND).opened > 0
    for place in range(20):
        fail_many(make_template(merchant=rival, name=f"R{place}"), 2)
    with django_assert_max_num_queries(60):
        assert tick(now + SECOND).opened > 20
