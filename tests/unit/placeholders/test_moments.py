"""Date arithmetic where the clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.placeholders.moments import PERIODS, Span, end_of, shifted, start_of

ZONES = (
    *("Europe/Madrid", "Australia/Lord_Howe", "America/Sao_Paulo", "America/Havana", "Asia/Beirut"),
    *("Pacific/Apia", "Antarctica/Troll", "Asia/Kathmandu", "UTC"),
)
MOMENTS = st.builds(
    lambda instant, zone: instant.replace(tzinfo=UTC, microsecond=0).astimezone(ZoneInfo(zone)),
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - a bound of naive draws
    st.sampled_from(ZONES),
)


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone))


@pytest.mark.parametrize(
    ("start", "zone", "span", "expected"),
    [
        ("2026-03-28T02:30+01:00", "Europe/Madrid", Span(days=1), "2026-03-29T03:30:00+02:00"),
        (
            "2026-03-28T02:30+01:00",
            "Europe/Madrid",
            Span(seconds=86_400),
            "2026-03-29T03:30:00+02:00",
        ),
        ("2026-03-28T09:00+01:00", "Europe/Madrid", Span(days=1), "2026-03-29T09:00:00+02:00"),
        (
            "2026-03-28T09:00+01:00",
            "Europe/Madrid",
            Span(seconds=86_400),
            "2026-03-29T10:00:00+02:00",
        ),
        ("2026-10-24T02:30+02:00", "Europe/Madrid", Span(days=1), "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:30+01:00", "Europe/Madrid", Span(seconds=60), "2026-10-25T02:31:00+01:00"),
        (
            "2026-10-25T02:30+02:00",
            "Europe/Madrid",
            Span(seconds=3600),
            "2026-10-25T02:30:00+01:00",
        ),
        ("2011-12-29T12:00-10:00", "Pacific/Apia", Span(days=1), "2011-12-31T12:00:00+14:00"),
        ("2024-02-29T12:00+00:00", "UTC", Span(months=12), "2025-02-28T12:00:00+00:00"),
        ("2024-01-31T12:00+00:00", "UTC", Span(months=1, days=1), "2024-03-01T12:00:00+00:00"),
    ],
)
def test_calendar_units_follow_the_wall_and_hours_the_stopwatch(start, zone, span, expected):
    assert shifted(at(start, zone), span).isoformat() == expected


@pytest.mark.parametrize(
    ("moment", "zone", "period", "start", "end"),
    [
        # Midnight is skipped.
        ("2018-11-04T12:00-02:00", "America/Sao_Paulo", "day", "2018-11-04T01:00:00-02:00", "2018-11-04T23:59:59-02:00"),
        ("2018-11-03T12:00-03:00", "America/Sao_Paulo", "day", "2018-11-03T00:00:00-03:00", "2018-11-03T23:59:59-03:00"),
        # 23:00 to midnight occurs twice.
        ("2018-02-17T12:00-02:00", "America/Sao_Paulo", "day", "2018-02-17T00:00:00-02:00", "2018-02-17T23:59:59-03:00"),
        # 02:00 to 03:00 occurs twice: each pass is an hour of its own.
        ("2026-10-25T02:30+02:00", "Europe/Madrid", "hour", "2026-10-25T02:00:00+02:00", "2026-10-25T02:59:59+02:00"),
        ("2026-10-25T02:30+01:00", "Europe/Madrid", "hour", "2026-10-25T02:00:00+01:00", "2026-10-25T02:59:59+01:00"),
        # Half an hour, and the hour on the wall takes ninety minutes, or thirty.
        ("2026-04-05T01:45+11:00", "Australia/Lord_Howe", "hour", "2026-04-05T01:00:00+11:00", "2026-04-05T01:59:59+10:30"),
        ("2026-04-05T01:45+10:30", "Australia/Lord_Howe", "hour", "2026-04-05T01:00:00+11:00", "2026-04-05T01:59:59+10:30"),
        ("2026-10-04T02:45+11:00", "Australia/Lord_Howe", "hour", "2026-10-04T02:30:00+11:00", "2026-10-04T02:59:59+11:00"),
        # A whole day is skipped.
        ("2011-12-29T12:00-10:00", "Pacific/Apia", "day", "2011-12-29T00:00:00-10:00", "2011-12-29T23:59:59-10:00"),
        ("2011-12-29T12:00-10:00", "Pacific/Apia", "year", "2011-01-01T00:00:00-10:00", "2011-12-31T23:59:59+14:00"),
    ],
)  # fmt: skip
def test_a_period_is_what_the_wall_shows(moment, zone, period, start, end):
    assert start_of(at(moment, zone), period).isoformat() == start
    assert end_of(at(moment, zone), period).isoformat() == end


@settings(deadline=None)
@given(MOMENTS, st.sampled_from(PERIODS))
def test_a_moment_lies_within_its_period_and_the_next_second_in_another(moment, period):
    start, end = start_of(moment, period), end_of(moment, period)
    instant = moment.astimezone(UTC)
    assert start.astimezone(UTC) <= instant <= end.astimezone(UTC)
    after = (end.astimezone(UTC) + timedelta(seconds=1)).astimezone(moment.tzinfo)
    before = (start.astimezone(UTC) - timedelta(seconds=1)).astimezone(moment.tzinfo)
    assert start_of(after, period) == after
    assert end_of(before, period) == before
    assert start_of(end, period).astimezone(UTC) == start.astimezone(UTC)
    assert end_of(start, period).astimezone(UTC) == end.astimezone(UTC)


@settings(deadline=None)
@given(MOMENTS, st.integers(-400, 400))
def test_days_keep_the_time_on_the_wall_unless_it_does_not_exist(moment, days):
    wall = moment.replace(tzinfo=None, fold=0) + timedelta(days=days)
    moved = shifted(moment, Span(days=days)).replace(tzinfo=None, fold=0)
    gap = wall.replace(tzinfo=moment.tzinfo, fold=1).utcoffset() != (
        wall.replace(tzinfo=moment.tzinfo).utcoffset()
    )
    assert moved == wall or (gap and moved > wall) or days == 0


@settings(deadline=None)
@given(MOMENTS, st.integers(-10_000_000, 10_000_000))
def test_seconds_are_elapsed_time(moment, seconds):
    moved = shifted(moment, Span(seconds=seconds)).astimezone(UTC)
    assert moved - moment.astimezone(UTC) == timedelta(seconds=seconds)
