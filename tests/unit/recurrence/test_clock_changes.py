"""Clock changes: every zone of tzdata, every policy, against a walk over the instants."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import Any
from zoneinfo import _zoneinfo as readable  # type: ignore[attr-defined]

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import Occurrence, Recurrence
from templates_app.recurrence.zones import find_zone
from tenants.zone_names import known_time_zones

ZONES = sorted(known_time_zones())
# Half an hour, two hours, at midnight, over a day, twice a year for Ramadan, by a minute in 1979.
ODD = [
    ("Europe/Madrid", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2017),
    ("Antarctica/Troll", 2026),
    ("America/Santiago", 2026),
    ("Asia/Beirut", 2026),
    ("America/Nuuk", 2024),
    ("Africa/Cairo", 2026),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
    ("Asia/Pyongyang", 2015),
    ("America/Caracas", 2016),
    ("Asia/Amman", 2017),
    ("America/Havana", 2025),
    ("Pacific/Kiritimati", 1994),
    ("Europe/London", 1968),
    ("Asia/Gaza", 2026),
]
FIRST_CHECKED = 1990
GAPS = ("shift", "gap_end", "skip")
OVERLAPS = ("first", "second", "both")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def changes_of(name: str, year: int) -> list[tuple[datetime, timedelta, timedelta]]:
    """Return (naive UTC instant, offset before, offset after) as the engine finds them."""
    zone = find_zone(name)
    found = []
    at = datetime(year, 1, 1)
    while at.year == year:
        stretch = zone.stretch(at)
        if stretch.before != stretch.offset:
            found.append((stretch.start, stretch.before, stretch.offset))
        at = stretch.end
    return found


def distinct_zones() -> dict[str, Any]:
    """Return tzdata's zones whose tables differ, with what tzdata says of them."""
    found: dict[tuple[Any, ...], tuple[str, Any]] = {}
    for name in ZONES:
        info = readable.ZoneInfo.no_cache(name)
        table = (tuple(info._trans_utc), tuple(one.utcoff for one in info._ttinfos))
        found.setdefault(table, (name, info))
    return dict(found.values())


def test_every_change_of_every_zone_is_found() -> None:
    """tzdata's own table of transitions is the authority."""
    checked = 0
    for name, info in distinct_zones().items():
        wanted = []
        for seconds in info._trans_utc:
            at = datetime(1970, 1, 1) + timedelta(seconds=seconds)
            if FIRST_CHECKED <= at.year < 2037:
                before, after = offset_at(info, at - timedelta(seconds=1)), offset_at(info, at)
                if before != after:
                    wanted.append((at, before, after))
        years = sorted({at.year for at, _, _ in wanted})
        found = [change for year in years for change in changes_of(name, year)]
        last = max((at for at, _, _ in wanted), default=datetime.min)
        assert [one for one in found if one[0] <= last] == wanted, name
        checked += len(wanted)
    assert checked > 5_000


def in_utc(occurrence: Occurrence) -> datetime:
    """Return when it happens as naive UTC.

    Aware times of different zones are never equal within an overlap (PEP 495).
    """
    return occurrence.at.astimezone(UTC).replace(tzinfo=None)


def offset_at(info: Any, instant: datetime) -> timedelta:
    """Return a zone's offset at a naive UTC instant."""
    local = instant.replace(tzinfo=UTC).astimezone(info)
    offset = local.utcoffset()
    assert offset is not None
    return offset


def expected(
    name: str,
    change: tuple[datetime, timedelta, timedelta],
    walls: list[datetime],
    gap: str,
    overlap: str,
) -> list[datetime]:
    """Say by the words of the policy when these wall times run, near one change; naive UTC."""
    at, before, after = change
    runs: set[datetime] = set()
    for wall in walls:
        first, second = wall - before, wall - after
        real = [one for one, stays in ((first, first < at), (second, second >= at)) if stays]
        if len(real) == 2:
            chosen = {"first": real[:1], "second": real[1:], "both": real}[overlap]
        elif real:
            chosen = real
        else:
            chosen = {"shift": [first], "gap_end": [at], "skip": []}[gap]
        runs.update(chosen)
    return sorted(runs)


CASES = [(name, year, change) for name, year in ODD for change in changes_of(name, year)]


def test_odd_zones_have_changes() -> None:
    assert {name for name, _, _ in CASES} == {name for name, _ in ODD}


