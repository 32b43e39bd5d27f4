"""The walk along an escalation policy, moment by moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from alerts.escalation import due_notice, read_steps

OPENED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEAM, EVA, ALL = UUID(int=1), UUID(int=2), UUID(int=3)
STEPS = read_steps(
    [
        {"after": 60, "channels": [str(ALL), str(TEAM)]},
        {"after": 0, "channels": [str(TEAM)]},
        {"after": 30, "channels": [str(EVA)]},
    ]
)


def notice(done, minutes, *, steps=STEPS, repeat=120, **how):
    repeat_after = repeat * MINUTE if repeat else None
    now = OPENED + minutes * MINUTE
    found = due_notice(
        steps, steps_done=done, opened_at=OPENED, repeat_after=repeat_after, now=now, **how
    )
    next_in = None if found.next_at is None else (found.next_at - OPENED) / MINUTE
    return found.event, found.channels, found.steps_done, next_in


@pytest.mark.parametrize(
    ("done", "minutes", "answer"),
    [
        (0, 0, ("opened", (TEAM,), 1, 30)),
        (1, 30, ("escalated", (EVA,), 2, 60)),
        (2, 61, ("escalated", (ALL, TEAM), 3, 181)),
        (3, 181, ("reminder", (TEAM, EVA, ALL), 3, 301)),
        # Late: what became due meanwhile is taken together, nobody is told twice.
        (0, 70, ("opened", (TEAM, EVA, ALL), 3, 190)),
        # Looked at too early: nobody is told before their time.
        (1, 29, ("reminder", (), 1, 30)),
    ],
)
def test_what_is_due(done, minutes, answer):
    assert notice(done, minutes) == answer


def test_when_nobody_heard_of_the_last_step_the_next_one_is_taken_before_its_time():
    assert notice(1, 5, hurried=True) == ("escalated", (EVA,), 2, 60)
    assert notice(3, 5, hurried=True) == ("reminder", (TEAM, EVA, ALL), 3, 125)


def test_after_a_snooze_those_who_know_of_it_are_told_again_and_nobody_before_their_time():
    assert notice(1, 5, woken=True) == ("reminder", (TEAM,), 1, 30)
    assert notice(0, 5, steps=STEPS[1:], woken=True) == ("reminder", (), 0, 30)
    assert notice(1, 45, woken=True) == ("escalated", (EVA,), 2, 60)


def test_a_step_that_names_nobody_is_passed_over_at_once():
    nobody = tuple(replace(step, channels=()) for step in STEPS)
    assert notice(0, 0, steps=(nobody[0], *STEPS[1:])) == ("opened", (EVA,), 2, 60)
    assert notice(0, 0, steps=nobody) == ("opened", (), 3, 120)


def test_without_repetition_the_last_step_is_the_end():
    assert notice(2, 60, repeat=None) == ("escalated", (ALL, TEAM), 3, None)
    assert notice(3, 500, repeat=None) == ("reminder", (TEAM, EVA, ALL), 3, None)


def test_a_policy_that_lost_its_steps_tells_nobody():
    assert notice(0, 0, steps=()) == ("reminder", (), 0, None)
