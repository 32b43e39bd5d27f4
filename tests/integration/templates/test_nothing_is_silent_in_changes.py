"""Whoever changes a plan: what was due ends as a job or as a row, and never as both."""

from datetime import datetime, timedelta

import pytest

from jobs.models import Job
from templates_app.expander import expand
from templates_app.models import Template
from templates_app.operations.templates import edit_template, pause_template, resume_template
from templates_app.operations.windows import create_window
from tests.factories.actors import somebody
from tests.factories.templates import (
    DAY,
    EXPANSION,
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
    change_calendar,
    expand_all,
    expand_until_calm,
    live,
    moments_run,
    nominal,
    planned,
    skipped,
)

pytestmark = pytest.mark.django_db


class TestChangedPlan:
    """13:00 is due and waits when something changes at 13:02."""

    NOW = ONE + 2 * MINUTE

    def test_window_that_covers_it_is_its_row(self) -> None:
        template, stranger = make_template(), make_template()
        expand_all(ONE)
        create_window(
            {
                "name": "Move",
                "mode": "skip",
                "starts_at": (ONE - 10 * MINUTE).isoformat(),
                "ends_at": (ONE + 30 * MINUTE).isoformat(),
            },
            merchant=template.merchant,
            now=self.NOW,
        )
        expand_until_calm(self.NOW)
        assert nominal(template) == [NOW + 2 * HOUR]
        assert rows(template) == [("window", ONE, ONE, 1)]
        assert moments_run(self.NOW) == [ONE]
        assert nominal(stranger)[0] == ONE

    def test_calendar_that_closes_its_day_is_its_row(self) -> None:
        template = make_avoiding_template({"dates": ["2020-01-01"]}, recurrence=DAILY)
        change_calendar(template, {"weekdays": ["mo"]}, self.NOW)
        assert nominal(template) == [ONE + DAY]
        assert rows(template) == [("closed", ONE, ONE, 1)]

    def test_calendar_that_moves_it_on_plans_it_later(self) -> None:
        template = make_avoiding_template(
            {"dates": ["2020-01-01"]}, recurrence=cron("0 13 * * MON"), on_closed="next_open"
        )
        change_calendar(template, {"weekdays": ["mo"]}, self.NOW)
        assert planned(template)[0] == NOW + 12 * HOUR
        assert rows(template) == []

    def test_held_run_that_is_closed_meanwhile_is_a_row(self) -> None:
        template = make_avoiding_template({"dates": ["2020-01-01"]}, overlap="queue_one")
        Job.objects.filter(template_id=template.id, occurrence_at=ONE).update(gate="held")
        spans = [{"from": "2026-06-01T12:30", "to": "2026-06-01T13:01"}]
        change_calendar(template, {"spans": spans}, self.NOW)
        assert nominal(template) == [NOW + 2 * HOUR]
        assert rows(template) == [("closed", ONE, ONE, 1)]

    @pytest.mark.parametrize(
        ("misfire", "ran", "missed"),
        [("run_once", True, []), ("run_all", True, []), ("skip", False, [1])],
    )
    def test_moved_run_whose_own_day_opens_too_late_is_decided_by_the_policy(
        self, misfire: str, ran: bool, missed: list[int]
    ) -> None:
        template = make_avoiding_template(
            CLOSED_SUNDAYS,
            recurrence=cron("0 9 * * SUN"),
            on_closed="next_business_day",
            misfire=misfire,
        )
        live(NOW, NOW + DAY)
        assert planned(template) == [SUNDAY + 21 * HOUR]
        change_calendar(template, {"dates": ["2020-01-01"]}, SUNDAY)
        assert moments_run(SUNDAY) == [SUNDAY - 3 * HOUR] * ran
        assert [count for *_, count in skipped(template, "missed")] == missed
        assert planned(template)[-1] == SUNDAY + 7 * DAY - 3 * HOUR
        assert len(rows(template)) == len(missed)

    def test_moved_run_that_has_run_does_not_run_again_when_its_own_day_opens(self) -> None:
        template = make_avoiding_template(
            {"weekdays": ["sa"]}, recurrence=cron("0 9 * * SAT"), on_closed="previous_business_day"
        )
        friday = NOW + 4 * DAY
        assert live(NOW, friday) == [friday - 3 * HOUR]
        change_calendar(template, CLOSED_SUNDAYS, friday)
        saturday = friday + DAY
        assert live(friday, saturday) == []
        assert rows(template) == []
        assert live(saturday, saturday + 7 * DAY) == [saturday + 7 * DAY - 3 * HOUR]

    def test_run_of_a_day_that_closes_afterwards_does_not_run_again(self) -> None:
        template = make_avoiding_template(
            {"dates": ["2020-01-01"]}, recurrence=cron("0 9 * * *"), on_closed="next_business_day"
        )
        live(NOW, SUNDAY)
        change_calendar(template, {"weekdays": ["sa", "su"]}, SUNDAY)
        assert live(SUNDAY, SUNDAY + DAY) == [SUNDAY + 21 * HOUR]
        assert rows(template) == []
        job = Job.objects.get(template_id=template.id, occurrence_at=SUNDAY + 21 * HOUR)
        assert job.occurrence_note == ""

    def test_all_of_a_merged_weekend_come_back_when_it_opens(self) -> None:
        template = make_avoiding_template(
            {"weekdays": ["sa", "su"]},
            recurrence=cron("0 9 * * *"),
            on_closed="next_business_day",
            misfire="run_all",
            misfire_window=3 * 86_400,
        )
        live(NOW, SUNDAY)
        assert planned(template)[-1] == SUNDAY + 21 * HOUR
        change_calendar(template, {"dates": ["2020-01-01"]}, SUNDAY)
        # Sunday's own had passed as one that was merged.
        assert moments_run(SUNDAY) == [SUNDAY - DAY - 3 * HOUR]
        assert rows(template) == [("merged", SUNDAY - 3 * HOUR, SUNDAY - 3 * HOUR, 1)]
        assert live(SUNDAY, SUNDAY + DAY) == [SUNDAY + 21 * HOUR]

    def test_recurrence_that_no_longer_names_it_leaves_a_row(self) -> None:
        template = make_template()
        edit_template(template, {"recurrence": cron("30 * * * *")}, now=self.NOW)
        assert nominal(template) == [ONE + 30 * MINUTE]
        assert rows(template) == [("changed", ONE, ONE, 1)]
        assert reasons(template) == {"Its template was changed before this run started."}

    def test_job_that_starts_at_this_very_moment_leaves_no_row(self) -> None:
        template = make_template()
        Job.objects.filter(template_id=template.id).update(
            status="running",
            attempt=1,
            ticket=7,
            worker_id=template.id,
            started_at=ONE,
            deadline_at=NOW + DAY,
        )
        edit_template(template, {"recurrence": cron("30 * * * *")}, now=self.NOW)
        assert nominal(template) == [ONE, ONE + 30 * MINUTE]
        assert rows(template) == []

    def test_planned_run_that_a_person_cancelled_stays_cancelled_without_a_row(self) -> None:
        template = make_avoiding_template(
            CLOSED_SUNDAYS, recurrence=cron("0 9 * * SUN"), on_closed="next_business_day"
        )
        Job.objects.filter(template_id=template.id).update(status="cancelled", finalized_at=NOW)
        edit_template(template, {"name": "Better"}, now=NOW + MINUTE)
        assert rows(template) == []
        live(NOW + MINUTE, SUNDAY + DAY)
        job = Job.objects.get(template_id=template.id, occurrence_at=SUNDAY + 21 * HOUR)
        assert job.status == "cancelled"


