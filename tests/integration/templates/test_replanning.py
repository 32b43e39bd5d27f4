"""A calendar or a window changes: the templates that it can change are planned again, no others."""

from datetime import timedelta

import pytest
from django.db import connection

from jobs.models import Job
from templates_app import replan_statements
from templates_app.expander import expand
from templates_app.models import Calendar, SkippedOccurrence, Template
from templates_app.operations.calendars import create_calendar, edit_calendar
from templates_app.operations.templates import pause_template
from templates_app.operations.windows import create_window, delete_window, edit_window
from tests.factories.actors import somebody
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    DAY,
    EXPANSION,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    make_avoiding_template,
    make_calendar,
    make_template,
)

pytestmark = pytest.mark.django_db
AT_NINE = cron("0 9 * * *")
NINE = NOW - 3 * HOUR + DAY


def marked():
    return set(Template.objects.filter(replan=True).values_list("id", flat=True))


def run_at(template):
    return [job.run_at for job in Job.objects.filter(template_id=template.id).order_by("run_at")]


def window(**fields):
    times = {"starts_at": (NINE - HOUR).isoformat(), "ends_at": (NINE + HOUR).isoformat()}
    return {"name": "Move", **times, **fields}


def test_a_calendar_of_the_platform_marks_its_users_and_nobody_else():
    shared = make_calendar(merchant=None)
    within = create_calendar({"name": "B", "includes": [str(shared.pk)]}, merchant=None, now=NOW)
    avoiding = make_template(recurrence=AT_NINE, avoid=[str(shared.pk)])
    keeping = make_template(recurrence=AT_NINE, keep_to=[str(shared.pk)])
    by_way = make_template(recurrence=AT_NINE, avoid=[str(within.pk)])
    paused = make_template(recurrence=AT_NINE, avoid=[str(shared.pk)])
    pause_template(paused, {}, now=NOW, by=somebody("x"))
    off = make_template(recurrence=AT_NINE, avoid=[str(shared.pk)], active=False)
    other = make_template(recurrence=AT_NINE)
    Template.objects.exclude(pk__in=[paused.pk, off.pk]).update(replan=False)
    before = Template.objects.get(pk=other.pk).next_expansion_at
    edit_calendar(shared, {"definition": {"dates": [f"{NINE:%Y-%m-%d}"]}}, now=NOW)
    users = {avoiding.pk, keeping.pk, by_way.pk}
    assert marked() - {paused.pk, off.pk} == users
    assert set(
        Template.objects.filter(pk__in=users).values_list("next_expansion_at", flat=True)
    ) == {NOW}
    assert Template.objects.get(pk=other.pk).next_expansion_at == before
    assert Template.objects.get(pk=paused.pk).next_expansion_at is None
    expand(NOW, EXPANSION)
    assert run_at(avoiding) == run_at(by_way) == [NINE + DAY]
    assert run_at(keeping) == [NINE]
    assert run_at(other) == [NINE]


def test_a_window_of_the_platform_marks_who_has_a_job_planned_in_it():
    inside = make_template(recurrence=AT_NINE)
    outside = make_template(recurrence=cron("0 11 * * *"))
    Template.objects.update(replan=False)
    created = create_window(window(), merchant=None, now=NOW)
    assert marked() == {inside.pk}
    expand(NOW, EXPANSION)
    assert run_at(inside)[0] >= NINE + HOUR
    assert run_at(outside) == [NINE + 2 * HOUR]
    edit_window(created, {"name": "Other"}, now=NOW)
    assert marked() == set()
    delete_window(created, now=NOW)
    assert marked() == {inside.pk}
    expand(NOW, EXPANSION)
    assert run_at(inside) == [NINE]


def test_what_a_window_skipped_is_planned_when_it_goes():
    template = make_template(recurrence=AT_NINE)
    bystander = make_template(recurrence=cron("0 11 * * *"))
    created = create_window(window(mode="skip"), merchant=None, now=NOW)
    expand(NOW, EXPANSION)
    assert run_at(template) == [NINE + DAY]
    assert SkippedOccurrence.objects.get(template=template).cause == "window"
    delete_window(created, now=NOW)
    assert marked() == {template.pk}
    expand(NOW, EXPANSION)
    assert run_at(template) == [NINE]
    assert not SkippedOccurrence.objects.exists()
    assert run_at(bystander) == [NINE + 2 * HOUR]


def test_what_a_calendar_moved_into_a_skipping_window_is_planned_when_that_goes():
    holiday = {"dates": [f"{NINE:%Y-%m-%d}"]}
    weekly = cron(f"0 9 * * {NINE:%a}")
    template = make_avoiding_template(holiday, recurrence=weekly, on_closed="next_business_day")
    bystander = make_template(recurrence=weekly)
    assert run_at(template) == [NINE + DAY]
    times = {"starts_at": (NINE + DAY - HOUR).isoformat(), "ends_at": (NINE + 2 * DAY).isoformat()}
    created = create_window(window(mode="skip", **times), merchant=template.merchant, now=NOW)
    assert run_at(template) == [NINE + 7 * DAY]
    assert SkippedOccurrence.objects.get().cause == "window"
    delete_window(created, now=NOW)
    assert run_at(template) == [NINE + DAY]
    assert not SkippedOccurrence.objects.exists()
    assert run_at(bystander) == [NINE]


