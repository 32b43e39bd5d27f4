"""Pause, resume, edit, deactivate, delete, end: what becomes of the jobs that wait and that run."""

from datetime import UTC, datetime

import pytest

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations.templates import (
    delete_template,
    edit_template,
    pause_template,
    resume_template,
)
from tests.factories.actors import somebody
from tests.factories.jobs import make_merchant
from tests.factories.templates import DAY, HOUR, MINUTE, NOW, SECOND, cron, every, make_template
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


def start(job: Job) -> None:
    """Let a worker have the job."""
    Job.objects.filter(pk=job.pk).update(
        status="running", attempt=1, ticket=7, worker_id=job.id, started_at=NOW, deadline_at=NOW
    )


class TestPause:
    @pytest.mark.parametrize("resume_at", [None, (NOW + 2 * HOUR + MINUTE).isoformat()])
    def test_pause_takes_the_planned_runs_away(self, resume_at: str | None) -> None:
        template, bystander = make_template(), make_template()
        paused = pause_template(
            template,
            {"note": "Stocktaking", "resume_at": resume_at},
            now=NOW + MINUTE,
            by=somebody("Ana"),
        )
        assert (paused.state, paused.pause_note, paused.paused_by) == (
            "paused",
            "Stocktaking",
            "Ana",
        )
        assert nominal(template) == []
        expand_until_calm(NOW + 2 * HOUR)
        assert nominal(template) == []
        assert planned(bystander)[0] == NOW + HOUR

    def test_paused_template_resumes_at_the_time_it_was_given(self) -> None:
        template = make_template(recurrence=every(10))
        resume_at = NOW + HOUR + MINUTE
        pause_template(template, {"resume_at": resume_at.isoformat()}, now=NOW, by=somebody("Ana"))
        template.refresh_from_db()
        assert template.next_expansion_at == resume_at
        assert live(NOW, NOW + 2 * HOUR) == [NOW + HOUR + n * 10 * MINUTE for n in range(1, 7)]
        template.refresh_from_db()
        assert (template.state, template.paused_at, template.pause_note) == ("active", None, "")
        assert skipped(template) == []

    def test_what_fell_into_a_pause_is_not_made_up_for(self) -> None:
        template = make_template(recurrence=every(10), misfire="run_all")
        pause_template(template, {}, now=NOW, by=somebody("Ana"))
        template.refresh_from_db()
        resume_template(template, now=NOW + HOUR + MINUTE)
        assert planned(template) == [NOW + HOUR + 10 * MINUTE]
        assert live(NOW + HOUR + MINUTE, NOW + HOUR + 10 * MINUTE) == [NOW + HOUR + 10 * MINUTE]
        assert skipped(template) == []

    def test_edit_while_paused_plans_nothing(self) -> None:
        template = make_template()
        resume_at = NOW + HOUR
        pause_template(template, {"resume_at": resume_at.isoformat()}, now=NOW, by=somebody("Ana"))
        edited = edit_template(template, {"recurrence": every(1)}, now=NOW + MINUTE)
        assert (edited.state, edited.next_expansion_at, nominal(template)) == (
            "paused",
            resume_at,
            [],
        )

    def test_running_job_finishes_in_a_pause(self) -> None:
        template = make_template()
        job = Job.objects.get(template_id=template.id)
        start(job)
        pause_template(template, {}, now=NOW + HOUR, by=somebody("Ana"))
        job.refresh_from_db()
        assert (job.status, job.cancel_requested_at) == ("running", None)


class TestEdit:
    def test_edit_replaces_the_waiting_jobs(self) -> None:
        template, bystander = make_template(), make_template()
        edit_template(
            template,
            {"recurrence": cron("15 * * * *"), "name": "Better", "priority": 9},
            now=NOW + MINUTE,
        )
        job = Job.objects.get(template_id=template.id)
        assert (job.occurrence_at, job.name, job.priority) == (NOW + 15 * MINUTE, "Better", 9)
        assert nominal(bystander) == [NOW + HOUR]

    def test_due_job_that_has_not_started_runs_with_the_edited_payload(self) -> None:
        template = make_template(recurrence=every(10))
        now = NOW + 10 * MINUTE + 3 * SECOND
        edit_template(template, {"name": "Better"}, now=now)
        assert moments_run(now) == [NOW + 10 * MINUTE]
        assert {job.name for job in Job.objects.filter(template_id=template.id)} == {"Better"}
        assert len(nominal(template)) == len(set(nominal(template)))

    def test_job_that_has_run_does_not_run_again_after_an_edit(self) -> None:
        template = make_template(recurrence=every(10))
        assert live(NOW, NOW + 10 * MINUTE) == [NOW + 10 * MINUTE]
        edit_template(template, {"name": "Better"}, now=NOW + 10 * MINUTE)
        assert moments_run(NOW + 10 * MINUTE) == []

    def test_running_job_is_left_alone_by_an_edit(self) -> None:
        template = make_template(recurrence=every(10))
        job = Job.objects.get(template_id=template.id)
        start(job)
        edit_template(template, {"name": "Better"}, now=NOW + 10 * MINUTE)
        job.refresh_from_db()
        assert (job.status, job.name) == ("running", "Report")
        assert nominal(template) == [NOW + 10 * MINUTE, NOW + 20 * MINUTE]

    def test_edits_at_any_moment_lose_nothing_and_double_nothing(self) -> None:
        template = make_template(recurrence=every(1))
        ran = []
        for second in range(0, 1800, 37):
            now = NOW + second * SECOND
            expand_until_calm(now)
            if second % 2:
                edit_template(template, {"priority": second % 10}, now=now)
            ran += moments_run(now)
            if not second % 3:
                edit_template(template, {"priority": 10}, now=now)
        assert ran == [NOW + n * MINUTE for n in range(1, len(ran) + 1)]
        assert len(ran) == 29
        assert skipped(template) == []

    def test_late_jobs_keep_their_policy_through_an_edit(self) -> None:
        template = make_template(recurrence=every(10), misfire="skip")
        back = NOW + 17 * MINUTE
        edit_template(template, {"name": "Better"}, now=back)
        expand_until_calm(back)
        assert moments_run(back) == []
        assert skipped(template, "missed") == [(NOW + 10 * MINUTE, NOW + 10 * MINUTE, 1)]

    def test_edit_in_an_outage_makes_the_future_once(self) -> None:
        template = make_template(recurrence=every(10), misfire="run_all")
        back = NOW + 3 * HOUR + MINUTE
        edit_template(template, {"name": "Better"}, now=back)
        expand_until_calm(back)
        ahead = [at for at in nominal(template) if at > back]
        assert ahead == [back + 9 * MINUTE]


