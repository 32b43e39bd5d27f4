"""How fast a lane does its work, and how long what waits takes."""

import pytest

from jobs.drain import Ended, Places, drain_rate, drain_seconds

NOTHING = Ended()
SLOW = Places(capacity=4, run_time=2.0)


def test_what_ended_just_now_says_most():
    just_now = Ended(attempts=100, seconds=5.0)
    lately = Ended(attempts=600, seconds=60.0)
    assert drain_rate(just_now=just_now, lately=lately, places=SLOW) == 20.0


def test_where_little_ended_just_now_the_last_minute_says_more():
    just_now = Ended(attempts=99, seconds=9.0)
    lately = Ended(attempts=120, seconds=60.0)
    assert drain_rate(just_now=just_now, lately=lately, places=SLOW) == 2.0


def test_where_attempts_end_too_seldom_to_count_them_their_run_times_say_it():
    lately = Ended(attempts=9, seconds=3.0)
    assert drain_rate(just_now=lately, lately=lately, places=SLOW) == 2.0


def test_a_group_that_was_written_at_once_says_nothing_of_less_than_a_second():
    group = Ended(attempts=200, seconds=0.001)
    assert drain_rate(just_now=group, lately=group, places=SLOW) == 200.0


@pytest.mark.parametrize("places", [Places(capacity=4), Places(capacity=0, run_time=2.0)])
def test_what_nobody_measured_is_unknown(places):
    assert drain_rate(just_now=NOTHING, lately=NOTHING, places=places) is None


def test_a_time_is_the_work_by_the_rate():
    assert drain_seconds(30, 2.0) == 15.0


def test_nothing_takes_no_time_and_something_at_an_unknown_rate_an_unknown_one():
    assert drain_seconds(0, None) == 0.0
    assert drain_seconds(1, None) is None
