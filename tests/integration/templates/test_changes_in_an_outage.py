"""Whatever changes while nobody expands, what was missed until then is decided on, not forgotten."""

from typing import Any

import pytest

from jobs.models import Job
from templates_app.expander.refresh import Refresh
from templates_app.models import Calendar, Cause, SkippedOccurrence, Template
from templates_app.operations.calendars import edit_calendar
from templates_app.operations.review import NothingToReview, review
from templates_app.operations.templates import edit_template, pause_template, resume_template
from tests.factories.actors import somebody
from tests.factories.jobs import make_job
from tests.factories.templates import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    cron,
    every,
    june,
    make_avoiding_template,
    make_template,
    make_window,
)
from tests.integration.templates.ticking import expand_all

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR


MINUTELY: dict[str, Any] = {"recurrence": every(1), "misfire": "run_all"}


def minutely():
    """Return a template of every minute that makes up for all it missed."""
    return make_template(**MINUTELY)


def due(template):
    """Return how many of the template's occurrences up to LATER have a job."""
    return Job.objects.filter(template_id=template.id, run_at__gt=NOW, run_at__lte=LATER).count()


def test_edit_after_an_outage_loses_nothing():
    bystander = make_job()
    template = minutely()
    edit_template(template, {"name": "Another name"}, now=LATER)
    assert due(template) == 60
    assert SkippedOccurrence.objects.count() == 0
    bystander.refresh_from_db()
    assert bystander.status == "scheduled"


def test_edit_after_an_outage_decides_by_the_old_recurrence():
    template = make_template(recurrence=every(30), misfire="run_all")
    edit_template(template, {"recurrence": every(1)}, now=LATER)
    missed = Job.objects.filter(template_id=template.id, run_at__lte=LATER).order_by("run_at")
    assert [job.run_at for job in missed] == [NOW + 30 * MINUTE, LATER]


def test_new_time_zone_data_after_an_outage_lose_nothing():
    template = minutely()
    Template.objects.update(expanded_with="tzdata of last year")
    assert Refresh().step(LATER) == 1
    expand_all(LATER)
    assert due(template) == 60
    assert Template.objects.get().expanded_with != "tzdata of last year"


def test_changed_calendar_after_an_outage_loses_nothing():
    template = make_avoiding_template(**MINUTELY)
    edit_calendar(Calendar.objects.get(), {"name": "Weekends"}, now=LATER)
    expand_all(LATER)
    assert due(template) == 60


def test_pause_after_an_outage_decides_first():
    template = make_template(recurrence=every(1), misfire="skip")
    pause_template(template, {}, now=LATER, by=somebody("somebody"))
    missed, waiting = SkippedOccurrence.objects.order_by("first_at")
    assert (missed.cause, missed.first_at) == (Cause.MISSED, NOW + MINUTE)
    # What was late by less than the grace would have run.
    assert (waiting.cause, waiting.last_at) == (Cause.PAUSED, LATER)
    assert missed.occurrences + waiting.occurrences == 60
    expand_all(LATER)
    assert SkippedOccurrence.objects.count() == 2


def test_what_fell_into_a_pause_or_an_inactive_time_is_not_missed():
    paused, inactive = minutely(), minutely()
    pause_template(paused, {}, now=NOW, by=somebody("somebody"))
    edit_template(inactive, {"active": False}, now=NOW)
    resume_template(paused, now=LATER)
    edit_template(inactive, {"active": True}, now=LATER)
    expand_all(LATER)
    assert (due(paused), due(inactive)) == (0, 0)
    assert SkippedOccurrence.objects.count() == 0


def test_what_a_template_missed_while_it_was_set_aside_is_seen_when_it_resumes():
    template = minutely()
    Template.objects.filter(pk=template.pk).update(
        set_aside_at=NOW, set_aside_reason="It failed.", next_expansion_at=None
    )
    resume_template(template, now=LATER)
    expand_all(LATER)
    assert due(template) == 60


