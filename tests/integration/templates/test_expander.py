"""Templates become jobs: in time, once, as far ahead as the horizon says."""

from datetime import datetime, timedelta

import pytest

from jobs.models import Job
from templates_app.expander import expand
from templates_app.models import Template
from tests.factories.jobs import make_job, make_merchant
from tests.factories.templates import (
    DAY,
    EXPANSION,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    every,
    make_template,
)
from tests.integration.templates.ticking import expand_all, planned

pytestmark = pytest.mark.django_db


def test_new_template_has_its_next_job_at_once() -> None:
    bystander = make_job()
    template = make_template()
    assert planned(template) == [NOW + HOUR]
    job = Job.objects.get(template_id=template.id)
    assert (job.status, job.origin, job.occurrence_at) == ("scheduled", "template", NOW + HOUR)
    assert (job.merchant_id, job.name) == (template.merchant_id, "Report")
    bystander.refresh_from_db()
    assert bystander.template_id is None


def test_frequent_template_is_planned_over_the_horizon() -> None:
    template = make_template(recurrence=every(10, "seconds"))
    assert planned(template) == [NOW + n * 10 * SECOND for n in range(1, 13)]


def test_daily_template_always_has_one_job_ahead() -> None:
    template = make_template(recurrence=cron("0 9 * * *", "Europe/Madrid"))
    for day in range(5):
        now = NOW + DAY * day
        expand_all(now)
        assert any(at > now for at in planned(template))
    assert len(planned(template)) == len(set(planned(template)))


def test_expanding_twice_makes_nothing_twice() -> None:
    template = make_template(recurrence=every(1))
    before = planned(template)
    Template.objects.update(expanded_to=NOW, next_expansion_at=NOW)
    expand_all(NOW)
    assert planned(template) == before


def test_idle_tick_does_nothing() -> None:
    make_template()
    assert expand(NOW, EXPANSION).templates == 0


def test_simulated_day_of_ticks_runs_every_occurrence_once() -> None:
    template = make_template(recurrence=every(7))
    now = NOW
    while now < NOW + 6 * HOUR:
        expand_all(now)
        now += MINUTE
    expected = [at for n in range(10_000) if (at := NOW - DAY + n * MINUTE) > NOW]
    wanted = [
        at
        for at in expected
        if (at - datetime(2026, 1, 1, tzinfo=NOW.tzinfo)) % timedelta(minutes=7) == timedelta(0)
        and at <= now
    ]
    assert [at for at in planned(template) if at <= now] == wanted


def test_template_of_an_inactive_merchant_waits() -> None:
    merchant = make_merchant()
    template = make_template(merchant=merchant, recurrence=every(1))
    bystander = make_template(recurrence=every(1))
    before = planned(template)
    assert planned(bystander) == before
    merchant.active = False
    merchant.save()
    expand_all(NOW + MINUTE)
    assert planned(template) == before
    assert len(planned(bystander)) > len(before)