@pytest.mark.parametrize(("gap", "overlap"), list(product(GAPS, OVERLAPS)))
@pytest.mark.parametrize(
    ("name", "year", "change"), CASES, ids=[f"{name}-{change[0]:%F}" for name, _, change in CASES]
)
def test_policy_does_what_it_says_around_a_change(
    name: str, year: int, change: tuple[datetime, timedelta, timedelta], gap: str, overlap: str
) -> None:
    at, before, after = change
    size = abs(after - before)
    start, end = at - size - 3 * HOUR, at + size + 3 * HOUR
    first_wall = start + before - size
    walls = [
        first_wall + n * 10 * MINUTE for n in range(int((6 * HOUR + 6 * size) / (10 * MINUTE)))
    ]
    walls = [wall.replace(minute=wall.minute // 10 * 10, second=0) for wall in walls]
    wanted = [one for one in expected(name, change, walls, gap, overlap) if start < one <= end]
    recurrence = parse(
        {
            "kind": "cron",
            "expression": "*/10 * * * *",
            "timezone": name,
            "dst_gap": gap,
            "dst_overlap": overlap,
        }
    )
    found = recurrence.occurrences(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
    assert [in_utc(one) for one in found] == wanted
    # The same from every start between: what is due next does not depend on when one asks.
    for earlier, later in pairwise([start, *wanted]):
        for asked in (earlier, earlier + (later - earlier) / 2):
            upcoming = recurrence.next(asked.replace(tzinfo=UTC))
            assert upcoming is not None
            assert in_utc(upcoming) == later


@pytest.mark.parametrize("name", [name for name, _ in ODD])
def test_named_time_runs_once_a_day_by_default(name: str) -> None:
    year = dict(ODD)[name]
    for hour, minute in ((0, 0), (0, 30), (1, 30), (2, 30), (3, 0), (23, 45)):
        recurrence = parse({"kind": "daily", "times": [f"{hour:02}:{minute:02}"], "timezone": name})
        start = datetime(year, 1, 1, tzinfo=UTC)
        found = list(recurrence.occurrences(start, limit=364))
        nominal = [one.nominal.date() for one in found]
        days = set(nominal)
        assert len(days) == len(nominal)
        assert (max(days) - min(days)).days + 1 - len(days) <= 1  # Samoa's missing day merges


@pytest.mark.parametrize("name", [name for name, _ in ODD])
def test_repetition_keeps_its_rhythm_by_default(name: str) -> None:
    """Every full quarter of an hour of real time that the wall clock shows, none twice."""
    year = dict(ODD)[name]
    recurrence = parse({"kind": "cron", "expression": "*/15 * * * *", "timezone": name})
    for at, before, after in changes_of(name, year):
        if (after - before) % timedelta(minutes=15):
            continue
        start, end = at - 5 * HOUR, at + 5 * HOUR
        found = [
            in_utc(one)
            for one in recurrence.occurrences(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
        ]
        gaps = {later - earlier for earlier, later in pairwise(found)}
        assert gaps == {timedelta(minutes=15)}, (name, at, gaps)


moments = st.datetimes(datetime(1975, 1, 1), datetime(2090, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
documents = st.sampled_from(
    [
        {"kind": "cron", "expression": "*/7 * * * *"},
        {"kind": "cron", "expression": "30 0-3 * * *"},
        {"kind": "cron", "expression": "*/20 1,2 * * *", "dst_overlap": "both"},
        {"kind": "cron", "expression": "15 2 * * SUN", "dst_gap": "gap_end"},
        {"kind": "cron", "expression": "45 23 L * *", "dst_overlap": "second"},
        {"kind": "daily", "times": ["00:30", "01:30", "02:30"], "dst_gap": "skip"},
        {"kind": "interval", "every": 90, "unit": "minutes", "anchor": "2001-01-01T00:10:00"},
        {"kind": "interval", "every": 3, "unit": "days", "anchor": "2001-01-01T02:30:00"},
        {"kind": "rrule", "dtstart": "1999-03-28T02:15:00", "rules": ["FREQ=HOURLY;INTERVAL=5"]},
        {"kind": "rrule", "dtstart": "1999-03-28T02:15:00", "rules": ["FREQ=WEEKLY;BYDAY=SU,MO"]},
    ]
)


@settings(max_examples=300, deadline=None)
@given(document=documents, name=st.sampled_from(ZONES), after=moments)
def test_every_zone_gives_times_that_only_go_forward(
    document: dict[str, Any], name: str, after: datetime
) -> None:
    recurrence = parse({**document, "timezone": name})
    found = [in_utc(one) for one in recurrence.occurrences(after, limit=12)]
    assert found
    assert found[0] > after.replace(tzinfo=None)
    assert all(earlier < later for earlier, later in pairwise(found))
    for earlier, later in pairwise(found):
        assert next_after(recurrence, earlier + (later - earlier) / 2) == later
        assert next_after(recurrence, later - timedelta(microseconds=1)) == later
    previous = recurrence.previous(found[-1].replace(tzinfo=UTC))
    assert previous is not None
    assert in_utc(previous) == found[-2]


def next_after(recurrence: Recurrence, instant: datetime) -> datetime | None:
    """Return what follows a naive UTC instant, as naive UTC."""
    upcoming = recurrence.next(instant.replace(tzinfo=UTC))
    return in_utc(upcoming) if upcoming is not None else None


@settings(max_examples=80, deadline=None)
@given(name=st.sampled_from(ZONES), year=st.integers(1975, 2040), document=documents)
def test_every_change_of_every_zone_keeps_the_order(
    name: str, year: int, document: dict[str, Any]
) -> None:
    recurrence = parse({**document, "timezone": name})
    for at, before, after in changes_of(name, year):
        size = abs(after - before)
        for shift in (-size, -MINUTE, timedelta(0), MINUTE, size / 2, size, size + MINUTE):
            asked = at + shift
            found = [in_utc(one) for one in recurrence.occurrences(utc(asked), limit=5)]
            assert found[0] > asked
            assert all(earlier < later for earlier, later in pairwise(found))
            # From before the change the same follows.
            from_afar = recurrence.occurrences(utc(asked - timedelta(days=3)), utc(found[-1]))
            assert [one for one in map(in_utc, from_afar) if one > asked] == found


def utc(instant: datetime) -> datetime:
    """Return a naive UTC instant as an aware one."""
    return instant.replace(tzinfo=UTC)


def test_the_locked_tzdata_is_used_and_not_the_machines() -> None:
    assert zoneinfo.TZPATH == ()
