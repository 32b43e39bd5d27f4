"""Where recurrences begin and end: `starts_at`, `ends_at`, counts, jitter, the calendar's edges."""

import struct
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pytest

from templates_app.recurrence import zones
from templates_app.recurrence.counting import nth
from templates_app.recurrence.parse import parse
from templates_app.recurrence.schedules import Elapsed, ListedWalls
from templates_app.recurrence.zones import MOST_YEARS, Zone, find_zone
from tenants.zone_names import known_time_zones

START = datetime(2026, 1, 1, tzinfo=UTC)
NINE = {"kind": "daily", "times": ["09:00"], "timezone": "Europe/Madrid"}
FAR_FORWARD, FAR_BACK = timedelta(hours=14), timedelta(hours=-10)


@pytest.mark.parametrize("seed", ["a", "b", "q", "x7"])
def test_jitter_does_not_pass_the_end(seed: str) -> None:
    end = "2026-01-03T09:30:00+01:00"
    recurrence = parse({**NINE, "jitter": 36_000, "ends_at": end}, seed=seed)
    found = list(recurrence.occurrences(START))
    assert len(found) == 3
    assert found[-1].scheduled < found[-1].at <= datetime.fromisoformat(end)
    assert recurrence.next(found[1].at) == found[2]
    assert recurrence.next(found[2].at) is None


def test_jitter_of_the_last_counted_occurrence_is_not_cut() -> None:
    counted = {**NINE, "jitter": 7_200, "starts_at": "2026-01-01T00:00:00"}
    free = parse(counted, seed="q")
    third = [
        one.at for one in parse({**counted, "max_occurrences": 3}, seed="q").occurrences(START)
    ]
    assert third == [one.at for one in free.occurrences(START, limit=3)]


@pytest.mark.parametrize("step", [1, 59, 3_600, 86_400, 31_536_000])
@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_the_nth_elapsed_step_is_the_one_that_a_walk_comes_to(step: int, count: int) -> None:
    schedule = Elapsed(datetime(2026, 1, 1), timedelta(seconds=step), find_zone("Europe/Madrid"))
    for after in (datetime(2020, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 30)):
        walk = schedule.moments(after)
        walked = [moment.scheduled for moment, _ in zip(walk, range(count), strict=False)][-1]
        assert schedule.nth(after, count) == walked


def test_the_nth_elapsed_step_beyond_the_calendar_is_none() -> None:
    century = Elapsed(datetime(2026, 1, 1), timedelta(days=36_500), find_zone("UTC"))
    assert century.nth(datetime(2025, 1, 1), 79) is not None
    assert century.nth(datetime(2025, 1, 1), 100_000) is None


@pytest.mark.parametrize(
    ("document", "count"),
    [
        (NINE, 400),
        ({"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Madrid"}, 400),
        ({"kind": "interval", "every": 90, "unit": "minutes", "timezone": "UTC"}, 50),
    ],
)
def test_a_count_ends_after_so_many_that_run(document: dict[str, Any], count: int) -> None:
    bounded = {**document, "dst_gap": "skip", "starts_at": "2026-01-01T00:00:00"}
    counted = parse({**bounded, "max_occurrences": count})
    found = [one.at for one in counted.occurrences(START - timedelta(days=9))]
    assert found == [
        one.at for one in parse(bounded).occurrences(START, limit=count, inclusive=True)
    ]


def test_counting_stops_after_five_centuries() -> None:
    leap_mondays = {"kind": "cron", "expression": "0 0 29 2 1", "day_match": "and"}
    recurrence = parse({**leap_mondays, "starts_at": "2026-01-01", "max_occurrences": 100_000})
    assert recurrence.last is None
    assert recurrence.next(datetime(2600, 1, 1, tzinfo=UTC)) is not None


def test_counting_begins_in_any_year() -> None:
    late = parse({**NINE, "starts_at": "9000-01-01T00:00:00", "max_occurrences": 2})
    assert [one.at.date().isoformat() for one in late.occurrences(START)] == [
        "9000-01-01",
        "9000-01-02",
    ]


