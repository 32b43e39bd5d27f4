"""A past range once more: which occurrences run, in what order and how fast, and who waits for whom."""

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from jobs import lifecycle
from jobs.models import Job
from jobs.operations.fields import InvalidFields
from jobs.operations.steer import cancel, retry
from jobs.quota import QuotaExceeded
from templates_app.models import Template
from templates_app.operations.running import Backfilled, backfill, run_now
from templates_app.operations.templates import TemplateGone, delete_template, edit_template
from tests.factories.actors import somebody
from tests.factories.jobs import make_job, make_merchant
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
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock
from tests.integration.templates.ticking import expand_all, skipped, work_off

pytestmark = pytest.mark.django_db


def fill(
    template: Template,
    start: datetime = NOW - 9 * HOUR,
    end: datetime = NOW,
    *,
    now: datetime = NOW,
    **more: Any,
) -> Backfilled:
    body = {"from": start.isoformat(), "to": end.isoformat(), **more}
    return backfill(template, body, now=now)


def past_job(template: Template, hours: int, **values: Any) -> Job:
    """Store the job of an occurrence so many hours ago."""
    columns = {"status": "skipped", "origin": "template", "skip_reason": "Missed.", **values}
    return make_job(
        template_id=template.id,
        merchant=template.merchant,
        occurrence_at=NOW - hours * HOUR,
        **columns,
    )


def backfilled(template: Template) -> list[Job]:
    jobs = Job.objects.filter(template_id=template.id, origin="backfill")
    return list(jobs.order_by("occurrence_at"))


def refused(template: Template, **body: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidFields) as fault:
        backfill(template, body, now=NOW)
    return [(one.pointer, one.code, one.detail) for one in fault.value.problems]


