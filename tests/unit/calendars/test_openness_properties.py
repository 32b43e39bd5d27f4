"""Openness against a plain reading of the definition, minute by minute."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.calendars.calendar_set import parse_calendar
from templates_app.calendars.definition import WEEKDAYS
from templates_app.calendars.openness import ClosedPolicy, Opening, Outcome
from templates_app.recurrence.zones import find_zone

MINUTE = timedelta(minutes=1)
REACH = 30 * 60
# A zone and an instant near a change of its clocks; midnight changes and odd lengths among them.
CHANGES = [
    ("Europe/Madrid", "2026-03-29T01:00"),
    ("Europe/Madrid", "2026-10-25T01:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Antarctica/Troll", "2026-10-25T01:00"),
    ("America/Havana", "2026-03-08T05:00"),
    ("America/Havana", "2026-11-01T05:00"),
    ("America/St_Johns", "2006-10-29T02:31"),
    ("Asia/Beirut", "2026-10-24T21:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Asia/Kolkata", "2026-07-01T00:00"),
]


def holds(document, local: datetime, instant: datetime) -> bool:
    """Tell whether a set holds a time, read straight from its JSON."""
    if "except" in document and holds(document["except"], local, instant):
        return False
    if local.date().isoformat() in document.get("dates", []):
        return True
    if WEEKDAYS[local.weekday()] in document.get("weekdays", []):
        return True
    clock = f"{local:%H:%M}"
    yesterday = WEEKDAYS[local.weekday() - 1]
    for day, ranges in document.get("hours", {}).items():
        for start, end in ranges:
            today = day == WEEKDAYS[local.weekday()]
            if today and start <= clock and (clock < end or end <= start):
                return True
            if day == yesterday and end <= start and clock < end:
                return True
    for span in document.get("spans", []):
        start, end = (datetime.fromisoformat(span[key]) for key in ("from", "to"))
        now = local.replace(fold=0) if start.tzinfo is None else instant.replace(tzinfo=UTC)
        if start <= now < end:
            return True
    return any(holds(one, local, instant) for one in document.get("any_of", []))


@st.composite
def definitions(draw, around: datetime, depth: int = 1):
    """Draw a definition whose edges lie within days of an instant."""
    document: dict[str, object] = {}
    days = [(around + timedelta(days=n)).date().isoformat() for n in range(-3, 4)]
    clocks = st.integers(0, 143).map(lambda n: f"{n // 6:02d}:{n % 6}0")
    ranges = st.tuples(clocks, clocks).filter(lambda ends: ends[0] != ends[1] != "00:00").map(list)
    kinds = draw(st.sets(st.sampled_from(["dates", "weekdays", "hours", "spans"]), min_size=1))
    if "dates" in kinds:
        document["dates"] = draw(st.lists(st.sampled_from(days), min_size=1, max_size=3))
    if "weekdays" in kinds:
        document["weekdays"] = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3))
    if "hours" in kinds:
        weekday = st.sampled_from(WEEKDAYS)
        hours = st.dictionaries(weekday, st.lists(ranges, min_size=1, max_size=2), min_size=1)
        document["hours"] = draw(hours)
    if "spans" in kinds:
        document["spans"] = draw(st.lists(spans(around), min_size=1, max_size=3))
    if depth and draw(st.booleans()):
        document["except"] = draw(definitions(around, depth - 1))
    if depth and draw(st.booleans()):
        document["any_of"] = [draw(definitions(around, depth - 1))]
    return document


@st.composite
def spans(draw, around: datetime):
    """Draw a span, with or without an offset."""
    start = around + draw(st.integers(-2000, 2000)) * MINUTE
    end = start + draw(st.integers(1, 1500)) * MINUTE
    offset = draw(st.sampled_from(["", "+00:00"]))
    return {"from": f"{start:%Y-%m-%dT%H:%M}{offset}", "to": f"{end:%Y-%m-%dT%H:%M}{offset}"}


@st.composite
def cases(draw):
    """Draw what a template avoids and keeps to, and an occurrence near a change of clocks."""
    name, moment = draw(st.sampled_from(CHANGES))
    zone = find_zone(name)
    change = datetime.fromisoformat(moment)
    avoid = draw(st.lists(definitions(change), max_size=2))
    keep_to = draw(st.lists(definitions(change), max_size=2))
    instant = change + timedelta(seconds=draw(st.integers(-90_000, 90_000)))
    opening = Opening(
        tuple(parse_calendar(one) for one in avoid),
        tuple(parse_calendar(one) for one in keep_to),
        zone,
    )

    def is_open(moment: datetime) -> bool:
        local = zone.aware(moment).replace(tzinfo=None)
        kept = all(holds(one, local, moment) for one in keep_to)
        return kept and not any(holds(one, local, moment) for one in avoid)

    return opening, instant, is_open


@settings(max_examples=100, deadline=None)
@given(cases())
def test_open_and_closed_agree_with_a_plain_reading(case):
    opening, instant, is_open = case
    for minute in range(0, 600, 7):
        moment = instant + minute * MINUTE
        local = opening.zone.aware(moment).replace(tzinfo=None)
        assert opening.is_open(local) == is_open(moment)
        assert (opening.closed_reason(local, moment) is None) == is_open(moment)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_next_open_is_the_least_open_minute(case):
    opening, instant, is_open = case
    local = opening.zone.aware(instant).replace(tzinfo=None)
    moved = opening.move(local, ClosedPolicy.NEXT_OPEN)
    whole = instant.replace(second=0)
    expected = next((at for at in (whole + n * MINUTE for n in range(REACH)) if is_open(at)), None)
    if moved.outcome is Outcome.KEPT:
        assert is_open(instant)
    elif expected is None:
        assert moved.instant is None or moved.instant >= whole + REACH * MINUTE
        assert moved.instant is None or is_open(moved.instant)
    else:
        assert moved.instant == expected
        assert moved.local == opening.zone.local(expected)
        assert opening.is_open(moved.local)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_previous_open_is_the_last_open_minute(case):
    opening, instant, is_open = case
    local = opening.zone.aware(instant).replace(tzinfo=None)
    moved = opening.move(local, ClosedPolicy.PREVIOUS_OPEN)
    whole = instant.replace(second=0)
    expected = next(
        (at for at in (whole - n * MINUTE for n in range(1, REACH)) if is_open(at)), None
    )
    if moved.outcome is Outcome.KEPT:
        assert is_open(instant)
    elif expected is None:
        assert moved.instant is None or moved.instant <= whole - REACH * MINUTE
        assert moved.instant is None or is_open(moved.instant)
    else:
        assert moved.instant == expected
        assert opening.is_open(moved.local)


@settings(max_examples=40, deadline=None)
@given(cases(), st.sampled_from([1, -1]))
def test_a_business_day_is_the_nearest_on_which_the_wall_time_is_open(case, step):
    opening, instant, _ = case
    local = opening.zone.aware(instant).replace(tzinfo=None)
    later = step == 1
    policy = ClosedPolicy.NEXT_BUSINESS_DAY if later else ClosedPolicy.PREVIOUS_BUSINESS_DAY
    moved = opening.move(local, policy)
    if moved.outcome is Outcome.MOVED:
        assert moved.local.time() == local.time()
        assert opening.is_open(moved.local)
        days = abs((moved.local.date() - local.date()).days)
        between = (local.replace(fold=0) + step * timedelta(days=n) for n in range(1, days))
        assert not any(opening.is_open(day) for day in between)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_an_open_stretch_is_open_until_its_end(case):
    opening, instant, is_open = case
    end = opening.open_until(instant)
    if end is None:
        end = instant + REACH * MINUTE
    else:
        assert not is_open(end)
    whole = instant.replace(second=0)
    minutes = min((end - whole) // MINUTE, REACH) if end > instant else 0
    assert all(is_open(whole + n * MINUTE) for n in range(minutes))