def test_counting_looks_no_further_than_the_end() -> None:
    class Watched:
        def __init__(self) -> None:
            self.yielded = 0

        def moments(self, after: datetime) -> Any:
            for moment in parse(NINE).moments(after):
                self.yielded += 1
                yield moment

    watched = Watched()
    assert nth(watched, datetime(2026, 1, 1), 90_000, until=datetime(2026, 1, 5)) is None
    assert watched.yielded == 5


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Honolulu", "Europe/Madrid"]
)
@pytest.mark.parametrize(
    "document",
    [
        NINE,
        {"kind": "cron", "expression": "*/7 * * * *"},
        {"kind": "interval", "every": 1, "unit": "hours"},
        {"kind": "daily", "times": ["00:00", "23:00"], "jitter": 600},
    ],
)
def test_any_instant_that_python_knows_can_be_asked_from(
    document: dict[str, Any], zone: str
) -> None:
    recurrence = parse({**document, "timezone": zone})
    for offset in (FAR_FORWARD, timedelta(0), FAR_BACK):
        first = datetime.fromisoformat("0001-01-01T00:00:00").replace(tzinfo=timezone(offset))
        last = datetime.fromisoformat("9999-12-31T23:59:59").replace(tzinfo=timezone(offset))
        assert recurrence.next(first) is not None
        assert len(list(recurrence.occurrences(first, limit=2))) == 2
        assert list(recurrence.occurrences(first, first)) == []
        assert recurrence.previous(first) is None
        following = recurrence.next(last)
        assert following is None or (offset == FAR_FORWARD and following.at > last)
        assert list(recurrence.occurrences(last, last)) == []
        assert recurrence.previous(last) is not None


def test_the_last_second_of_the_calendar_is_reached() -> None:
    every_second = parse({"kind": "cron", "expression": "* * * * * *", "timezone": "UTC"})
    found = every_second.next(datetime(9999, 12, 31, 23, 59, 58, 999_999, tzinfo=UTC))
    assert found is not None
    assert found.at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_dates_are_entered_without_walking_those_before() -> None:
    listed = ListedWalls(tuple(datetime(year, 1, 1) for year in range(1901, 6_901)))
    assert next(listed.walls(datetime(6_000, 1, 1))) == datetime(6_000, 1, 1)
    assert next(listed.walls(datetime(6_000, 1, 2))) == datetime(6_001, 1, 1)
    assert list(listed.walls(datetime(6_900, 1, 2))) == []


def test_the_local_time_of_an_instant_needs_no_search_for_changes() -> None:
    zone = find_zone("America/Asuncion")
    zones._year.cache_clear()
    assert zone.local(datetime(2026, 7, 1, 12)) == datetime(2026, 7, 1, 9)
    assert zone.aware(datetime(2026, 7, 1, 12)).hour == 9
    assert zones._year.cache_info().currsize == 0


def test_no_more_than_some_thousand_years_of_changes_are_remembered() -> None:
    assert zones._year.cache_info().maxsize == MOST_YEARS <= 10_000


def test_a_change_that_is_taken_back_within_four_days_is_found() -> None:
    """As in Freetown in 1939, for those whose tzdata knows of it: 3 days, 23 hours 40 minutes."""
    forward = datetime(1939, 9, 1, 1)
    back = forward + timedelta(days=3, hours=23, minutes=40)
    zone = Zone("Test/Freetown", _zone_with_an_hour_more(forward, back))
    assert [stretch.start for stretch in zone.cut(1939)] == [datetime(1939, 1, 1), forward, back]


def _zone_with_an_hour_more(start: datetime, end: datetime) -> zoneinfo.ZoneInfo:
    """Write a TZif file (RFC 8536) of one there and back."""
    seconds = [int((at - datetime(1970, 1, 1)).total_seconds()) for at in (start, end)]
    counts = struct.pack(">6l", 0, 0, 0, len(seconds), 2, 8)
    types = struct.pack(">lbBlbB", 0, 0, 0, 3_600, 1, 4)
    body = struct.pack(">2l", *seconds) + bytes([1, 0]) + types + b"STD\0DST\0"
    return zoneinfo.ZoneInfo.from_file(BytesIO(b"TZif" + bytes(16) + counts + body))


@pytest.mark.parametrize("year", [2_128, 2_129, 2_400, 2_999, 5_500, 9_998, 9_999])
def test_far_years_have_the_changes_that_tzdata_rules(year: int) -> None:
    """Far years are not searched but taken from a year of the same shape."""
    step = timedelta(days=2, hours=7)
    for name in sorted(known_time_zones())[:: 1 if year == 2_400 else 9]:
        zone, info = find_zone(name), zoneinfo.ZoneInfo(name)
        at = datetime(year, 1, 1)
        while at < datetime(year, 12, 30):
            stretch = zone.stretch(at)
            real = at.replace(tzinfo=UTC).astimezone(info).utcoffset()
            assert stretch.offset == real, (name, at)
            assert stretch.start <= at < stretch.end
            at += step