class TestOwnOverlapAndRate:
    @pytest.mark.parametrize(
        ("chosen", "overlap", "gate"), [("one_at_a_time", "wait", "shut"), ("allow", "", "")]
    )
    def test_restarted_and_new_runs_are_spaced_and_gated_alike(
        self, chosen: str, overlap: str, gate: str
    ) -> None:
        template, bystander = make_template(overlap="skip"), make_template()
        other = past_job(bystander, 3)
        for hours in (9, 8, 6, 5, 3, 2, 1):
            past_job(template, hours, overlap="skip")
        told = fill(template, overlap=chosen, per_minute=2)
        assert (told.created, told.restarted, told.existing) == (3, 7, 0)
        jobs = backfilled(template)
        assert [job.occurrence_at for job in jobs] == [NOW - n * HOUR for n in range(9, -1, -1)]
        assert [job.scheduled_at for job in jobs] == [NOW + n * 30 * SECOND for n in range(10)]
        assert {(job.status, job.overlap, job.gate) for job in jobs} == {
            ("scheduled", overlap, gate)
        }
        assert told.last_run_at == NOW + 9 * 30 * SECOND
        other.refresh_from_db()
        assert (other.status, other.origin) == ("skipped", "template")

    def test_what_has_run_takes_no_place_in_the_rate(self) -> None:
        template = make_template()
        for hours in (9, 7, 5):
            past_job(template, hours, status="succeeded")
        told = fill(template, per_minute=60)
        assert (told.created, told.restarted, told.existing) == (7, 0, 3)
        assert [job.scheduled_at for job in backfilled(template)] == [
            NOW + n * SECOND for n in range(7)
        ]

    def test_restarted_run_begins_a_new_round_without_the_reason_of_the_old_one(self) -> None:
        template = make_template()
        job = past_job(template, 3, attempt=2, lost_count=1)
        fill(template, NOW - 3 * HOUR, NOW - 3 * HOUR)
        job.refresh_from_db()
        assert (job.status, job.finalized_at, job.skip_reason) == ("scheduled", None, "")
        assert (job.earlier_attempts, job.lost_count, job.missed_at) == (2, 0, None)

    def test_cancelled_run_is_left_to_who_cancelled_it(self) -> None:
        template = make_template()
        job = past_job(template, 3, status="cancelled")
        told = fill(template, NOW - 3 * HOUR, NOW - 3 * HOUR)
        assert (told.existing, told.last_run_at) == (1, None)
        job.refresh_from_db()
        assert job.status == "cancelled"

    @pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running"])
    def test_schedule_goes_on_while_a_backfill_goes_one_by_one(self, overlap: str) -> None:
        template = make_template(recurrence=every(1), overlap=overlap)
        bystander = make_job()
        fill(template, NOW - 5 * MINUTE)
        lifecycle.settle_overlaps(now=NOW, limit=100)
        [first, *rest] = backfilled(template)
        assert (first.gate, {job.gate for job in rest}) == ("", {"held"})
        live = Job.objects.get(template_id=template.id, occurrence_at=NOW + MINUTE)

        lifecycle.settle_overlaps(now=NOW + MINUTE, limit=100)

        live.refresh_from_db()
        assert (live.status, live.gate) == ("scheduled", "")
        assert [job.gate for job in backfilled(template)] == ["", *["held"] * 5]
        assert [job.status for job in backfilled(template)] == ["scheduled"] * 6
        assert skipped(template) == []
        bystander.refresh_from_db()
        assert bystander.status == "scheduled"

    def test_backfill_goes_on_while_the_schedule_runs(self) -> None:
        template = make_template(recurrence=every(1), overlap="skip")
        past_job(template, 1, status="running", skip_reason="")
        fill(template, NOW - 5 * MINUTE)
        lifecycle.settle_overlaps(now=NOW, limit=100)
        assert [job.gate for job in backfilled(template)] == ["", *["held"] * 5]

    def test_schedule_does_not_look_at_a_backfill_beside_one_another(self) -> None:
        template = make_template(recurrence=every(1), overlap="skip")
        fill(template, NOW - 5 * MINUTE, overlap="allow")
        lifecycle.settle_overlaps(now=NOW + MINUTE, limit=100)
        live = Job.objects.get(template_id=template.id, occurrence_at=NOW + MINUTE)
        assert (live.status, live.gate) == ("scheduled", "")

    def test_runs_of_a_backfill_end_one_after_another_in_the_order_of_their_occurrences(
        self,
    ) -> None:
        template = make_template()
        past_job(template, 2)
        fill(template, NOW - 3 * HOUR)
        order = []
        for _ in range(4):
            lifecycle.settle_overlaps(now=NOW, limit=100)
            [going] = [
                job for job in backfilled(template) if (job.gate, job.finalized_at) == ("", None)
            ]
            order.append(going.occurrence_at)
            Job.objects.filter(id=going.id).update(status="succeeded", finalized_at=NOW)
        assert order == [NOW - n * HOUR for n in (3, 2, 1, 0)]

    def test_serial_runs_that_were_cancelled_and_retried_together_stay_serial(self) -> None:
        template = make_template()
        fill(template, NOW - 3 * HOUR)
        for job in backfilled(template):
            cancel(job, now=NOW)
        for job in backfilled(template):
            retry(job, now=NOW, by=somebody("Ana"))
        lifecycle.settle_overlaps(now=NOW, limit=100)
        assert [job.gate for job in backfilled(template)] == ["", "held", "held", "held"]


class TestQuota:
    def test_repeated_backfill_asks_for_nothing(self) -> None:
        merchant = make_merchant(max_waiting_jobs=12)
        template = make_template(merchant=merchant)
        assert fill(template, NOW - 7 * HOUR).created == 8
        again = fill(template, NOW - 7 * HOUR)
        assert (again.created, again.restarted, again.existing) == (0, 0, 8)

    def test_restarted_runs_count_like_new_ones(self) -> None:
        merchant = make_merchant(max_waiting_jobs=5)
        template = make_template(merchant=merchant)
        old = [past_job(template, hours) for hours in range(10)]
        with pytest.raises(QuotaExceeded):
            fill(template)
        assert {Job.objects.get(id=job.id).status for job in old} == {"skipped"}


