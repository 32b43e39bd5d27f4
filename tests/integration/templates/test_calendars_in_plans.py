"""Calendars decide where occurrences go: each policy, over weekends, nights, and for good."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    DAY,
    MINUTE,
    WEEKEND,
    cron,
    every,
    june,
    make_avoiding_template,
    make_calendar,
    make_template,
)
from tests.integration.templates.ticking import (
    change_calendar,
    expand_until_calm,
    live,
    nominal,
    planned,
    skipped,
)

pytestmark = pytest.mark.django_db
NINE = {"kind": "daily", "times": ["09:00"], "timezone": "UTC"}
SATURDAYS = {"kind": "weekly", "weekdays": ["sa"], "times": ["09:00"], "timezone": "UTC"}
OFFICE = {"hours": {day: [["09:00", "17:30"]] for day in ("mo", "tu", "we", "th", "fr")}}


def closed_on(document: dict[str, Any], **fields: Any) -> Template:
    """Return a template of every day at nine, unless said otherwise."""
    return make_avoiding_template(document, **{"recurrence": NINE, **fields})


def at_eight_in_the_evening(on_closed: str) -> Template:
    """Return a template whose runs all fall outside the opening hours."""
    every_day = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
    return closed_on(
        {"except": OFFICE, **every_day}, recurrence=cron("0 20 * * *"), on_closed=on_closed
    )


def in_the_office(recurrence: dict[str, Any], **fields: Any) -> Template:
    """Return a template that keeps to the opening hours."""
    merchant = make_merchant()
    office = make_calendar(merchant=merchant, name="Office", definition=OFFICE)
    return make_template(
        merchant=merchant, recurrence=recurrence, keep_to=[str(office.id)], **fields
    )


def rows_of(template: Template) -> list[tuple[datetime, datetime, int, str]]:
    rows = SkippedOccurrence.objects.filter(template=template).order_by("first_at", "cause")
    return [(row.first_at, row.last_at, row.occurrences, row.cause) for row in rows]


def planned_of_june(template: Template, last: int) -> list[datetime]:
    return [at for at in planned(template) if at <= june(last, 23)]


class TestWeekend:
    def test_skip_leaves_the_weekend_out_with_one_row(self) -> None:
        template, bystander = closed_on(WEEKEND), make_template(recurrence=NINE)
        live(june(1, 12), june(9, 12))
        assert planned_of_june(template, 9) == [june(day) for day in (2, 3, 4, 5, 8, 9)]
        assert rows_of(template) == [(june(6), june(7), 2, "closed")]
        assert planned_of_june(bystander, 9) == [june(day) for day in range(2, 10)]
        assert rows_of(bystander) == []

    def test_what_moves_onto_mondays_own_run_is_merged_with_it_and_shows(self) -> None:
        template = closed_on(WEEKEND, on_closed="next_business_day")
        live(june(1, 12), june(9, 12))
        assert planned_of_june(template, 9) == [june(day) for day in (2, 3, 4, 5, 8, 9)]
        # Saturday's came first; Sunday's and Monday's own fell onto it.
        assert rows_of(template) == [
            (june(7), june(7), 1, "merged"),
            (june(8), june(8), 1, "merged"),
        ]
        job = Job.objects.get(template_id=template.id, occurrence_at=june(8))
        assert job.occurrence_note == "Moved from Sat 6 Jun 09:00: Saturday."

    def test_what_moves_onto_fridays_own_run_is_merged_with_it_and_shows(self) -> None:
        template = closed_on(WEEKEND, on_closed="previous_business_day")
        live(june(1, 12), june(9, 12))
        assert planned_of_june(template, 9) == [june(day) for day in (2, 3, 4, 5, 8, 9)]
        assert [row for row in rows_of(template) if row[0] < june(9)] == [
            (june(6), june(7), 2, "merged")
        ]

    def test_weekly_saturday_run_moves_to_monday(self) -> None:
        template = closed_on(WEEKEND, recurrence=SATURDAYS, on_closed="next_business_day")
        live(june(1, 12), june(16))
        assert planned_of_june(template, 16) == [june(8), june(15)]
        assert rows_of(template) == []

    def test_weekly_saturday_run_is_planned_for_friday_in_time(self) -> None:
        template = closed_on(WEEKEND, recurrence=SATURDAYS, on_closed="previous_business_day")
        assert june(5) in planned(template)
        live(june(1, 12), june(16))
        assert planned_of_june(template, 16) == [june(5), june(12)]
        assert rows_of(template) == []

    def test_run_at_a_closed_hour_moves_to_the_next_open_minute(self) -> None:
        template = at_eight_in_the_evening("next_open")
        live(june(1, 12), june(9, 12))
        assert planned_of_june(template, 9) == [june(day) for day in (2, 3, 4, 5, 8, 9)]
        assert [row[0] for row in rows_of(template)] == [june(6, 20), june(7, 20)]

    def test_run_at_a_closed_hour_moves_to_the_last_open_minute(self) -> None:
        template = at_eight_in_the_evening("previous_open")
        live(june(1, 12), june(9, 12))
        assert planned_of_june(template, 9) == [june(day, 17, 29) for day in (1, 2, 3, 4, 5, 8, 9)]

    def test_new_template_owes_nothing_of_the_time_before_it(self) -> None:
        template = closed_on(
            WEEKEND, recurrence=SATURDAYS, on_closed="next_business_day", now=june(7, 12)
        )
        assert planned(template) == [june(15)]


class TestHolidays:
    def test_easter_in_spain_moves_to_the_next_business_day(self) -> None:
        easter = datetime(2026, 4, 1, 12, tzinfo=UTC)
        template = closed_on(
            {"holidays": [{"country": "ES"}], **WEEKEND},
            now=easter,
            on_closed="next_business_day",
        )
        live(easter, easter + 7 * DAY)
        ran = [at.day for at in planned(template) if at.month == 4 and at.day < 9]
        # The 2nd is a holiday in parts of the country only, the 3rd (Good Friday) in all of it.
        assert ran == [2, 6, 7, 8]
        merged = SkippedOccurrence.objects.filter(template=template, cause="merged")
        assert sum(row.occurrences for row in merged) == 3


class TestNights:
    def test_frequent_template_has_one_row_for_each_closed_night(self) -> None:
        template = in_the_office(every(10))
        live(june(1, 12), june(3, 12))
        nights = [(june(day, 17, 30), june(day + 1, 8, 50), 93, "closed") for day in (1, 2)]
        assert rows_of(template) == nights
        day = [june(2, 9) + n * 10 * MINUTE for n in range(51)]
        assert [at for at in nominal(template) if june(2, 0) < at < june(3, 0)] == day

    def test_rows_of_two_nights_stay_two_when_they_are_counted_at_once(self) -> None:
        template = in_the_office(every(1, "hours"), misfire="run_all", misfire_window=30 * 86_400)
        expand_until_calm(june(3, 12))
        assert skipped(template, "closed") == [
            (june(1, 18), june(2, 8), 15),
            (june(2, 18), june(3, 8), 15),
        ]

    def test_clock_change_in_a_closed_night_keeps_a_row_of_its_own(self) -> None:
        template = in_the_office(
            cron("*/30 * * * *", "Europe/Madrid") | {"dst_gap": "skip"},
            now=datetime(2026, 3, 28, 12, tzinfo=UTC),  # a Saturday
        )
        counts = {"clock_change": 0, "closed": 0}
        for *_, count, cause in rows_of(template):
            counts[cause] += count
        # 21 on Saturday from 13:30 on, 46 on Sunday, 18 on Monday until 08:30; 02:00 and 02:30 of
        # Sunday do not exist.
        assert counts == {"clock_change": 2, "closed": 85}


class TestForGood:
    @pytest.mark.parametrize("policy", ["skip", "next_open", "next_business_day"])
    def test_template_that_is_never_open_makes_no_job_and_is_looked_at_once_a_day(
        self, policy: str
    ) -> None:
        always = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
        template = closed_on(always, on_closed=policy, recurrence=every(1, "hours"))
        for day in range(5):
            expand_until_calm(june(1, 12) + day * DAY)
        assert nominal(template) == []
        rows = SkippedOccurrence.objects.filter(template=template)
        assert {row.cause for row in rows} == {"closed"}
        assert len(rows) <= 6
        template.refresh_from_db()
        assert template.state == "active"

    def test_time_of_day_that_no_day_takes_is_given_up_and_others_run(self) -> None:
        morning = {"hours": {day: [["10:00", "12:00"]] for day in ("mo", "tu", "we", "th", "fr")}}
        merchant = make_merchant()
        calendar = make_calendar(merchant=merchant, definition=morning)
        never, sometimes = (
            make_template(
                merchant=merchant,
                keep_to=[str(calendar.id)],
                on_closed="next_business_day",
                recurrence={"kind": "daily", "times": times, "timezone": "UTC"},
                now=june(1, 12),
            )
            for times in (["09:00"], ["09:00", "11:00"])
        )
        live(june(1, 12), june(4, 12))
        assert nominal(never) == []
        assert june(2, 11) in nominal(sometimes)
        assert june(4, 11) in nominal(sometimes)


class TestChangedCalendar:
    def test_new_closed_day_takes_the_planned_run_away(self) -> None:
        template = closed_on(WEEKEND)
        bystander = make_template(recurrence=NINE)
        assert planned(template) == [june(2)]
        fair = {"date": "2026-06-02", "name": "Fair"}
        change_calendar(template, {**WEEKEND, "dates": [fair]}, june(1, 13))
        assert planned(template) == [june(3)]
        row = SkippedOccurrence.objects.get(template=template)
        assert (row.first_at, row.cause, row.reason) == (june(2), "closed", "Fair")
        assert planned(bystander) == [june(2)]

    def test_day_that_opens_again_is_planned_again_and_its_row_goes(self) -> None:
        template = closed_on({**WEEKEND, "dates": ["2026-06-02"]})
        assert planned(template) == [june(3)]
        change_calendar(template, WEEKEND, june(1, 13))
        assert planned(template) == [june(2)]
        assert rows_of(template) == []

    def test_run_that_had_moved_moves_on_when_its_new_day_closes_too(self) -> None:
        template = closed_on(WEEKEND, recurrence=SATURDAYS, on_closed="next_business_day")
        live(june(1, 12), june(7, 12))
        assert june(8) in planned(template)
        change_calendar(template, {**WEEKEND, "dates": ["2026-06-08"]}, june(7, 13))
        assert june(8) not in planned(template)
        assert june(9) in planned(template)

    def test_changed_calendar_reaches_the_last_run_of_a_template_that_ends(self) -> None:
        last = NINE | {"ends_at": "2026-06-02T10:00:00+00:00"}
        template = closed_on(WEEKEND, recurrence=last)
        assert planned(template) == [june(2)]
        assert template.state == "active"
        change_calendar(template, {**WEEKEND, "dates": ["2026-06-02"]}, june(1, 13))
        assert planned(template) == []