def test_missed_occurrence_that_a_calendar_had_moved_can_be_run_after_all():
    saturday = june(6, 12)
    template = make_avoiding_template(
        now=saturday - HOUR,
        recurrence=cron("0 12 * * SAT"),
        on_closed="next_business_day",
        misfire="skip",
    )
    monday = saturday + 2 * DAY
    assert Job.objects.get(template_id=template.id).run_at == monday
    expand_all(monday + HOUR)
    row = SkippedOccurrence.objects.get(cause=Cause.MISSED)
    assert row.first_at == monday
    ran = review(row, {"choice": "run_all"}, now=monday + HOUR, by=somebody("somebody")).ran
    assert ran is not None
    assert (ran.created, ran.restarted) == (0, 1)
    assert Job.objects.get(template_id=template.id, occurrence_at=monday).status == "scheduled"


def test_what_was_closed_has_nothing_to_review():
    make_avoiding_template({"dates": ["2026-06-02"]}, recurrence=cron("0 9 * * *"))
    row = SkippedOccurrence.objects.get(cause=Cause.CLOSED)
    with pytest.raises(NothingToReview):
        review(row, {"choice": "run_all"}, now=NOW + 2 * DAY, by=somebody("somebody"))
    row.refresh_from_db()
    assert row.resolved_at is None


def test_new_policy_does_not_take_back_what_the_old_one_decided():
    template = minutely()
    edit_template(template, {"misfire": "run_once"}, now=LATER)
    expand_all(LATER + MINUTE / 6)
    waiting = Job.objects.filter(template_id=template.id, run_at__gt=NOW, run_at__lte=LATER)
    assert waiting.filter(status="scheduled").count() == 60
    assert SkippedOccurrence.objects.count() == 0


def test_what_a_window_holds_until_later_was_not_missed_in_an_outage():
    make_window(starts_at=NOW, ends_at=NOW + 12 * HOUR)
    template = make_template(recurrence=every(60), misfire="run_all", misfire_window=3600)
    expand_all(NOW + 6.5 * HOUR)
    jobs = Job.objects.filter(template_id=template.id, occurrence_at__lte=NOW + 6 * HOUR)
    assert jobs.filter(status="scheduled", run_at__gte=NOW + 12 * HOUR).count() == 6
    assert SkippedOccurrence.objects.count() == 0


class TestPauseThatWasOver:
    """Its `resume_at` has come, but the template could not be expanded since."""

    def over(self):
        template = make_template(recurrence=every(60), misfire="run_all")
        pause_template(
            template, {"resume_at": (NOW + HOUR).isoformat()}, now=NOW, by=somebody("somebody")
        )
        Template.objects.filter(pk=template.pk).update(
            set_aside_at=NOW + HOUR, set_aside_reason="It failed.", next_expansion_at=None
        )
        return template

    def test_what_it_was_owed_since_runs_when_somebody_resumes_it(self):
        template = self.over()
        resume_template(template, now=NOW + 4.5 * HOUR)
        expand_all(NOW + 4.5 * HOUR)
        jobs = Job.objects.filter(template_id=template.id, occurrence_at__lte=NOW + 4.5 * HOUR)
        assert jobs.filter(status="scheduled").count() == 4
        assert SkippedOccurrence.objects.count() == 0

    def test_it_is_missed_when_somebody_switches_it_off(self):
        edit_template(self.over(), {"active": False}, now=NOW + 4.5 * HOUR)
        row = SkippedOccurrence.objects.get()
        assert (row.cause, row.occurrences) == (Cause.MISSED, 4)

    def test_it_is_not_forgotten_when_somebody_pauses_it_again(self):
        template = self.over()
        pause_template(template, {}, now=NOW + 4.5 * HOUR, by=somebody("somebody"))
        resume_template(template, now=NOW + 6.5 * HOUR)
        expand_all(NOW + 6.5 * HOUR)
        jobs = Job.objects.filter(template_id=template.id, status="scheduled")
        made_up = jobs.filter(occurrence_at__lte=NOW + 6.5 * HOUR).order_by("occurrence_at")
        assert [job.occurrence_at for job in made_up] == [
            NOW + HOUR * number for number in (1, 2, 3, 4)
        ]
