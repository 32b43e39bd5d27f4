from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import Rule, parse_rule

from . import oracle
from .strategies import STARTS, rules

UTC = ZoneInfo("UTC")


def parsed(text: str, start: datetime) -> Rule | None:
    """The rule, or None for one that never fires."""
    try:
        return parse_rule(text, dtstart=start, zone=UTC)
    except RecurrenceError as fault:
        if fault.code != "never":
            raise
        return None


def expect_agreement(text: str, start: datetime, span: timedelta) -> None:
    end = start + span
    rule = parsed(text, start)
    told = (
        []
        if rule is None
        else list(takewhile(lambda at: at.date() <= end.date(), rule.walls(start)))
    )
    assert told == list(oracle.occurrences(text, start, end.date()))


@settings(max_examples=150, deadline=None)
@given(rules("YEARLY", "MONTHLY"), STARTS)
def test_yearly_and_monthly_rules_agree_with_brute_force(text: str, start: datetime) -> None:
    expect_agreement(text, start, timedelta(1_500))


@settings(max_examples=120, deadline=None)
@given(rules("WEEKLY", "DAILY"), STARTS)
def test_weekly_and_daily_rules_agree_with_brute_force(text: str, start: datetime) -> None:
    expect_agreement(text, start, timedelta(500))


@settings(max_examples=120, deadline=None)
@given(rules("HOURLY", "MINUTELY"), STARTS)
def test_hourly_and_minutely_rules_agree_with_brute_force(text: str, start: datetime) -> None:
    expect_agreement(text, start, timedelta(2))


@settings(max_examples=15, deadline=None)
@given(rules("SECONDLY"), STARTS)
def test_secondly_rules_agree_with_brute_force(text: str, start: datetime) -> None:
    expect_agreement(text, start, timedelta(1))


@settings(max_examples=150, deadline=None)
@given(
    rules("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"),
    STARTS,
    st.integers(0, 30),
    st.floats(0, 1),
)
def test_the_next_time_is_the_same_from_every_start_since_the_one_before(
    text: str, start: datetime, skipped: int, share: float
) -> None:
    rule = parsed(text, start)
    if rule is None:
        return
    stream = rule.walls(start)
    times = [at for at, _ in zip(stream, range(skipped + 2), strict=False)]
    if len(times) < 2:
        return
    before, after = times[-2:]
    gap = int((after - before).total_seconds())
    asked = before + timedelta(seconds=1 + int(share * (gap - 1)))
    assert next(rule.walls(asked)) == after
    assert next(rule.walls(asked - timedelta(microseconds=1))) == after


@settings(max_examples=100, deadline=None)
@given(rules("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"), STARTS, st.integers(1, 60))
def test_count_ends_a_rule_after_so_many_times_wherever_it_is_entered(
    text: str, start: datetime, count: int
) -> None:
    endless = parsed(text, start)
    if endless is None:
        return
    expected = [at for at, _ in zip(endless.walls(start), range(count), strict=False)]
    counted = parse_rule(f"{text};COUNT={count}", dtstart=start, zone=UTC)
    assert list(counted.walls(start)) == expected
    middle = expected[len(expected) // 2]
    assert list(counted.walls(middle)) == [at for at in expected if at >= middle]
    assert list(counted.walls(expected[-1] + timedelta(seconds=1))) == []


@settings(max_examples=60, deadline=None)
@given(rules("YEARLY", "MONTHLY", "WEEKLY", "DAILY"), STARTS)
def test_the_calendar_repeats_four_hundred_years_on(text: str, start: datetime) -> None:
    """146,097 days are whole weeks and hold 4,800 months, so rules at interval 1 repeat."""
    rule = parsed(text, start)
    if rule is None or "INTERVAL" in text:
        return
    far = timedelta(146_097)
    near = [at for at, _ in zip(rule.walls(start + timedelta(366)), range(20), strict=False)]
    later = [at for at, _ in zip(rule.walls(start + timedelta(366) + far), range(20), strict=False)]
    assert [at - far for at in later] == near