def test_changes_at_any_moment_lose_nothing_and_count_nothing_twice() -> None:
    """Calendars, edits and short pauses at odd seconds; each occurrence is a run or in one row."""
    template = make_avoiding_template(
        {"dates": ["2020-01-01"]}, recurrence=every(1), misfire="run_all"
    )
    ran: list[datetime] = []
    gone: list[datetime] = []
    spans = [
        [{"from": "2026-06-01T12:08", "to": "2026-06-01T12:11"}],
        [{"from": "2026-06-01T12:10", "to": "2026-06-01T12:40"}],
        [{"from": "2020-01-01T12:00", "to": "2020-01-01T13:00"}],
    ]
    for index, second in enumerate(range(30, 1800, 47)):
        now = NOW + second * SECOND
        if index % 5 == 0:
            change_calendar(template, {"spans": spans[index // 5 % 3]}, now)
        elif index % 5 == 2:
            pause_template(template, {}, now=now, by=somebody("Ana"))
            resume_template(template, now=now)
        elif index % 5 == 3:
            edit_template(template, {"priority": index % 10}, now=now)
        expand_until_calm(now)
        if index % 3 == 0:
            ran += moments_run(now)
    end = NOW + 1800 * SECOND
    expand_until_calm(end)
    ran += moments_run(end)
    for first, last, count in skipped(template):
        within = [first + n * MINUTE for n in range(int((last - first) / MINUTE) + 1)]
        assert len(within) == count
        gone += [at for at in within if at <= end]
    wanted = [NOW + n * MINUTE for n in range(1, 31)]
    assert sorted([*ran, *gone]) == wanted
    assert ran
    assert gone


def test_step_that_takes_too_long_leaves_the_rest_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("templates_app.expander.batch.BUDGET", timedelta(0))
    templates = [make_template() for _ in range(4)]
    Template.objects.filter(pk=templates[3].pk).update(replan=True)
    now = ONE - 30 * SECOND
    Template.objects.update(next_expansion_at=now)
    for number in range(1, 5):
        step = expand(now, EXPANSION)
        assert (step.templates, step.failed, step.more) == (1, 0, number < 4)
        done = Template.objects.filter(next_expansion_at__gt=now)
        assert done.count() == number
    assert all(ONE in nominal(template) for template in templates)
    assert not Template.objects.exclude(expansion_failures=0).exists()
