"""The stream of wall-clock times."""

from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_app.recurrence.cron import parse_cron
from templates_app.recurrence.walls import Walls

START = datetime(2026, 11, 23, 3, 30, 17)


def test_cron_is_a_stream_of_walls() -> None:
    walls: Walls = parse_cron("0 9 * * *")

    assert next(walls.walls(START)) == datetime(2026, 11, 23, 9)


def test_start_itself_is_named() -> None:
    cron = parse_cron("17 30 3 * * *")

    assert list(islice(cron.walls(START), 2)) == [START, START + timedelta(days=1)]


def test_start_within_a_second_counts_from_the_next_second() -> None:
    cron = parse_cron("* * * * * *")

    assert next(cron.walls(START + timedelta(microseconds=1))) == START + timedelta(seconds=1)


def test_twenty_ninth_of_february_on_a_monday_may_be_forty_years_away() -> None:
    walls = parse_cron("0 0 29 2 MON", day_match="and").walls(datetime(2072, 3, 1))

    assert list(islice(walls, 3)) == [
        datetime(2112, 2, 29),
        datetime(2140, 2, 29),
        datetime(2168, 2, 29),
    ]


def test_century_years_are_common_years() -> None:
    walls = parse_cron("0 0 29 2 *").walls(datetime(2096, 3, 1))

    assert next(walls) == datetime(2104, 2, 29)


def test_years_are_kept_to() -> None:
    walls = parse_cron("0 0 12 24,31 12 ? 2027,2199").walls(START)

    assert list(walls) == [
        datetime(2027, 12, 24, 12),
        datetime(2027, 12, 31, 12),
        datetime(2199, 12, 24, 12),
        datetime(2199, 12, 31, 12),
    ]


def test_nothing_follows_the_last_year() -> None:
    cron = parse_cron("0 15 10 * * ? 2005")

    assert list(cron.walls(START)) == []
    assert next(cron.walls(datetime(2005, 12, 31))) == datetime(2005, 12, 31, 10, 15)


def test_stream_ends_with_the_calendar() -> None:
    last_second = datetime(9999, 12, 31, 23, 59, 59)

    assert list(parse_cron("* * * * * *").walls(last_second)) == [last_second]
    assert list(parse_cron("* * * * * *").walls(last_second.replace(microsecond=1))) == []
    assert list(parse_cron("0 0 29 2 *").walls(datetime(9996, 3, 1))) == []


def test_same_text_is_parsed_once() -> None:
    assert parse_cron("0 9 * * MON-FRI") is parse_cron("0 9 * * MON-FRI")


def test_schedule_cannot_be_changed() -> None:
    cron = parse_cron("0 9 * * *")

    with pytest.raises(FrozenInstanceError):
        cron.expression = "* * * * *"  # type: ignore[misc]
    assert hash(cron) == hash(parse_cron("0  9 * * *"))


EXPRESSIONS = [
    "* * * * *",
    "*/7 8-18/3 * * MON-FRI",
    "30 10,50 23-3/2 L-3W,15 * FRIL",
    "0 0 31 * *",
    "59 59 23 L 2/5 ?",
    "0 0 0 29 2 ? 2028-2100/4",
]


@given(
    st.sampled_from(EXPRESSIONS),
    st.datetimes(datetime(1970, 1, 1), datetime(2095, 1, 1)),
)
def test_stream_rises_and_does_not_depend_on_where_it_is_entered(
    expression: str, start: datetime
) -> None:
    cron = parse_cron(expression)
    walls = list(islice(cron.walls(start), 20))

    assert walls
    assert walls[0] >= start
    assert all(earlier < later for earlier, later in pairwise(walls))
    assert list(islice(cron.walls(start), 20)) == walls
    for earlier, later in pairwise(walls):
        assert next(cron.walls(earlier)) == earlier
        assert next(cron.walls(earlier + timedelta(microseconds=1))) == later
        assert next(cron.walls(later - timedelta(seconds=1))) in (
            later,
            later - timedelta(seconds=1),
        )
