"""A plan is replaced inside a stretch that does not run: its rows are cut there, and stay exact."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from templates_app import statements
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations.templates import edit_template, pause_template
from templates_app.operations.windows import create_window, delete_window
from tests.factories.actors import somebody
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    WEEKEND,
    cron,
    make_avoiding_template,
    make_template,
)
from tests.integration.templates.ticking import (
    change_calendar,
    counted_statements,
    expand_until_calm,
    live,
    nominal,
    skipped,
)

pytestmark = pytest.mark.django_db
SATURDAY = NOW + 4 * DAY + 12 * HOUR  # 00:00
HALF = timedelta(minutes=30)


@pytest.fixture
def template() -> Template:
    """Hourly, but not at weekends; it is Friday, and the weekend's row is there."""
    made = make_avoiding_template(now=SATURDAY - 20 * MINUTE)
    assert skipped(made) == [(SATURDAY, SATURDAY + 47 * HOUR, 48)]
    return made


def hours(first: int, last: int) -> tuple[datetime, datetime, int]:
    return SATURDAY + first * HOUR, SATURDAY + last * HOUR, last - first + 1


def test_row_is_cut_where_the_plan_is_replaced(template: Template) -> None:
    bystander = SkippedOccurrence.objects.create(
        merchant=template.merchant,
        template=make_template(),
        cause="closed",
        reason="Saturday",
        first_at=SATURDAY,
        last_at=SATURDAY + 47 * HOUR,
        occurrences=48,
    )
    [row] = SkippedOccurrence.objects.filter(template=template)
    change_calendar(template, {"weekdays": ["sa"]}, SATURDAY + 12 * HOUR + HALF)
    assert skipped(template) == [hours(0, 12), hours(13, 23)]
    row.refresh_from_db()
    assert row.occurrences == 13
    change_calendar(template, WEEKEND, SATURDAY + 13 * HOUR + HALF)
    assert skipped(template) == [hours(0, 12), hours(13, 13), hours(14, 47)]
    bystander.refresh_from_db()
    assert bystander.occurrences == 48


def test_edit_of_the_recurrence_cuts_by_the_old_one(template: Template) -> None:
    edit_template(template, {"recurrence": cron("45 9 * * *")}, now=SATURDAY + 12 * HOUR + HALF)
    sunday = SATURDAY + DAY + 9 * HOUR + 45 * MINUTE
    assert skipped(template) == [hours(0, 12), (sunday, sunday, 1)]


def test_pause_cuts_and_plans_nothing(template: Template) -> None:
    pause_template(template, {}, now=SATURDAY + 12 * HOUR + HALF, by=somebody("Ana"))
    assert skipped(template) == [hours(0, 12)]


def test_row_of_a_deleted_window_ends_where_it_was_deleted() -> None:
    merchant = make_merchant()
    template = make_template(merchant=merchant)
    noon = NOW
    window = create_window(
        {
            "name": "Move",
            "mode": "skip",
            "starts_at": (noon + HALF).isoformat(),
            "ends_at": (noon + 3 * HOUR + HALF).isoformat(),
        },
        merchant=merchant,
        now=noon,
    )
    expand_until_calm(noon)
    assert skipped(template) == [(noon + HOUR, noon + 3 * HOUR, 3)]
    delete_window(window, now=noon + HOUR + HALF)
    expand_until_calm(noon + HOUR + HALF)
    assert skipped(template) == [(noon + HOUR, noon + HOUR, 1)]
    assert nominal(template) == [noon + 2 * HOUR]


def test_run_of_a_reopened_stretch_is_in_no_row(template: Template) -> None:
    change_calendar(template, {"dates": ["2020-01-01"]}, SATURDAY + 12 * HOUR + HALF)
    ran = live(SATURDAY + 12 * HOUR + HALF, SATURDAY + 20 * HOUR)
    assert ran == [SATURDAY + n * HOUR for n in range(13, 21)]
    assert skipped(template) == [hours(0, 12)]


def test_edit_of_a_template_with_a_long_history_reads_what_is_planned_only() -> None:
    template = make_template()
    SkippedOccurrence.objects.bulk_create(
        SkippedOccurrence(
            merchant=template.merchant,
            template=template,
            cause=("closed", "window", "missed")[number % 3],
            reason="Past.",
            first_at=NOW - number * HOUR,
            last_at=NOW - number * HOUR,
        )
        for number in range(1, 3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE templates_app_skippedoccurrence")
        cursor.execute(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + statements.REPLACE_PLANNED_SKIPS,
            {"ids": [template.id], "now": NOW},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "skipped_planned" in plan
    assert "Seq Scan" not in plan
    assert "Rows Removed" not in plan


def test_edit_costs_the_same_statements_whatever_it_replaces(template: Template) -> None:
    """One more when a row is cut. A template without calendars and rows costs eleven."""
    counts = []
    for now in (SATURDAY - 10 * MINUTE, SATURDAY + 12 * HOUR + HALF):
        with counted_statements() as sent:
            edit_template(template, {"name": f"At {now}"}, now=now)
        counts.append(len([one for one in sent if "SAVEPOINT" not in one]))
    assert counts[1] - counts[0] <= 1
    plain = make_template()
    with counted_statements() as sent:
        edit_template(plain, {"priority": 7}, now=NOW + MINUTE)
    assert len([one for one in sent if "SAVEPOINT" not in one]) <= 11
