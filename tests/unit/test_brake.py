"""The mass-expiry brake, pure: when it is put on, and for how long anybody's lease is held."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.brake import (
    TOGETHER,
    Cause,
    Hold,
    Look,
    RanOut,
    brake,
    judged_at,
    suspicion,
    went_back,
)
from jobs.engine import Engine

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENGINE = Engine()
LEASE = ENGINE.worker_lease * SECOND
NONE = RanOut(held=0, lately=0)


def look(*, gap=5.0, held=4, lately=0, quiet=None, restarted=None, hold=None):
    """What a tick at NOW finds, `gap` seconds after the last one."""
    return Look(
        ticked_at=NOW - gap * SECOND,
        hold=hold,
        server_started_at=NOW - (restarted or 86_400) * SECOND,
        clock=NOW,
        workers=RanOut(held=held, lately=lately),
        quiet=RanOut(held=held, lately=lately if quiet is None else quiet),
    )


def braked(seen, *jobs, now=NOW):
    suspected = suspicion(seen, now=now, engine=ENGINE)
    return brake(seen, now=now, engine=ENGINE, suspected=suspected, jobs=jobs)


@pytest.mark.parametrize(("held", "lately"), [(1, 1), (2, 2), (5, 1), (100, 2)])
def test_few_silent_workers_are_no_incident_while_ticks_come_in_time(held, lately):
    assert braked(look(held=held, lately=lately)) is None


def test_many_that_fall_silent_in_one_tick_are_held_for_one_lease():
    hold = braked(look(held=4, lately=TOGETHER))
    assert hold == Hold(after=NOW - 5 * SECOND, since=NOW, until=NOW + LEASE, cause=Cause.TOGETHER)


def test_many_of_very_many_are_not_held():
    assert braked(look(held=2 * TOGETHER + 1, lately=TOGETHER)) is None


@pytest.mark.parametrize(("held", "lately"), [(1, 1), (4, 2)])
def test_late_tick_holds_what_ran_out_meanwhile(held, lately):
    hold = braked(look(gap=31, held=held, lately=lately))
    assert hold is not None
    assert (hold.cause, hold.after) == (Cause.LATE, NOW - 31 * SECOND)


def test_late_tick_holds_those_whose_lease_is_about_to_run_out():
    assert braked(look(gap=17, held=4, lately=0, quiet=4)) is not None
    assert braked(look(gap=14, held=4, lately=0, quiet=4)) is None


def test_late_tick_holds_nothing_while_most_are_well():
    assert braked(look(gap=31, held=4, lately=1), RanOut(held=10, lately=4), NONE) is None


@pytest.mark.parametrize(
    "jobs", [(RanOut(held=10, lately=5), NONE), (NONE, RanOut(held=1, lately=1))]
)
def test_deadlines_and_messages_that_ran_out_together_count_as_well(jobs):
    assert braked(look(gap=31), *jobs) is not None
    assert braked(look(gap=5), *jobs) is None


def test_restart_of_the_server_puts_all_in_doubt_though_the_tick_came_in_time():
    hold = braked(look(held=1, lately=1, restarted=3))
    assert hold is not None
    assert hold.cause is Cause.RESTARTED


def test_first_tick_of_all_has_nothing_to_compare_with():
    seen = replace(look(held=9, lately=9), ticked_at=None)
    assert braked(seen) is None
    assert not went_back(seen, now=NOW, engine=ENGINE)


def test_brake_is_off_before_it_was_put_on_and_when_its_lease_is_over():
    hold = Hold(after=NOW - 30 * SECOND, since=NOW, until=NOW + LEASE, cause=Cause.LATE)
    assert judged_at(hold, NOW) == NOW - 30 * SECOND
    assert judged_at(hold, NOW + LEASE) == NOW + LEASE
    assert judged_at(hold, NOW - SECOND) == NOW - SECOND
    assert judged_at(None, NOW) == NOW


def test_clock_that_was_set_back_is_noticed():
    seen = replace(look(), ticked_at=NOW + LEASE / 2)
    assert not went_back(seen, now=NOW, engine=ENGINE)
    seen = replace(look(), ticked_at=NOW + LEASE / 2 + SECOND)
    assert went_back(seen, now=NOW, engine=ENGINE)


def test_start_of_the_server_that_lies_ahead_is_no_restart():
    assert suspicion(look(restarted=-600), now=NOW, engine=ENGINE) is None


def test_tick_that_was_frozen_on_its_way_is_no_clock_that_was_set_back():
    seen = replace(look(), ticked_at=NOW + 60 * SECOND, clock=NOW + 61 * SECOND)
    assert not went_back(seen, now=NOW, engine=ENGINE)


class Watcher:
    """Ticks over leases that end at given moments, as jobs.braking does over rows."""

    def __init__(self, ends):
        self.ends = dict(enumerate(ends))  # lease -> when it runs out
        self.ticked_at = None
        self.hold = None
        self.first_seen = {}
        self.taken = {}

    def tick(self, now, *, restarted=False):
        held = [
            end for end in self.ends.values() if self.ticked_at is None or end >= self.ticked_at
        ]
        seen = Look(
            ticked_at=self.ticked_at,
            hold=self.hold,
            clock=now,
            server_started_at=now if restarted else NOW - 86_400 * SECOND,
            workers=RanOut(held=len(held), lately=sum(end < now for end in held)),
            quiet=RanOut(held=len(held), lately=sum(end < now + LEASE / 2 for end in held)),
        )
        self.hold = braked(seen, now=now) or self.hold
        self.ticked_at = now
        for lease, end in list(self.ends.items()):
            if end < now:
                self.first_seen.setdefault(lease, now)
            if end < judged_at(self.hold, now):
                self.taken[lease] = now
                del self.ends[lease]


gaps = st.lists(
    st.tuples(st.floats(0.01, 60, allow_nan=False), st.booleans()), min_size=1, max_size=40
)


@given(ends=st.lists(st.floats(1, 400, allow_nan=False), min_size=1, max_size=12), ticks=gaps)
def test_whatever_happens_no_lease_is_held_for_longer_than_one_lease(ends, ticks):
    watcher = Watcher([NOW + end * SECOND for end in ends])
    now = NOW
    watcher.tick(now)
    for gap, restarted in ticks:
        now += gap * SECOND
        watcher.tick(now, restarted=restarted)
        waiting = {
            lease: seen for lease, seen in watcher.first_seen.items() if lease in watcher.ends
        }
        assert all(now < seen + LEASE for seen in waiting.values())


@given(
    end=st.floats(1, 200, allow_nan=False),
    others=st.integers(0, 9),
    gaps=st.lists(st.floats(0.1, 14.9, allow_nan=False), min_size=1, max_size=60),
)
def test_lone_dead_worker_is_taken_at_the_first_tick_after_its_lease(end, others, gaps):
    watcher = Watcher([NOW + end * SECOND] + [NOW + timedelta(days=1)] * others)
    now = NOW
    watcher.tick(now)
    for gap in gaps:
        now += gap * SECOND
        watcher.tick(now)
        assert (0 in watcher.taken) == (now > NOW + end * SECOND)
