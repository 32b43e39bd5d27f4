"""Maintenance windows: what they skip, what they hold, and how evenly it is released."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations.windows import create_window, delete_window
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    cron,
    every,
    make_template,
    make_window,
)
from tests.integration.templates.ticking import (
    expand_until_calm,
    live,
    moments_run,
    nominal,
    planned,
    skipped,
)

pytestmark = pytest.mark.django_db
START, END = NOW + HOUR, NOW + 2 * HOUR
QUARTER = 15 * MINUTE


def body(**fields: Any) -> dict[str, Any]:
    times = {"starts_at": START.isoformat(), "ends_at": END.isoformat()}
    return {"name": "Move", "mode": "hold", **times, **fields}


def held(template: Template) -> list[tuple[datetime, datetime]]:
    """Return nominal and planned moments of what fell into the window."""
    jobs = Job.objects.filter(
        template_id=template.id, occurrence_at__gte=START, occurrence_at__lt=END
    )
    found = jobs.order_by("occurrence_at")
    return [(job.occurrence_at, job.run_at) for job in found if job.occurrence_at is not None]


def test_skipping_window_leaves_one_row_and_no_job() -> None:
    make_window(starts_at=START, ends_at=END, mode="skip")
    template = make_template(recurrence=every(10))
    live(NOW, END)
    assert held(template) == []
    assert skipped(template) == [(START, END - 10 * MINUTE, 6)]
    row = SkippedOccurrence.objects.get()
    assert (row.cause, row.reason) == ("window", "Maintenance window: Move.")
    assert END in nominal(template)


def test_held_runs_are_released_evenly_and_in_order_over_the_quarter_hour_after() -> None:
    make_window(starts_at=START, ends_at=END)
    template = make_template(recurrence=every(10))
    live(NOW, END)
    found = held(template)
    assert [at for at, _ in found] == [START + n * 10 * MINUTE for n in range(6)]
    released = [run_at for _, run_at in found]
    assert all(END <= at < END + QUARTER for at in released)
    assert {later - earlier for earlier, later in pairwise(released)} == {QUARTER / 6}
    assert skipped(template) == []
    notes = Job.objects.filter(template_id=template.id).exclude(occurrence_note="")
    assert {job.occurrence_note for job in notes} == {"Held by the maintenance window Move."}


def test_templates_that_were_held_together_are_not_released_together() -> None:
    make_window(starts_at=START, ends_at=END)
    merchant = make_merchant()
    templates = [
        make_template(merchant=merchant, recurrence=cron("30 13 * * *")) for _ in range(40)
    ]
    live(NOW, NOW + 3 * MINUTE)
    released = sorted(held(template)[0][1] for template in templates)
    assert len(set(released)) == 40
    early = sum(1 for at in released if at < END + QUARTER / 2)
    assert 4 <= early <= 36


def test_nothing_held_runs_before_the_window_ends() -> None:
    make_window(starts_at=START, ends_at=END)
    template = make_template(recurrence=every(10))
    assert all(not START <= at < END for at in live(NOW, END - MINUTE))
    assert len(held(template)) == 6


def test_chained_windows_hold_until_the_last_one_ends() -> None:
    make_window(starts_at=START, ends_at=END - 20 * MINUTE)
    make_window(starts_at=END - 20 * MINUTE, ends_at=END)
    template = make_template(recurrence=every(10))
    live(NOW, END)
    assert len(held(template)) == 6
    assert all(END <= at < END + QUARTER for _, at in held(template))


def test_skipping_window_within_a_holding_one_skips_what_it_covers() -> None:
    make_window(starts_at=START, ends_at=END)
    make_window(starts_at=START + 30 * MINUTE, ends_at=END, mode="skip", name="Cut")
    template = make_template(recurrence=every(10))
    live(NOW, END)
    assert [at for at, _ in held(template)] == [START, START + 10 * MINUTE, START + 20 * MINUTE]
    assert skipped(template, "window") == [(START + 30 * MINUTE, END - 10 * MINUTE, 3)]


def test_recurring_window_opens_every_night() -> None:
    merchant = make_merchant()
    create_window(
        {
            "name": "Backup",
            "mode": "skip",
            "recurrence": {"kind": "daily", "times": ["02:00"], "timezone": "UTC"},
            "duration": 3600,
        },
        merchant=merchant,
        now=NOW,
    )
    template = make_template(merchant=merchant, recurrence=every(30))
    bystander = make_template(recurrence=every(30))
    live(NOW, NOW + 3 * DAY)
    two = NOW + 14 * HOUR
    assert skipped(template) == [(two + n * DAY, two + n * DAY + 30 * MINUTE, 2) for n in range(3)]
    assert skipped(bystander) == []


@pytest.mark.parametrize("scope", ["platform", "merchant", "template"])
def test_window_concerns_its_scope_and_nobody_else(scope: str) -> None:
    shop, other = make_merchant(), make_merchant()
    mine, sibling, stranger = (
        make_template(merchant=merchant, recurrence=every(20)) for merchant in (shop, shop, other)
    )
    owner = {"platform": {}, "merchant": {"merchant": shop}}.get(
        scope, {"merchant": shop, "template": mine}
    )
    make_window(starts_at=START, ends_at=END, mode="skip", **owner)
    live(NOW, END)
    hit = {"platform": [3, 3, 3], "merchant": [3, 3, 0], "template": [3, 0, 0]}[scope]
    counts = [skipped(template, "window") for template in (mine, sibling, stranger)]
    assert [sum(count for *_, count in rows) for rows in counts] == hit
    assert [3 - len(held(template)) for template in (mine, sibling, stranger)] == hit


class TestMadeLater:
    def test_planned_run_is_held_by_a_window_that_is_made_afterwards(self) -> None:
        shop = make_merchant()
        template = make_template(merchant=shop, recurrence=every(1, "hours"))
        stranger = make_template(recurrence=every(1, "hours"))
        assert planned(template) == [START]
        create_window(body(), merchant=shop, now=NOW + MINUTE)
        expand_until_calm(NOW + MINUTE)
        ((at, run_at),) = held(template)
        assert at == START
        assert END <= run_at < END + QUARTER
        assert planned(stranger) == [START]

    def test_platforms_window_reaches_everybodys_planned_runs(self) -> None:
        templates = [make_template() for _ in range(3)]
        create_window(body(mode="skip"), merchant=None, now=NOW + MINUTE)
        expand_until_calm(NOW + MINUTE)
        assert [planned(template) for template in templates] == [[END]] * 3
        assert [skipped(template, "window") for template in templates] == [[(START, START, 1)]] * 3

    def test_held_run_goes_at_once_when_its_window_is_deleted(self) -> None:
        shop = make_merchant()
        template = make_template(merchant=shop, recurrence=every(20))
        window = create_window(body(), merchant=shop, now=NOW)
        now = START + 30 * MINUTE
        live(NOW, now)
        assert [run_at >= END for _, run_at in held(template)][:2] == [True, True]
        delete_window(window, now=now)
        assert moments_run(now) == [START, START + 20 * MINUTE]
        assert skipped(template) == []

    def test_run_that_has_started_is_left_alone_by_a_window_that_covers_it(self) -> None:
        shop = make_merchant()
        template = make_template(merchant=shop, recurrence=every(20))
        live(NOW, START - MINUTE)
        running = Job.objects.get(template_id=template.id, occurrence_at=START)
        assert START in moments_run(START)
        create_window(body(), merchant=shop, now=START + MINUTE)
        live(START + MINUTE, START + 2 * MINUTE)
        running.refresh_from_db()
        assert running.status == "succeeded"
        assert held(template)[0][0] == START

    def test_template_made_within_a_window_owes_nothing_of_the_time_before_it(self) -> None:
        make_window(starts_at=START, ends_at=END)
        template = make_template(recurrence=every(10), now=START + 35 * MINUTE)
        assert [at for at, _ in held(template)] == [START + 40 * MINUTE]


def test_dense_template_is_held_without_a_search_for_each_run() -> None:
    make_window(starts_at=START, ends_at=START + 12 * HOUR)
    template = make_template(recurrence=every(1, "seconds"), now=START + HOUR)
    for _ in range(3):
        expand_until_calm(START + HOUR + MINUTE)
    released = planned(template)
    assert len(released) == len(set(nominal(template))) == 180
    assert released == sorted(released)
    assert min(released) >= START + 12 * HOUR
