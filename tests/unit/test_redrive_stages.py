"""How a redrive proceeds: one job, a tenth, all."""

import pytest

from jobs.redrive_stages import Stage, Tally, allowance_after, room, stage_after


def tally(total=100, redriven=0, succeeded=0, failed=0, cancelled=0, left_out=0):
    return Tally(
        total=total,
        redriven=redriven,
        succeeded=succeeded,
        failed=failed,
        cancelled=cancelled,
        left_out=left_out,
    )


@pytest.mark.parametrize(
    ("stage", "counts", "after", "opened"),
    [
        (Stage.CANARY, tally(), Stage.CANARY, 1),
        (Stage.CANARY, tally(redriven=1), Stage.CANARY, 0),
        (Stage.CANARY, tally(redriven=1, cancelled=1), Stage.CANARY, 1),
        (Stage.CANARY, tally(redriven=1, failed=1), Stage.CANARY, 1),
        (Stage.CANARY, tally(left_out=3), Stage.CANARY, 1),
        (Stage.CANARY, tally(redriven=1, succeeded=1), Stage.TENTH, 9),
        (Stage.TENTH, tally(redriven=10, succeeded=9), Stage.TENTH, 0),
        (Stage.TENTH, tally(redriven=10, succeeded=9, failed=1), Stage.REST, 90),
        (Stage.TENTH, tally(total=3, redriven=1, succeeded=1), Stage.REST, 2),
        (Stage.REST, tally(redriven=50, left_out=10), Stage.REST, 40),
        (Stage.CANARY, tally(total=1, redriven=1, succeeded=1), Stage.REST, 0),
        (Stage.CANARY, tally(total=2, left_out=2), Stage.CANARY, 0),
    ],
)
def test_a_stage_opens_when_the_one_before_has_ended_well(stage, counts, after, opened):
    assert stage_after(stage, counts) is after
    assert room(after, counts) == opened


def test_the_allowance_grows_with_the_rate_and_is_bounded():
    assert allowance_after(0.5, rate=10, elapsed=0.2) == 2.5
    assert allowance_after(0, rate=10, elapsed=3600) == 50
    assert allowance_after(0, rate=0.01, elapsed=3600) == 1
    assert allowance_after(3, rate=10, elapsed=-5) == 3
