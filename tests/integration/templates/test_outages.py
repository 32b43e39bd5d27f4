"""An outage: what was missed runs or is skipped as the template says, and what is skipped shows."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.models import Job
from templates_app.models import Misfire, SkippedOccurrence, Template
from templates_app.operations.review import AlreadyReviewed, review
from tests.factories.actors import somebody
from tests.factories.jobs import make_job, make_merchant
from tests.factories.templates import DAY, HOUR, MINUTE, NOW, SECOND, every, make_template
from tests.integration.templates.ticking import (
    expand_all,
    expand_until_calm,
    moments_run,
    planned,
    skipped,
)

pytestmark = pytest.mark.django_db
TEN = 10 * MINUTE
# When all is back: the run of 13:00 is two minutes late, within the grace of five.
SOON_BACK = NOW + HOUR + 2 * MINUTE
# When all is back so late that the run of 13:00 was missed, too.
LATE_BACK = NOW + HOUR + 7 * MINUTE


def at(minutes: int) -> datetime:
    return NOW + minutes * MINUTE


def frequent(misfire: str, **fields: Any) -> Template:
    """Return a template of every ten minutes whose job of 12:10 is planned when the outage begins."""
    template = make_template(recurrence=every(10), misfire=misfire, **fields)
    assert planned(template) == [at(10)]
    return template


def what_is_stored() -> tuple[list[Any], list[Any]]:
    return (
        list(Job.objects.order_by("id").values()),
        list(SkippedOccurrence.objects.order_by("id").values()),
    )


class TestAllWereAway:
    @pytest.mark.parametrize(
        ("misfire", "fields", "ran", "rows"),
        [
            ("skip", {}, [60], [(10, 50, 5)]),
            ("run_once", {}, [60], [(10, 50, 5)]),
            ("run_all", {}, [10, 20, 30, 40, 50, 60], []),
            ("run_all", {"misfire_limit": 2}, [40, 50, 60], [(10, 30, 3)]),
            ("run_all", {"misfire_window": 1800}, [40, 50, 60], [(10, 10, 1), (20, 30, 2)]),
        ],
    )
    def test_occurrence_within_the_grace_runs_and_the_policy_decides_on_the_others(
        self, misfire: str, fields: dict[str, int], ran: list[int], rows: list[tuple[int, ...]]
    ) -> None:
        template = frequent(misfire, **fields)
        bystander = make_job(scheduled_at=NOW + DAY)
        expand_all(SOON_BACK)
        assert moments_run(SOON_BACK) == [at(minute) for minute in ran]
        assert skipped(template) == [(at(first), at(last), n) for first, last, n in rows]
        assert skipped(template, "missed") == skipped(template)
        bystander.refresh_from_db()
        assert bystander.status == "scheduled"

    @pytest.mark.parametrize(
        ("misfire", "fields", "ran", "rows"),
        [
            ("skip", {}, [], [(10, 60, 6)]),
            ("run_once", {}, [60], [(10, 50, 5)]),
            ("run_all", {}, [10, 20, 30, 40, 50, 60], []),
            ("run_all", {"misfire_limit": 3}, [40, 50, 60], [(10, 30, 3)]),
            (
                "run_all",
                {"misfire_limit": 3, "misfire_window": 600},
                [60],
                [(10, 10, 1), (20, 50, 4)],
            ),
        ],
    )
    def test_policy_decides_on_all_when_none_is_within_the_grace(
        self, misfire: str, fields: dict[str, int], ran: list[int], rows: list[tuple[int, ...]]
    ) -> None:
        template = frequent(misfire, **fields)
        expand_all(LATE_BACK)
        assert moments_run(LATE_BACK) == [at(minute) for minute in ran]
        assert skipped(template) == [(at(first), at(last), n) for first, last, n in rows]

    def test_populator_that_is_back_first_leaves_the_decision_to_the_policy(self) -> None:
        template = frequent("skip")
        assert moments_run(LATE_BACK) == []
        expand_all(LATE_BACK)
        assert moments_run(LATE_BACK) == []
        assert skipped(template) == [(at(10), at(60), 6)]

    def test_planned_job_that_was_missed_ends_as_skipped_with_the_reason_of_its_row(self) -> None:
        template = frequent("skip")
        expand_all(LATE_BACK)
        job = Job.objects.get(template_id=template.id, occurrence_at=at(10))
        row = SkippedOccurrence.objects.get(template=template)
        assert (job.status, job.finalized_at) == ("skipped", LATE_BACK)
        assert job.skip_reason == row.reason == "Missed in an outage; missed runs are skipped."
        assert row.merchant_id == template.merchant_id

    @pytest.mark.parametrize("misfire", Misfire.values)
    def test_second_tick_changes_nothing(self, misfire: str) -> None:
        frequent(misfire, misfire_limit=3)
        expand_all(LATE_BACK)
        before = what_is_stored()
        for _ in range(3):
            expand_all(LATE_BACK)
        assert what_is_stored() == before

    @pytest.mark.parametrize("misfire", Misfire.values)
    def test_next_occurrence_after_the_outage_runs_as_ever(self, misfire: str) -> None:
        template = frequent(misfire)
        expand_until_calm(LATE_BACK)
        moments_run(LATE_BACK)
        expand_until_calm(at(69))
        assert moments_run(at(70)) == [at(70)]
        assert (
            sum(count for *_, count in skipped(template))
            + len(Job.objects.filter(template_id=template.id, status="succeeded"))
            == 7
        )

    def test_what_was_missed_longer_ago_than_the_window_is_one_row(self) -> None:
        template = frequent("run_once", misfire_window=3600)
        back = NOW + 3 * DAY + 7 * MINUTE
        expand_until_calm(back)
        assert moments_run(back) == [NOW + 3 * DAY]
        rows = skipped(template, "missed")
        assert sum(count for *_, count in rows) == 3 * 144 - 1
        assert len(rows) <= 3

    def test_template_that_is_not_due_is_not_touched(self) -> None:
        daily = make_template(
            recurrence={"kind": "daily", "times": ["09:00"], "timezone": "UTC"}, misfire="skip"
        )
        frequent("skip")
        expand_all(LATE_BACK)
        assert Job.objects.get(template_id=daily.id).status == "scheduled"
        assert skipped(daily) == []


class TestOnlyTheExpanderWasAway:
    @pytest.mark.parametrize(
        ("misfire", "ran", "rows"),
        [
            ("skip", [60], [(20, 50, 4)]),
            ("run_once", [60], [(20, 50, 4)]),
            ("run_all", [20, 30, 40, 50, 60], []),
        ],
    )
    def test_what_was_planned_has_run_and_the_policy_decides_on_the_rest(
        self, misfire: str, ran: list[int], rows: list[tuple[int, ...]]
    ) -> None:
        template = frequent(misfire)
        assert moments_run(at(10)) == [at(10)]
        expand_all(SOON_BACK)
        assert moments_run(SOON_BACK) == [at(minute) for minute in ran]
        assert skipped(template) == [(at(first), at(last), n) for first, last, n in rows]


class TestOnlyThePopulatorWasAway:
    """The expander ticks on: it judges each occurrence as the grace ends, long before the return."""

    def hour(self) -> None:
        for minute in range(62):
            expand_all(at(minute))

    @pytest.mark.parametrize(
        ("misfire", "fields", "ran", "rows"),
        [
            ("skip", {}, [60], [10, 20, 30, 40, 50]),
            ("run_once", {}, [50, 60], [10, 20, 30, 40]),
            ("run_all", {}, [10, 20, 30, 40, 50, 60], []),
            ("run_all", {"misfire_limit": 2}, [40, 50, 60], [10, 20, 30]),
            ("run_all", {"misfire_window": 1500}, [40, 50, 60], [10, 20, 30]),
        ],
    )
    def test_latest_are_made_up_for(
        self, misfire: str, fields: dict[str, int], ran: list[int], rows: list[int]
    ) -> None:
        template = frequent(misfire, **fields)
        other = make_template(recurrence=every(1, "hours"), merchant=make_merchant())
        self.hour()
        expand_all(SOON_BACK)
        assert moments_run(SOON_BACK) == sorted([*(at(minute) for minute in ran), at(60)])
        assert skipped(template) == [(at(minute), at(minute), 1) for minute in rows]
        assert skipped(other) == []

    def test_jobs_that_were_skipped_say_so(self) -> None:
        template = frequent("run_once")
        self.hour()
        jobs = Job.objects.filter(template_id=template.id, status="skipped")
        assert [job.occurrence_at for job in jobs.order_by("occurrence_at")] == [
            at(10),
            at(20),
            at(30),
            at(40),
        ]
        assert {job.skip_reason for job in jobs} == {
            "Missed in an outage; only the last missed run was run."
        }

    def test_late_jobs_are_decided_although_other_templates_are_always_due(self) -> None:
        hourly = make_template(misfire="skip")
        for second in range(0, 600, 10):
            now = NOW + HOUR + second * SECOND
            Template.objects.exclude(id=hourly.id).update(next_expansion_at=now)
            make_template(recurrence=every(1, "days"), now=now)
            Template.objects.exclude(id=hourly.id).update(next_expansion_at=now)
            expand_all(now)
        assert skipped(hourly) == [(NOW + HOUR, NOW + HOUR, 1)]

    def test_late_jobs_of_one_template_are_judged_together_however_many_there_are(self) -> None:
        templates = [
            make_template(recurrence=every(10, "seconds"), misfire="run_once") for _ in range(60)
        ]
        assert all(len(planned(template)) == 12 for template in templates)
        Template.objects.update(next_expansion_at=NOW + DAY)
        expand_all(NOW + HOUR)
        for template in templates:
            waiting = Job.objects.filter(template_id=template.id, status="scheduled")
            assert [job.occurrence_at for job in waiting] == [NOW + 2 * MINUTE]
            assert skipped(template) == [(NOW + 10 * SECOND, NOW + 110 * SECOND, 11)]

    def test_what_a_person_started_meanwhile_is_left_alone(self) -> None:
        template = frequent("skip")
        Job.objects.filter(template_id=template.id).update(origin="run_now", missed_at=None)
        expand_all(LATE_BACK)
        assert Job.objects.get(template_id=template.id, occurrence_at=at(10)).status == "scheduled"


class TestReview:
    def missed(self, misfire: str = "skip") -> SkippedOccurrence:
        frequent(misfire)
        expand_all(LATE_BACK)
        return SkippedOccurrence.objects.get()

    def waiting(self) -> list[datetime]:
        due = Job.objects.filter(status="scheduled", scheduled_at__lte=LATE_BACK)
        found = due.order_by("occurrence_at").values_list("occurrence_at", flat=True)
        return [moment for moment in found if moment is not None]

    def test_all_that_was_missed_can_run_afterwards(self) -> None:
        row = self.missed()
        done = review(row, {"choice": "run_all"}, now=LATE_BACK, by=somebody("Ana"))
        assert done.ran is not None
        assert (done.ran.created, done.ran.restarted, done.ran.existing) == (5, 1, 0)
        assert self.waiting() == [at(minute) for minute in (10, 20, 30, 40, 50, 60)]

    def test_last_that_was_missed_can_run_afterwards(self) -> None:
        row = self.missed()
        review(row, {"choice": "run_last"}, now=LATE_BACK, by=somebody("Ana"))
        assert self.waiting() == [at(60)]

    def test_nothing_runs_of_what_is_dismissed(self) -> None:
        row = self.missed()
        done = review(row, {"choice": "dismiss"}, now=LATE_BACK, by=somebody("Ana"))
        assert (done.ran, self.waiting()) == (None, [])
        assert (done.row.resolved_by, done.row.resolution) == ("Ana", "dismiss")

    def test_one_decision_is_made_once(self) -> None:
        row = self.missed()
        review(row, {"choice": "run_all"}, now=LATE_BACK, by=somebody("Ana"))
        with pytest.raises(AlreadyReviewed):
            review(row, {"choice": "run_all"}, now=LATE_BACK, by=somebody("Ben"))
        assert len(self.waiting()) == 6

    def test_what_runs_after_a_review_is_not_missed_again(self) -> None:
        row = self.missed()
        review(row, {"choice": "run_all"}, now=LATE_BACK, by=somebody("Ana"))
        for minutes in range(0, 60, 5):
            expand_all(LATE_BACK + timedelta(minutes=minutes))
        assert self.waiting() == [at(minute) for minute in (10, 20, 30, 40, 50, 60)]
