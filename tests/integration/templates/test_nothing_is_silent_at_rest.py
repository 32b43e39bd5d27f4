"""Whoever pauses, switches off or sets aside: what was due ends as a job or as a row."""

from datetime import datetime
from typing import Any

import pytest

from jobs.models import Job
from templates_app.models import Calendar, Template
from templates_app.operations.calendars import edit_calendar
from templates_app.operations.templates import edit_template, pause_template, resume_template
from tests.factories.actors import somebody
from tests.factories.templates import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    every,
    make_avoiding_template,
    make_template,
)
from tests.integration.templates.silence import CLOSED_SUNDAYS, DAILY, ONE, SUNDAY, reasons, rows
from tests.integration.templates.ticking import (
    expand_all,
    expand_until_calm,
    live,
    moments_run,
    nominal,
    planned,
    skipped,
)

pytestmark = pytest.mark.django_db


class TestPause:
    def test_what_an_outage_left_to_make_up_for_is_a_row_when_the_template_is_paused(self) -> None:
        template, bystander = make_template(misfire="run_all"), make_template(misfire="run_all")
        now = NOW + 3 * HOUR + 10 * MINUTE
        pause_template(template, {}, now=now, by=somebody("Ana"))
        assert nominal(template) == []
        assert rows(template) == [("paused", ONE, NOW + 3 * HOUR, 3)]
        assert reasons(template) == {"The template was paused before this run started."}
        assert rows(bystander) == []
        resume_template(template, now=now + MINUTE)
        assert nominal(template) == [NOW + 4 * HOUR]
        assert rows(template) == [("paused", ONE, NOW + 3 * HOUR, 3)]

    def test_late_job_of_a_template_that_is_not_due_is_a_row(self) -> None:
        template = make_template(recurrence=DAILY)
        expand_all(NOW + 30 * MINUTE)
        pause_template(template, {}, now=NOW + 3 * HOUR, by=somebody("Ana"))
        assert rows(template) == [("paused", ONE, ONE, 1)]
        assert nominal(template) == []

    def test_what_was_not_due_yet_leaves_no_row(self) -> None:
        template = make_template(recurrence=every(10))
        pause_template(template, {}, now=NOW + MINUTE, by=somebody("Ana"))
        assert rows(template) == []

    def test_queued_job_of_a_template_that_is_switched_off_is_a_row(self) -> None:
        template = make_template()
        expand_all(ONE)
        Job.objects.filter(template_id=template.id, occurrence_at=ONE).update(
            status="queued", ticket=7, queued_at=ONE, missed_at=None, queue_lease_until=ONE + HOUR
        )
        edit_template(template, {"active": False}, now=ONE + 2 * MINUTE)
        assert nominal(template) == []
        assert rows(template) == [("paused", ONE, ONE, 1)]
        assert reasons(template) == {"The template was switched off before this run started."}

    def test_row_of_a_pause_does_not_cover_what_ran(self) -> None:
        template = make_template(recurrence=every(10), misfire="run_all")
        for minute in (10, 20, 30):
            expand_until_calm(NOW + minute * MINUTE)
        Job.objects.filter(template_id=template.id, occurrence_at=NOW + 20 * MINUTE).update(
            status="succeeded", attempt=1, finalized_at=NOW
        )
        pause_template(template, {}, now=NOW + 30 * MINUTE, by=somebody("Ana"))
        assert skipped(template, "paused") == [
            (NOW + minute * MINUTE, NOW + minute * MINUTE, 1) for minute in (10, 30)
        ]

    def test_run_that_was_moved_beyond_the_pause_is_a_row_since_its_moment_has_passed(self) -> None:
        template = make_avoiding_template(
            CLOSED_SUNDAYS, recurrence=cron("0 9 * * SUN"), on_closed="next_business_day"
        )
        assert planned(template) == [SUNDAY + 21 * HOUR]
        pause_template(template, {}, now=SUNDAY, by=somebody("Ana"))
        assert rows(template) == [("paused", SUNDAY - 3 * HOUR, SUNDAY - 3 * HOUR, 1)]
        resume_template(template, now=SUNDAY + HOUR)
        assert planned(template) == [SUNDAY + 21 * HOUR + 7 * DAY]


