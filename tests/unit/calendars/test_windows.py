"""Maintenance windows stop what falls into them and let go of it evenly."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.calendars.windows import (
    Stop,
    Window,
    WindowMode,
    Windows,
    phase_of,
    recurring,
)

NIGHT = datetime(2026, 5, 1, 22, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOLD, SKIP = WindowMode.HOLD, WindowMode.SKIP


def window(start: float, end: float, mode: WindowMode = HOLD, name: str = "", **more) -> Window:
    return Window(NIGHT + start * HOUR, NIGHT + end * HOUR, mode, name, **more)


def stop(windows: Windows, instant: datetime) -> Stop:
    found = windows.at(instant)
    assert found is not None
    return found


def test_a_window_stops_from_its_start_until_just_before_its_end():
    windows = Windows([window(0, 2, name="Move")])
    assert windows.at(NIGHT - MINUTE) is None
    assert stop(windows, NIGHT).until == NIGHT + 2 * HOUR
    assert stop(windows, NIGHT + 2 * HOUR - MINUTE).window.name == "Move"
    assert windows.at(NIGHT + 2 * HOUR) is None


@pytest.mark.parametrize("second", [window(1, 3), window(2, 3)])
def test_windows_that_overlap_or_touch_hold_until_the_last_ends(second):
    windows = Windows([second, window(0, 2), window(5, 6)])
    assert stop(windows, NIGHT).until == NIGHT + 3 * HOUR
    assert windows.held_range(NIGHT) == (NIGHT, NIGHT + 3 * HOUR)


def test_where_one_window_skips_and_one_holds_it_is_skipped():
    windows = Windows([window(0, 4), window(1, 2, SKIP, "Freeze")])
    assert stop(windows, NIGHT).mode is HOLD
    assert stop(windows, NIGHT + HOUR).mode is SKIP
    assert stop(windows, NIGHT + HOUR).window.name == "Freeze"
    assert stop(windows, NIGHT + 2 * HOUR).mode is HOLD


def test_windows_of_no_length_do_not_count():
    assert Windows([window(1, 1), window(2, 1)]).chains == ()
    assert Windows([]).releases("t", [NIGHT]) == []


@pytest.mark.parametrize(
    ("hours", "chosen", "span"),
    [
        (8, None, 15 * MINUTE),
        (0.5, None, 7.5 * MINUTE),
        (0.05, None, MINUTE),
        (8, HOUR, HOUR),
        (8, timedelta(0), MINUTE),
    ],
)
def test_a_release_takes_a_quarter_of_the_window_within_bounds(hours, chosen, span):
    assert window(0, hours, release_over=chosen).release_span == span


def test_held_occurrences_are_released_evenly_in_their_order():
    windows = Windows([window(0, 8, name="Move")])
    occurrences = [NIGHT + n * HOUR for n in range(-1, 10)]
    released = windows.releases("template-1", occurrences)
    assert [one.occurrence for one in released] == occurrences[1:9]
    end, phase = NIGHT + 8 * HOUR, phase_of("template-1")
    expected = [end + 15 * MINUTE * ((n + phase) / 8) for n in range(8)]
    assert [one.released_at for one in released] == expected
    assert {one.held_by for one in released} == {("Move",)}


def test_skipped_occurrences_are_not_released():
    windows = Windows([window(0, 4), window(1, 2, SKIP)])
    released = windows.releases("t", [NIGHT, NIGHT + HOUR, NIGHT + 2 * HOUR])
    assert [one.occurrence for one in released] == [NIGHT, NIGHT + 2 * HOUR]


def test_templates_are_spread_by_a_phase_that_never_changes():
    assert phase_of("7f0c1a52-9f6c-4d0e-8a6f-0d3c0e3f8a11") == 0.0016007444355636835
    phases = sorted(phase_of(str(n)) for n in range(1000))
    assert all(0 <= phase < 1 for phase in phases)
    tenths = [sum(n / 10 <= phase < (n + 1) / 10 for phase in phases) for n in range(10)]
    assert min(tenths) > 60


def test_a_release_that_would_fall_into_the_next_window_waits_for_its_end():
    windows = Windows([window(0, 4, name="First"), window(4.1, 5, SKIP, "Second"), window(9, 10)])
    occurrences = [NIGHT + n * MINUTE for n in range(0, 240, 30)]
    released = windows.releases("t", occurrences)
    assert [one.occurrence for one in released] == occurrences
    assert all(windows.at(one.released_at) is None for one in released)
    late = [one for one in released if one.released_at >= NIGHT + 5 * HOUR]
    assert 0 < len(late) < len(released)
    assert {one.held_by for one in late} == {("First", "Second")}
    assert windows.held_range(NIGHT + 4.5 * HOUR) == (NIGHT, NIGHT + 5 * HOUR)
    assert windows.held_range(NIGHT + 6 * HOUR) is None


def test_what_waits_from_before_goes_ahead_of_what_the_next_window_held():
    windows = Windows([window(0, 4, release_over=2 * HOUR), window(4.5, 6)])
    occurrences = [NIGHT + n * HOUR / 2 for n in range(12)]
    released = windows.releases("t", occurrences)
    held = [at for at in occurrences if windows.at(at)]
    assert [one.occurrence for one in released] == held
    assert [one.released_at for one in released] == sorted({one.released_at for one in released})


def test_a_recurring_window_opens_at_each_of_its_times():
    starts = [NIGHT, NIGHT + 24 * HOUR]
    windows = Windows(recurring(starts, 2 * HOUR, HOLD, name="Nightly"))
    assert [(chain.start, chain.end) for chain in windows.chains] == [
        (start, start + 2 * HOUR) for start in starts
    ]


minutes = st.integers(0, 600)
drawn = st.builds(
    lambda start, lasts, mode, over: Window(
        NIGHT + start * MINUTE, NIGHT + (start + lasts) * MINUTE, mode, "", over
    ),
    minutes,
    st.integers(1, 120),
    st.sampled_from(WindowMode),
    st.none() | st.integers(0, 300).map(lambda n: n * MINUTE),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(drawn, max_size=6), st.sets(minutes, max_size=40), st.text(max_size=8))
def test_a_release_is_in_order_after_its_window_and_outside_all(windows, planned, seed):
    applied = Windows(windows)
    occurrences = [NIGHT + n * MINUTE for n in sorted(planned)]
    released = applied.releases(seed, occurrences)
    held = [at for at in occurrences if (found := applied.at(at)) and found.mode is HOLD]
    assert [one.occurrence for one in released] == held
    times = [one.released_at for one in released]
    assert times == sorted(set(times))
    for one in released:
        assert one.released_at >= stop(applied, one.occurrence).until
        assert applied.at(one.released_at) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(drawn, min_size=1, max_size=6), st.sets(minutes, min_size=1, max_size=40))
def test_any_expander_comes_to_the_same_release_times(windows, planned):
    applied = Windows(windows)
    occurrences = [NIGHT + n * MINUTE for n in sorted(planned)]
    whole = {one.occurrence: one.released_at for one in applied.releases("t", occurrences)}
    for at, expected in whole.items():
        held = applied.held_range(at)
        assert held is not None
        start, end = held
        part = [one for one in occurrences if start <= one < end]
        answers = {one.occurrence: one.released_at for one in applied.releases("t", part)}
        assert answers[at] == expected
