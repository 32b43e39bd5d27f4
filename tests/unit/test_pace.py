"""How many jobs may lie in the broker."""

from datetime import UTC, datetime, timedelta

from jobs.pace import DEPTH, FEWEST, MOST_UNPROVEN, Pace

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=20)


def busy(pace, *, a_second, steps=200, lane="async"):
    """Let a lane that never runs empty take so many jobs a second, fed to its depth."""
    queued = 0
    now = NOW
    for _ in range(steps):
        pace.seen(lane, queued=queued, now=now)
        added = max(pace.depth(lane, capacity=500, run_time=0.001) - queued, 0)
        pace.handed(lane, added)
        queued += added
        now += STEP
        queued -= min(queued, round(a_second * STEP.total_seconds()))
    return pace.depth(lane, capacity=500, run_time=0.001)


def test_unknown_work_may_fill_the_lane_once():
    assert Pace().depth("async", capacity=25, run_time=0) == 25
    assert Pace().depth("async", capacity=500, run_time=0) == MOST_UNPROVEN
    assert Pace().depth("process", capacity=1, run_time=0) == FEWEST


def test_slow_work_may_fill_the_lane_once():
    assert Pace().depth("async", capacity=25, run_time=30.0) == 25


def test_promises_of_short_run_times_count_a_little_only():
    assert Pace().depth("async", capacity=500, run_time=0.000_1) == MOST_UNPROVEN


def test_depth_becomes_a_fraction_of_a_second_of_the_lanes_own_pace():
    for a_second in (1_000, 4_000, 20_000):
        expected = max(a_second * DEPTH, MOST_UNPROVEN)
        assert abs(busy(Pace(), a_second=a_second) - expected) <= expected / 10


def test_lane_that_becomes_slower_gets_less():
    pace = Pace()
    fast = busy(pace, a_second=10_000)
    now = NOW + 1000 * STEP
    for tick in range(200):
        pace.seen("async", queued=fast, now=now + tick * STEP)
    assert pace.depth("async", capacity=500, run_time=0.001) == MOST_UNPROVEN


def test_idle_lane_keeps_the_pace_that_it_showed():
    pace = Pace()
    shown = busy(pace, a_second=10_000)
    now = NOW + 1000 * STEP
    for tick in range(500):
        pace.seen("async", queued=0, now=now + tick * STEP)
    assert pace.depth("async", capacity=500, run_time=0.001) >= shown / 2


def test_lanes_do_not_share_a_pace():
    pace = Pace()
    busy(pace, a_second=10_000)
    assert pace.depth("process", capacity=2, run_time=0) == FEWEST