class TestInactive:
    def test_inactive_template_plans_nothing_and_goes_on_when_it_is_active_again(self) -> None:
        template = make_template(recurrence=every(10), misfire="run_all")
        edited = edit_template(template, {"active": False}, now=NOW)
        assert (edited.state, edited.next_expansion_at, nominal(template)) == ("inactive", None, [])
        expand_until_calm(NOW + HOUR)
        assert nominal(template) == []
        edit_template(edited, {"active": True}, now=NOW + HOUR + MINUTE)
        assert nominal(template) == [NOW + HOUR + 10 * MINUTE]
        assert skipped(template) == []

    def test_template_of_an_inactive_merchant_plans_nothing_until_the_merchant_is_back(
        self,
    ) -> None:
        merchant = make_merchant()
        template = make_template(merchant=merchant, recurrence=every(10), misfire="skip")
        other = make_template(recurrence=every(10), misfire="skip")
        merchant.active = False
        merchant.save()
        live(NOW, NOW + HOUR)
        assert nominal(template) == [NOW + 10 * MINUTE]
        assert len(nominal(other)) == 7
        merchant.active = True
        merchant.save()
        back = NOW + HOUR + 7 * MINUTE
        live(back, back + 10 * MINUTE)
        ran = Job.objects.filter(template_id=template.id, status="succeeded")
        assert [job.occurrence_at for job in ran] == [NOW + HOUR + 10 * MINUTE]
        assert sum(count for *_, count in skipped(template, "missed")) == 6


class TestDelete:
    def test_delete_cancels_waiting_jobs_and_lets_running_ones_finish(self) -> None:
        template, bystander = make_template(recurrence=every(1)), make_template()
        first, second = Job.objects.filter(template_id=template.id).order_by("run_at")
        start(first)
        delete_template(template, now=NOW + MINUTE)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, first.cancel_requested_at) == ("running", None)
        assert second.status == "cancelled"
        assert not Template.objects.filter(pk=template.pk).exists()
        expand_until_calm(NOW + 5 * MINUTE)
        assert len(nominal(template)) == 2
        assert nominal(bystander) == [NOW + HOUR]

    def test_late_jobs_of_a_deleted_template_do_not_hold_up_others(self) -> None:
        gone, other = make_template(misfire="skip"), make_template(misfire="skip")
        SkippedOccurrence.objects.filter(template=gone).delete()
        Template.objects.filter(pk=gone.pk).delete()
        expand_all(NOW + HOUR + 6 * MINUTE)
        assert Job.objects.get(template_id=gone.id).status == "skipped"
        assert skipped(other, "missed") == [(NOW + HOUR, NOW + HOUR, 1)]


class TestEnd:
    @pytest.mark.parametrize(
        "bound",
        [
            {"starts_at": "2026-06-01T12:00:00+00:00", "max_occurrences": 4},
            {"ends_at": "2026-06-01T15:00:00+00:00"},
        ],
    )
    def test_template_ends_when_its_last_run_was_due(self, bound: dict[str, object]) -> None:
        template = make_template(recurrence=every(1, "hours") | bound)
        last = NOW + 3 * HOUR
        live(NOW, last - SECOND)
        template.refresh_from_db()
        assert template.state == "active"
        live(last, last + DAY)
        template.refresh_from_db()
        assert template.state == "ended"
        ran = Job.objects.filter(template_id=template.id, status="succeeded")
        assert sorted(job.run_at for job in ran) == [NOW + n * HOUR for n in (1, 2, 3)]
        assert skipped(template) == []

    def test_ended_template_goes_on_after_an_edit(self) -> None:
        template = make_template(
            recurrence={"kind": "dates", "dates": ["2026-06-01T13:00:00"], "timezone": "UTC"}
        )
        live(NOW, NOW + 2 * HOUR)
        template.refresh_from_db()
        assert template.state == "ended"
        later = datetime(2026, 6, 2, 9, tzinfo=UTC)
        edited = edit_template(
            template,
            {"recurrence": {"kind": "dates", "dates": ["2026-06-02T09:00:00"], "timezone": "UTC"}},
            now=NOW + 2 * HOUR,
        )
        assert edited.state == "active"
        assert nominal(template) == [NOW + HOUR, later]