def test_a_job_that_one_window_holds_back_into_another_is_held_by_both():
    merchant = make_merchant()
    template = make_template(merchant=merchant, recurrence=AT_NINE)
    create_window(window(), merchant=merchant, now=NOW)
    [held] = run_at(template)
    second = {"starts_at": (NINE + HOUR).isoformat(), "ends_at": (NINE + 3 * HOUR).isoformat()}
    assert NINE + HOUR <= held < NINE + 3 * HOUR
    create_window(window(**second), merchant=merchant, now=NOW)
    assert run_at(template)[0] >= NINE + 3 * HOUR


def test_a_recurring_window_reaches_jobs_years_ahead():
    merchant = make_merchant()
    leap_day = cron("0 0 29 2 *")
    template = make_template(merchant=merchant, recurrence=leap_day)
    [before] = run_at(template)
    assert before > NOW + timedelta(days=600)
    nightly = {"recurrence": cron("0 0 * * *"), "duration": 3600}
    create_window({"name": "Night", **nightly}, merchant=merchant, now=NOW)
    assert run_at(template)[0] >= before + HOUR


def test_a_great_many_are_planned_again_little_by_little_soonest_first():
    merchant = make_merchant()
    calendar = make_calendar(merchant=merchant)
    Template.objects.bulk_create(
        Template(
            merchant=merchant,
            name=str(number),
            kind="python",
            payload={"handler": "demo.noop"},
            recurrence=AT_NINE,
            avoid=[calendar.pk],
            next_expansion_at=NOW + DAY + number * SECOND,
        )
        for number in range(2_100)
    )
    soon = make_template(merchant=merchant, avoid=[str(calendar.pk)])
    Template.objects.filter(pk=soon.pk).update(next_expansion_at=NOW + SECOND / 2)
    edit_calendar(calendar, {"definition": {"dates": ["2020-01-01"]}}, now=NOW)
    rows = Template.objects.filter(merchant=merchant, replan=True)
    assert rows.count() == 2_101
    assert rows.get(pk=soon.pk).next_expansion_at == NOW
    assert rows.get(name="2099").next_expansion_at == NOW + 2 * SECOND
    assert [rows.filter(next_expansion_at=NOW + n * SECOND).count() for n in range(3)] == [
        1_000,
        1_000,
        101,
    ]


def test_a_template_that_cannot_be_planned_does_not_refuse_the_change(caplog):
    merchant = make_merchant()
    calendar = make_calendar(merchant=merchant)
    sound = make_template(merchant=merchant, recurrence=AT_NINE, avoid=[str(calendar.pk)])
    broken = make_template(merchant=merchant, recurrence=AT_NINE, avoid=[str(calendar.pk)])
    Template.objects.filter(pk=broken.pk).update(recurrence={"kind": "cron", "timezone": "UTC"})
    closed = {"dates": [f"{NINE:%Y-%m-%d}"]}
    edit_calendar(calendar, {"definition": closed}, now=NOW)
    assert Calendar.objects.get().definition == {"dates": [{"date": f"{NINE:%Y-%m-%d}"}]}
    assert marked() == {sound.pk, broken.pk}
    assert "left to the expander" in caplog.text
    expand(NOW, EXPANSION)
    assert run_at(sound) == [NINE + DAY]
    assert Template.objects.get(pk=broken.pk).expansion_failures == 1


@pytest.mark.parametrize(
    ("statement", "values", "indexes"),
    [
        (
            replan_statements.MARK_USERS_OF_CALENDAR,
            {"calendar": "00000000-0000-0000-0000-000000000001"},
            {"template_avoids", "template_keeps_to", "calendar_includes"},
        ),
        (
            replan_statements.MARK_EVERYBODY_AROUND,
            {"ids": [], "spans": "{}", "since": "00000000-0000-0000-0000-000000000001"},
            {"Index"},
        ),
        (
            replan_statements.MARK_MERCHANT_AROUND,
            {
                "ids": [],
                "spans": "{}",
                "since": "00000000-0000-0000-0000-000000000001",
                "merchant": "00000000-0000-0000-0000-000000000001",
            },
            {"merchant_id = "},
        ),
    ],
    ids=["calendar", "everybody", "merchant"],
)
def test_marking_reads_no_more_than_its_indexes(statement, values, indexes):
    with connection.cursor() as cursor:
        # Tables of tests are so small that any plan would do: leave the planner the one that
        # counts, and see whether the statement lets it take it.
        cursor.execute("SET LOCAL enable_seqscan = off")
        if statement == replan_statements.MARK_USERS_OF_CALENDAR:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute("DROP INDEX template_due")
        cursor.execute("EXPLAIN " + statement, {**values, "now": NOW + MINUTE, "most": 51})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert {name for name in indexes if name in plan} == indexes, plan
    assert "Seq Scan" not in plan
