"""Clock changes, jitter and placeholders in the jobs that come of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from tests.factories.templates import DAY, HOUR, cron, every, make_template
from tests.integration.templates.ticking import live, nominal, planned, skipped

pytestmark = pytest.mark.django_db
# Madrid leaves out 02:00-03:00 of 29 March and repeats 02:00-03:00 of 25 October.
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)
GAP = datetime(2026, 3, 29, 1, tzinfo=UTC)
HALF = timedelta(minutes=30)
ECHO: dict[str, Any] = {
    "kind": "python",
    "payload": {
        "handler": "demo.echo",
        "arguments": {
            "at": "{{ occurrence }}",
            "before": "{{ previous_occurrence }}",
            "day": '{{ occurrence | date("%Y-%m-%d") }}',
        },
    },
}


def at_half_past_two(**fields: object) -> Template:
    recurrence = cron("30 2 * * *", "Europe/Madrid") | fields
    return make_template(recurrence=recurrence, now=SPRING)


def note_of(template: Template, at: datetime) -> str:
    return Job.objects.get(template_id=template.id, occurrence_at=at).occurrence_note


def test_skipped_gap_is_a_row_and_no_job() -> None:
    template, bystander = at_half_past_two(dst_gap="skip"), at_half_past_two()
    live(SPRING, SPRING + 3 * DAY)
    assert [at.day for at in nominal(template) if at < SPRING + 3 * DAY] == [30, 31]
    row = SkippedOccurrence.objects.get()
    assert (row.template_id, row.cause, row.first_at) == (template.id, "clock_change", GAP)
    assert "02:30" in row.reason
    assert [at.day for at in nominal(bystander) if at < SPRING + 3 * DAY] == [29, 30, 31]


@pytest.mark.parametrize(("gap", "runs_at"), [("shift", GAP + HALF), ("gap_end", GAP)])
def test_shifted_run_says_why(gap: str, runs_at: datetime) -> None:
    template = at_half_past_two(dst_gap=gap)
    live(SPRING, SPRING + 2 * DAY)
    assert nominal(template)[0] == runs_at
    assert "02:30" in note_of(template, runs_at)
    assert note_of(template, nominal(template)[1]) == ""
    assert skipped(template) == []


def test_repeated_hour_is_told_by_its_passes() -> None:
    template = make_template(
        recurrence=cron("30 2 * * *", "Europe/Madrid") | {"dst_overlap": "both"}, now=AUTUMN
    )
    live(AUTUMN, AUTUMN + DAY)
    first, second = nominal(template)[:2]
    assert second - first == HOUR
    assert note_of(template, first)
    assert note_of(template, second)
    assert note_of(template, first) != note_of(template, second)


def test_jitter_delays_the_run_and_not_its_name() -> None:
    start = datetime(2026, 6, 1, 12, tzinfo=UTC)
    template = make_template(recurrence=every(1, "hours") | {"jitter": 1800}, now=start)
    ran = live(start, start + 12 * HOUR)
    jobs = list(Job.objects.filter(template_id=template.id).order_by("occurrence_at"))
    assert [job.occurrence_at for job in jobs][:11] == [start + n * HOUR for n in range(1, 12)]
    assert ran == nominal(template)[: len(ran)]
    delays = {job.run_at - job.occurrence_at for job in jobs if job.occurrence_at is not None}
    assert len(delays) > 6
    assert all(timedelta(0) <= delay <= HALF for delay in delays)
    assert planned(template) == sorted(planned(template))


class TestPlaceholders:
    def arguments(self, template: Template) -> dict[datetime, dict[str, str]]:
        jobs = Job.objects.filter(template_id=template.id)
        return {job.occurrence_at: job.payload["arguments"] for job in jobs if job.occurrence_at}

    def test_each_run_has_its_own_times_across_the_gap(self) -> None:
        template = make_template(recurrence=cron("30 2 * * *", "Europe/Madrid"), now=SPRING, **ECHO)
        live(SPRING, SPRING + 2 * DAY)
        found = self.arguments(template)
        assert found[GAP + HALF] == {
            "at": "2026-03-29T03:30:00+02:00",
            "before": "2026-03-28T02:30:00+01:00",
            "day": "2026-03-29",
        }
        assert found[GAP + HALF + 23 * HOUR] == {
            "at": "2026-03-30T02:30:00+02:00",
            "before": "2026-03-29T03:30:00+02:00",
            "day": "2026-03-30",
        }

    def test_each_run_has_its_own_times_across_the_repeated_hour(self) -> None:
        template = make_template(recurrence=cron("30 * * * *", "Europe/Madrid"), now=AUTUMN, **ECHO)
        live(AUTUMN, AUTUMN + DAY)
        second_pass = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        assert self.arguments(template)[second_pass] == {
            "at": "2026-10-25T02:30:00+01:00",
            "before": "2026-10-25T02:30:00+02:00",
            "day": "2026-10-25",
        }

    def test_first_run_of_all_has_none_before_it(self) -> None:
        start = datetime(2026, 6, 1, 12, tzinfo=UTC)
        template = make_template(
            recurrence=every(1, "hours") | {"starts_at": "2026-06-01T13:00:00+00:00"},
            now=start,
            **ECHO,
        )
        live(start, start + 2 * HOUR)
        found = self.arguments(template)
        assert found[start + HOUR]["before"] is None
        assert found[start + 2 * HOUR]["before"] == "2026-06-01T13:00:00+00:00"