class TestRange:
    @pytest.mark.parametrize("start", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
    def test_range_before_the_year_2000_is_refused_by_name(self, start: str) -> None:
        template = make_avoiding_template(
            on_closed="previous_business_day", recurrence=cron("0 9 * * *")
        )
        end = start[:8] + ("02" if start < "1" else "31") + "T23:59:59Z"
        sentence = "is before the year 2000; choose a later time."
        assert refused(template, **{"from": start, "to": end}) == [
            ("/from", "too_early", f'"from" {sentence}'),
            ("/to", "too_early", f'"to" {sentence}'),
        ]

    def test_first_piece_of_too_long_a_range_is_told_and_may_go(self) -> None:
        template = make_template(recurrence=every(10, "seconds"))
        start = NOW - 3 * DAY
        [(pointer, code, sentence)] = refused(
            template, **{"from": start.isoformat(), "to": NOW.isoformat()}
        )
        until = start + 9_999 * 10 * SECOND
        assert (pointer, code) == ("/to", "too_many")
        assert sentence == (
            '"to" makes the range span more than 10,000 occurrences; backfill in pieces, the first '
            f"up to {until:%FT%TZ}."
        )
        assert fill(template, start, until, overlap="allow").created == 10_000

    def test_range_that_is_closed_for_the_most_part_is_not_said_to_hold_10_000_runs(self) -> None:
        every_day = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
        template = make_avoiding_template(
            {**every_day, "except": {"hours": {"su": [["09:00", "09:10"]]}}},
            recurrence=every(5, "seconds"),
        )
        start = NOW.replace(hour=0) - 365 * DAY
        [(_, code, sentence)] = refused(
            template, **{"from": start.isoformat(), "to": NOW.isoformat()}
        )
        assert code == "too_many"
        assert sentence.startswith(
            '"to" makes the range span more than can be looked at in one piece, most of it closed; '
            "backfill in pieces, the first up to 2026-01-"
        )


class TestOutage:
    def test_what_is_overdue_is_decided_before_the_range_runs(self) -> None:
        template = make_template(misfire="skip")
        back = NOW + 5 * HOUR + 10 * MINUTE
        told = fill(template, NOW + 2 * HOUR, NOW + 4 * HOUR, now=back)
        rows = skipped(template, "missed")
        assert (told.created + told.restarted, told.existing) == (3, 0)
        expand_all(back)
        assert skipped(template, "missed") == rows == [(NOW + HOUR, NOW + 5 * HOUR, 5)]

    def test_run_that_the_policy_makes_up_for_is_not_made_twice(self) -> None:
        template = make_template(misfire="run_once")
        back = NOW + 5 * HOUR + 10 * MINUTE
        told = fill(template, NOW + HOUR, NOW + 5 * HOUR, now=back)
        assert (told.created + told.restarted, told.existing) == (4, 1)
        expand_all(back)
        jobs = Job.objects.filter(template_id=template.id, occurrence_at__lte=back)
        assert jobs.count() == 5

    def test_paused_template_stays_paused_until_its_time(self) -> None:
        template = make_template()
        resume_at = NOW + MINUTE
        Template.objects.filter(pk=template.pk).update(
            paused_at=NOW, resume_at=resume_at, next_expansion_at=resume_at
        )
        fill(template)
        template.refresh_from_db()
        assert template.next_expansion_at == resume_at


class TestPersonsDecisionStays:
    def test_restarted_run_stays_when_the_template_is_edited(self) -> None:
        template, now = make_template(), NOW + 2 * MINUTE
        [job] = Job.objects.filter(template_id=template.id)
        cancel(job, now=now)
        retry(job, now=now, by=somebody("Ana"))
        edit_template(template, {"recurrence": every(15)}, now=now + MINUTE)
        job.refresh_from_db()
        assert (job.status, job.scheduled_at, job.origin) == ("scheduled", now, "person")
        expand_all(NOW + 58 * MINUTE)
        assert Job.objects.filter(template_id=template.id, occurrence_at=NOW + HOUR).count() == 1
        assert moments(work_off(NOW + HOUR)).count(NOW + HOUR) == 1

    def test_moved_run_stays_where_it_was_moved_to(self) -> None:
        template = make_template()
        [job] = Job.objects.filter(template_id=template.id)
        evening = NOW + 6 * HOUR
        assert lifecycle.edit(job_id=job.id, changes={"run_at": evening})
        expand_all(NOW + 119 * MINUTE)
        edit_template(template, {"description": "Nightly figures"}, now=NOW + 2 * HOUR)
        job.refresh_from_db()
        assert (job.scheduled_at, job.status) == (evening, "scheduled")
        assert Job.objects.filter(template_id=template.id, occurrence_at=NOW + HOUR).count() == 1
        assert NOW + HOUR not in moments(work_off(NOW + 2 * HOUR))
        assert skipped(template) == []

    def test_changed_run_keeps_its_change_and_runs_even_after_an_outage(self) -> None:
        template = make_template(misfire="skip")
        [job] = Job.objects.filter(template_id=template.id)
        assert lifecycle.edit(job_id=job.id, changes={"priority": 10})
        edit_template(template, {"name": "Better"}, now=NOW + MINUTE)
        back = NOW + HOUR + 30 * MINUTE
        expand_all(back)
        assert moments(work_off(back)) == [NOW + HOUR]
        job.refresh_from_db()
        assert (job.priority, job.name) == (10, "Report")

    def test_run_that_a_person_put_forward_is_not_put_back(self) -> None:
        template = make_template()
        [job] = Job.objects.filter(template_id=template.id)
        lifecycle.advance(job_ids=[job.id], now=NOW + MINUTE)
        edit_template(template, {"name": "Better"}, now=NOW + MINUTE)
        job.refresh_from_db()
        assert (job.scheduled_at, job.origin) == (NOW + MINUTE, "person")
        assert Job.objects.filter(template_id=template.id, occurrence_at=NOW + HOUR).count() == 1


def moments(ran: list[Any]) -> list[Any]:
    return [at for at, _ in ran]


@pytest.mark.django_db(transaction=True)
class TestDeletedMeanwhile:
    @pytest.mark.parametrize("verb", ["run_now", "backfill"])
    def test_template_that_is_deleted_first_makes_nothing(self, verb: str) -> None:
        template = make_template()
        with transaction.atomic():
            delete_template(template, now=NOW)
            running = OtherSession(lambda: self.run(verb, template))
            wait_until_one_waits_for_a_lock()
        with pytest.raises(TemplateGone):
            running.result()
        assert set(Job.objects.values_list("status", flat=True)) == {"cancelled"}

    @pytest.mark.parametrize("verb", ["run_now", "backfill"])
    def test_template_that_is_deleted_next_has_what_was_made_cancelled(self, verb: str) -> None:
        template, bystander = make_template(), make_job()
        with transaction.atomic():
            self.run(verb, template)
            deleting = OtherSession(lambda: delete_template(template, now=NOW))
            wait_until_one_waits_for_a_lock()
        deleting.result()
        jobs = Job.objects.filter(template_id=template.id)
        assert len(jobs) > 1
        assert {job.status for job in jobs} == {"cancelled"}
        bystander.refresh_from_db()
        assert bystander.status == "scheduled"

    def test_two_backfills_at_once_make_each_run_once(self) -> None:
        template = make_template()
        with transaction.atomic():
            mine = fill(template, per_minute=60)
            rival = OtherSession(lambda: fill(template, per_minute=60))
            wait_until_one_waits_for_a_lock()
        theirs = rival.result()
        assert (mine.created, theirs.created, theirs.existing) == (10, 0, 10)

    def run(self, verb: str, template: Template) -> None:
        if verb == "run_now":
            run_now(template, now=NOW)
        else:
            fill(template)