class TestSetAside:
    def set_aside(self, at: datetime, **fields: Any) -> Template:
        template = make_template(misfire="run_all", recurrence=DAILY, **fields)
        Job.objects.filter(template_id=template.id).delete()
        Template.objects.filter(pk=template.pk).update(
            recurrence=cron("0 * * * *"),
            expanded_to=at,
            set_aside_at=at,
            set_aside_reason="It failed.",
            expansion_failures=3,
            next_expansion_at=None,
        )
        template.refresh_from_db()
        return template

    def test_past_of_a_set_aside_template_that_was_paused_too_is_decided_when_it_resumes(
        self,
    ) -> None:
        template = self.set_aside(NOW + 30 * MINUTE)
        template = pause_template(template, {}, now=NOW + 3.5 * HOUR, by=somebody("Ana"))
        resumed = resume_template(template, now=NOW + 4.5 * HOUR)
        assert resumed.state == "active"
        assert nominal(template) == [NOW + n * HOUR for n in (1, 2, 3, 5)]
        assert rows(template) == []

    def test_past_of_a_set_aside_template_that_is_switched_off_is_a_row(self) -> None:
        template = self.set_aside(NOW + 30 * MINUTE)
        edited = edit_template(template, {"active": False}, now=NOW + 3.5 * HOUR)
        assert rows(template) == [("missed", ONE, NOW + 3 * HOUR, 3)]
        edit_template(edited, {"active": True}, now=NOW + 4.5 * HOUR)
        assert nominal(template) == [NOW + 5 * HOUR]
        assert len(rows(template)) == 1

    def test_set_aside_template_is_tried_again_when_its_pause_ends(self) -> None:
        template = self.set_aside(NOW)
        resume_at = NOW + 2 * HOUR
        paused = pause_template(
            template, {"resume_at": resume_at.isoformat()}, now=NOW + MINUTE, by=somebody("Ana")
        )
        assert paused.next_expansion_at == resume_at
        live(NOW, resume_at)
        template.refresh_from_db()
        assert template.state == "active"
        assert nominal(template) == [resume_at, resume_at + HOUR]

    def test_template_that_still_fails_when_its_pause_ends_is_set_aside_again(self) -> None:
        template = self.set_aside(NOW)
        Template.objects.filter(pk=template.pk).update(recurrence={"kind": "lunar"})
        template.refresh_from_db()
        resume_at = NOW + HOUR
        pause_template(template, {"resume_at": resume_at.isoformat()}, now=NOW, by=somebody("Ana"))
        for tries in range(3):
            expand_all(resume_at + tries * 30 * SECOND)
        template.refresh_from_db()
        assert template.set_aside_at == resume_at + MINUTE

    def test_change_of_a_calendar_takes_nothing_from_a_template_that_cannot_be_planned(
        self,
    ) -> None:
        template = make_avoiding_template({"weekdays": ["su"]})
        Template.objects.filter(pk=template.pk).update(recurrence={"kind": "lunar"})
        now = ONE + 2 * MINUTE
        edit_calendar(
            Calendar.objects.get(), {"definition": {"weekdays": ["sa"]}}, now=now - 5 * MINUTE
        )
        expand_all(now)
        assert nominal(template) == [ONE]
        Template.objects.filter(pk=template.pk).update(recurrence=cron("0 * * * *"))
        expand_all(now + MINUTE)
        assert moments_run(now + MINUTE) == [ONE]
        assert rows(template) == []


class TestResumeAt:
    @pytest.mark.parametrize("seconds", [1, 60, 299, 301])
    def test_resumes_at_the_moment_however_near(self, seconds: int) -> None:
        resume_at = ONE - 30 * SECOND
        template, bystander = make_template(), make_template()
        pause_template(
            template,
            {"resume_at": resume_at.isoformat()},
            now=resume_at - seconds * SECOND,
            by=somebody("Ana"),
        )
        template.refresh_from_db()
        assert template.next_expansion_at == resume_at
        expand_all(resume_at)
        assert nominal(template)[0] == ONE
        assert rows(bystander) == []

    def test_edit_shortly_before_keeps_the_moment(self) -> None:
        resume_at = ONE + 1 * SECOND
        template = make_template()
        template = pause_template(
            template, {"resume_at": resume_at.isoformat()}, now=NOW + MINUTE, by=somebody("Ana")
        )
        edited = edit_template(template, {"name": "Better"}, now=resume_at - MINUTE)
        assert edited.next_expansion_at == resume_at
        expand_all(resume_at)
        assert nominal(template) == [NOW + 2 * HOUR]

    def test_run_exactly_at_the_moment_runs(self) -> None:
        template = make_template()
        pause_template(template, {"resume_at": ONE.isoformat()}, now=NOW, by=somebody("Ana"))
        assert live(NOW, ONE) == [ONE]

    @pytest.mark.parametrize(
        ("misfire", "ran", "missed"),
        [("skip", [7], 6), ("run_once", [7], 6), ("run_all", [1, 2, 3, 4, 5, 6, 7], 0)],
    )
    def test_what_fell_between_the_moment_and_the_tick_is_decided_by_the_policy(
        self, misfire: str, ran: list[int], missed: int
    ) -> None:
        template = make_template(recurrence=every(10), misfire=misfire)
        pause_template(template, {"resume_at": ONE.isoformat()}, now=NOW, by=somebody("Ana"))
        back = ONE + 61 * MINUTE
        expand_until_calm(back)
        assert moments_run(back) == [ONE + (n - 1) * 10 * MINUTE for n in ran]
        assert sum(count for *_, count in skipped(template, "missed")) == missed

    def test_what_a_merchant_missed_who_was_suspended_meanwhile_is_decided_by_the_policy(
        self,
    ) -> None:
        template = make_template(recurrence=every(10), misfire="run_all")
        pause_template(template, {"resume_at": ONE.isoformat()}, now=NOW, by=somebody("Ana"))
        template.merchant.active = False
        template.merchant.save()
        for minutes in range(0, 60, 2):
            expand_all(ONE + minutes * MINUTE)
        assert nominal(template) == []
        template.merchant.active = True
        template.merchant.save()
        back = ONE + 65 * MINUTE
        expand_until_calm(back)
        assert moments_run(back) == [ONE + n * 10 * MINUTE for n in range(7)]
        assert rows(template) == []
