"""What a batch costs at most: statements, rows and jobs, whatever the templates ask for."""

from datetime import timedelta

import pytest

from jobs.models import Job
from templates_app.expander import expand
from templates_app.models import SkippedOccurrence, Template
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    DAY,
    EXPANSION,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    every,
    june,
    make_avoiding_template,
    make_calendar,
    make_template,
    make_window,
)
from tests.integration.templates.ticking import (
    counted_statements,
    expand_until_calm,
    live,
    nominal,
    skipped,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are compared whole, however slow the machine is."""
    monkeypatch.setattr("templates_app.expander.batch.BUDGET", timedelta(minutes=10))


def mixed(number: int) -> None:
    """Make so many templates with calendars, misfires and placeholders of all sorts."""
    merchants = [make_merchant() for _ in range(3)]
    calendars = [make_calendar(merchant=merchant) for merchant in merchants]
    make_window(starts_at=NOW + DAY, ends_at=NOW + 2 * DAY)
    for index in range(number):
        make_template(
            merchant=merchants[index % 3],
            recurrence=(every(10), cron("5 * * * *", "Europe/Madrid"), every(1))[index % 3],
            avoid=[str(calendars[index % 3].id)] if index % 2 else [],
            misfire=("skip", "run_once", "run_all")[index % 3],
            kind="python",
            payload={"handler": "demo.echo", "arguments": {"at": "{{ occurrence }}"}},
        )


def statements_of_a_tick(late: timedelta) -> int:
    with counted_statements() as sent:
        step = expand(NOW + late, EXPANSION)
    assert step.templates == Template.objects.count()
    return len([one for one in sent if "SAVEPOINT" not in one])


@pytest.mark.parametrize("late", [HOUR + MINUTE, 3 * HOUR])
def test_batch_of_300_costs_the_statements_of_a_batch_of_6(late: timedelta) -> None:
    mixed(6)
    few = statements_of_a_tick(late)
    Template.objects.all().delete()
    Job.objects.all().delete()
    mixed(300)
    assert statements_of_a_tick(late) <= few
    assert few <= 16


def test_idle_tick_costs_three_statements_at_most() -> None:
    mixed(3)
    with counted_statements() as sent:
        assert expand(NOW, EXPANSION).templates == 0
    assert len([one for one in sent if "SAVEPOINT" not in one]) <= 3


@pytest.mark.parametrize("misfire", ["skip", "run_once", "run_all"])
def test_template_of_every_second_is_back_soon_after_a_month_away(misfire: str) -> None:
    template = make_template(recurrence=every(1, "seconds"), misfire=misfire, misfire_limit=50)
    back = NOW + 30 * DAY + 1 * SECOND
    ticks = 0
    while not Job.objects.filter(template_id=template.id, occurrence_at__gt=back).exists():
        ticks += 1
        assert ticks <= 4
        expand(back, EXPANSION)
    rows = SkippedOccurrence.objects.filter(template=template)
    assert rows.count() <= 6
    assert {row.cause for row in rows} == {"missed"}
    assert Job.objects.filter(template_id=template.id).count() < 1500
    assert min(row.first_at for row in rows) == NOW + SECOND
    made_up = Job.objects.filter(
        template_id=template.id, status="scheduled", occurrence_at__lte=back - 300 * SECOND
    )
    assert made_up.count() == {"skip": 0, "run_once": 0, "run_all": 50}[misfire]


def test_dense_template_with_a_long_window_makes_up_once_after_a_month_away() -> None:
    template = make_template(
        recurrence=every(5, "seconds"), misfire="run_once", misfire_window=31 * 86_400
    )
    assert Job.objects.all().delete()[0] == 24
    back = NOW + 10 * DAY
    expand_until_calm(back)
    old = Job.objects.filter(template_id=template.id, occurrence_at__lte=back - 300 * SECOND)
    assert old.count() == 0
    assert sum(count for *_, count in skipped(template, "missed")) == 10 * 17_280 - 24 - 60


def test_template_of_every_second_that_is_closed_for_days_is_one_row_a_plan() -> None:
    friday = june(5, 23, 58)
    template = make_avoiding_template(recurrence=every(1, "seconds"), now=friday)
    live(friday + 3 * MINUTE, friday + 4 * MINUTE)
    rows = skipped(template, "closed")
    assert sum(count for *_, count in rows) == 2 * 86_400
    assert len(rows) <= 4
    assert max(nominal(template)) > friday + DAY


def test_union_of_99_minutely_parts_runs_once_a_minute() -> None:
    parts = [every(1) | {"anchor": f"2026-01-01T{hour:02}:00:00+00:00"} for hour in range(24)]
    parts += [cron(f"*/{step} * * * *") for step in range(1, 60)]
    parts += [cron(f"* {hour} * * *") for hour in range(15)]
    template = make_template(recurrence={"kind": "union", "of": parts[:99]})
    live(NOW, NOW + 20 * MINUTE)
    assert [at for at in nominal(template) if at <= NOW + 20 * MINUTE] == [
        NOW + n * MINUTE for n in range(1, 21)
    ]
