"""A plan costs little, whatever a template asks for, and never leaves the calendar."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from templates_app.calendars.calendar_set import CalendarSet, parse_calendar
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.calendars.windows import Window, WindowMode
from templates_app.planning.plan import MERGED, Plan, plan
from templates_app.planning.rules import LOOK_BACK, Rules
from templates_app.planning.window_book import book_of
from templates_app.planning.work import MOST_WORK
from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import BEGINNING, END

NOW = datetime(2026, 6, 3, 12)  # noqa: DTZ001 - naive UTC; a Wednesday
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
DAILY = {"kind": "daily", "times": ["09:00"], "timezone": "UTC"}
YEARLY = {"kind": "yearly", "months": [1], "days": [1], "times": ["09:00"], "timezone": "UTC"}
HOURLY = {"kind": "cron", "expression": "0 * * * *", "timezone": "UTC"}
SECONDLY = {"kind": "cron", "expression": "* * * * * *", "timezone": "UTC"}
ALWAYS = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
WEEKEND = {"weekdays": ["sa", "su"]}
A_MINUTE = {"hours": {"mo": [["09:00", "09:01"]]}}
POLICIES = list(ClosedPolicy)


def calendars(document: Any) -> tuple[CalendarSet, ...]:
    return (parse_calendar(document, "C"),) if document else ()


def rules(
    recurrence: Any,
    policy: str = "skip",
    *,
    avoid: Any = None,
    keep_to: Any = None,
    windows: tuple[Window, ...] = (),
) -> Rules:
    parsed = parse(recurrence, seed="x")
    opens = None
    if avoid or keep_to:
        opens = opening(calendars(avoid), calendars(keep_to), parsed.zone)
    return Rules(
        recurrence=parsed,
        seed="x",
        opening=opens,
        on_closed=ClosedPolicy(policy),
        windows=book_of(windows, ()),
    )


def to_the_end(one: Rules, **fields: Any) -> Plan:
    return plan(one, **{"after": NOW, "until": END, "now": NOW, "most": 20, **fields})


class Counted:
    """Calendars that count how often they are asked."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.asked = 0

    def is_open(self, *args: Any) -> bool:
        self.asked += 1
        return bool(self.inner.is_open(*args))

    def move(self, *args: Any) -> Any:
        self.asked += 1
        return self.inner.move(*args)

    def open_from(self, *args: Any) -> Any:
        self.asked += 1
        return self.inner.open_from(*args)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("recurrence", [DAILY, YEARLY, HOURLY, SECONDLY])
def test_calendars_that_never_open_end_a_plan_without_end(recurrence: Any, policy: str) -> None:
    found = to_the_end(rules(recurrence, policy, avoid=ALWAYS))
    assert found.runs == ()
    assert found.shut
    assert {skip.cause for skip in found.skips} == {"closed"}
    assert found.examined_to < NOW + 12 * 366 * DAY


def test_calendar_that_opens_after_years_is_waited_for() -> None:
    later = {"dates": [{"from": "2029-01-01", "to": "2029-01-03"}]}
    found = to_the_end(rules(DAILY, keep_to=later))
    assert [run.run_at.isoformat() for run in found.runs] == [
        "2029-01-01T09:00:00",
        "2029-01-02T09:00:00",
        "2029-01-03T09:00:00",
    ]
    assert found.shut  # and after them for good


@pytest.mark.parametrize("policy", POLICIES)
def test_plan_at_the_end_of_time_does_not_leave_the_calendar(policy: str) -> None:
    for recurrence in (DAILY, YEARLY, HOURLY):
        late = END - 2 * DAY
        found = plan(rules(recurrence, policy, avoid=ALWAYS), after=late, until=END, now=late)
        assert found.runs == ()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("window", [False, True])
def test_looking_back_from_the_beginning_of_time_stays_on_the_calendar(
    policy: str, window: bool
) -> None:
    hold = (Window(NOW, NOW + DAY, WindowMode.HOLD),) if window else ()
    one = rules({**DAILY, "jitter": 60}, policy, avoid=WEEKEND, windows=hold)
    assert one.looking_back(datetime.min) >= BEGINNING  # noqa: DTZ901 - naive UTC
    assert NOW - LOOK_BACK <= one.looking_back(NOW) <= NOW


