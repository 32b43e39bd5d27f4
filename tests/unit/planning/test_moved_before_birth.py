"""A template has no past: what its calendars move to before it was made is skipped, with its reason."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from templates_app.calendars.calendar_set import parse_calendar
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.calendars.windows import Window, WindowMode
from templates_app.planning.plan import Plan, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import book_of
from templates_app.recurrence.parse import parse

BORN = datetime(2026, 6, 6, 6)  # noqa: DTZ001 - naive UTC; a Saturday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NINE = BORN + 3 * HOUR
WEEKEND = (parse_calendar({"weekdays": ["sa", "su"]}, "Weekend"),)
BACKWARDS = [ClosedPolicy.PREVIOUS_OPEN, ClosedPolicy.PREVIOUS_BUSINESS_DAY]


def rules(policy: ClosedPolicy, **fields: Any) -> Rules:
    recurrence = parse(
        {"kind": "weekly", "weekdays": ["sa"], "times": ["09:00"], "timezone": "UTC"}
    )
    return Rules(
        recurrence=recurrence,
        opening=opening(WEEKEND, (), recurrence.zone),
        on_closed=policy,
        **{"born": BORN, **fields},
    )


def planned(one: Rules) -> Plan:
    return plan(one, after=BORN, until=BORN + 8 * DAY, now=BORN)


@pytest.mark.parametrize("policy", BACKWARDS)
def test_what_moves_to_before_the_birth_is_skipped_and_the_next_one_runs(policy):
    found = planned(rules(policy))
    [skip] = found.skips
    assert (skip.first_at, skip.last_at, skip.count, skip.cause) == (NINE, NINE, 1, "closed")
    assert skip.reason.startswith("Saturday; moved to Fri 5 Jun ")
    assert skip.reason.endswith(", before the template was made")
    assert [run.named.scheduled for run in found.runs] == [NINE + 7 * DAY]
    assert found.runs[0].run_at > BORN


@pytest.mark.parametrize("policy", BACKWARDS)
def test_a_template_that_is_older_than_the_place_of_a_moved_run_keeps_it(policy):
    older = planned(rules(policy, born=BORN - 7 * DAY))
    always = planned(rules(policy, born=None))
    assert older == always
    assert not older.skips
    assert [run.named.scheduled for run in older.runs] == [NINE, NINE + 7 * DAY]
    assert older.runs[0].occurrence_at < BORN


def test_the_very_moment_of_the_birth_is_before_it_as_everywhere():
    one = rules(ClosedPolicy.PREVIOUS_BUSINESS_DAY)
    friday = NINE - DAY
    for born, count in ((friday - timedelta(microseconds=1), 0), (friday, 1)):
        found = plan(replace(one, born=born), after=born, until=BORN + 3 * DAY, now=born)
        assert len(found.skips) == count


def test_a_window_that_holds_beyond_the_birth_brings_nothing_back():
    held = Window(NINE - DAY - HOUR, NINE, WindowMode.HOLD, "Move", None)
    found = planned(rules(ClosedPolicy.PREVIOUS_BUSINESS_DAY, windows=book_of((held,), ())))
    assert [skip.first_at for skip in found.skips] == [NINE]
    assert all(run.named.scheduled > NINE for run in found.runs)


def test_an_occurrence_that_moves_later_or_stays_is_not_concerned():
    assert not planned(rules(ClosedPolicy.NEXT_BUSINESS_DAY)).skips
    assert not planned(replace(rules(BACKWARDS[0]), opening=None)).skips
    [skip] = planned(rules(ClosedPolicy.SKIP)).skips
    assert (skip.first_at, skip.cause, skip.reason) == (NINE, "closed", "Saturday")