def test_jitter_is_looked_back_upon() -> None:
    late = rules({**DAILY, "jitter": 3600})
    assert late.looking_back(NOW) == NOW - timedelta(hours=1)
    assert rules(DAILY).looking_back(NOW) == NOW


@pytest.mark.parametrize("policy", POLICIES)
def test_every_second_with_one_open_minute_a_week_asks_calendars_seldom(policy: str) -> None:
    one = rules(SECONDLY, policy, keep_to=A_MINUTE)
    counted = Counted(one.opening)
    object.__setattr__(one, "opening", counted)
    found = to_the_end(one)
    assert found.full
    assert counted.asked < MOST_WORK / 5


def test_full_plan_goes_on_where_it_stopped_and_comes_to_the_same() -> None:
    one = rules(SECONDLY, "next_open", keep_to=A_MINUTE)
    after, steps, runs = NOW, 0, 0
    until = datetime(2026, 6, 8, 9, 0, 59)  # noqa: DTZ001 - naive UTC; a Monday
    while True:
        found = plan(one, after=after, until=until, now=NOW)
        runs += len(found.runs)
        steps += 1
        if not found.full:
            break
        assert found.examined_to > after
        after = found.examined_to
    assert 2 < steps < 10
    # The expander stores one job for each moment: that of 09:00:00 is found again by each piece.
    assert runs - (steps - 1) == 60


def test_a_smaller_account_stops_earlier() -> None:
    whole = to_the_end(rules(SECONDLY, keep_to=A_MINUTE))
    half = to_the_end(rules(SECONDLY, keep_to=A_MINUTE), work=MOST_WORK // 2)
    assert half.full
    assert NOW < half.examined_to < whole.examined_to


def test_what_waits_for_an_opening_is_merged_as_one_row() -> None:
    found = plan(
        rules(HOURLY, "next_open", avoid=WEEKEND),
        after=NOW + 2 * DAY,
        until=NOW + 5 * DAY,
        now=NOW + 2 * DAY,
    )
    monday = datetime(2026, 6, 8)  # noqa: DTZ001 - naive UTC
    [moved] = [run for run in found.runs if run.note]
    assert (moved.occurrence_at, moved.note) == (monday, "Moved from Sat 6 Jun 00:00: Saturday.")
    assert moved.named.scheduled == monday - 2 * DAY
    [row] = found.skips
    assert (row.count, row.cause, row.reason, row.last_at) == (48, "merged", MERGED, monday)


def test_moved_into_a_skipping_window_is_skipped_for_the_window() -> None:
    monday = datetime(2026, 6, 8)  # noqa: DTZ001 - naive UTC
    cut = (Window(monday, monday + timedelta(minutes=30), WindowMode.SKIP, "Cut"),)
    found = plan(
        rules(HOURLY, "next_open", avoid=WEEKEND, windows=cut),
        after=NOW + 2 * DAY,
        until=NOW + 5 * DAY,
        now=NOW + 2 * DAY,
    )
    assert {(row.cause, row.count) for row in found.skips} == {("window", 49)}
    assert monday not in {run.occurrence_at for run in found.runs}


def test_dense_moves_into_a_held_opening_are_released_in_bounded_work() -> None:
    monday = datetime(2026, 6, 8, 9)  # noqa: DTZ001 - naive UTC
    hold = (Window(monday - timedelta(hours=1), monday + timedelta(hours=1), WindowMode.HOLD),)
    one = rules(SECONDLY, "next_business_day", keep_to=A_MINUTE, windows=hold)
    counted = Counted(one.opening)
    object.__setattr__(one, "opening", counted)
    found = plan(one, after=monday - SECOND, until=monday + 58 * SECOND, now=monday - SECOND)
    assert {run.run_at >= monday + timedelta(hours=1) for run in found.runs} == {True}
    assert counted.asked < MOST_WORK
