"""The overlap policies as a pure function: no database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from jobs.overlap import Due, decide

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, OTHER = UUID(int=1), UUID(int=2)


def due(number, overlap, **overrides):
    values = {
        "job_id": UUID(int=100 + number),
        "template_id": ONE,
        "occurrence_at": NOON + number * HOUR,
        "overlap": overlap,
        "going": False,
        "going_at": None,
        "held": False,
        "one_held": False,
    }
    return Due(**{**values, **overrides})


def verdicts(*jobs):
    """Return what becomes of the jobs, by their number."""
    words = {}
    for decision in decide(jobs):
        word = "skip" if decision.skip else decision.gate or "open"
        words[decision.job_id.int - 100] = word
    return [words[job.job_id.int - 100] for job in jobs]


@pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running", "wait"])
def test_alone_it_may_run(overlap):
    assert verdicts(due(1, overlap)) == ["open"]


@pytest.mark.parametrize(
    ("overlap", "fates"),
    [
        ("skip", ["open", "skip", "skip"]),
        ("queue_one", ["open", "held", "skip"]),
        ("cancel_running", ["open", "held", "held"]),
        ("wait", ["open", "held", "held"]),
    ],
)
def test_of_jobs_that_are_due_together_the_earliest_occurrence_goes_first(overlap, fates):
    jobs = [due(number, overlap) for number in (1, 2, 3)]
    assert verdicts(*jobs) == fates
    assert verdicts(*reversed(jobs)) == list(reversed(fates))


@pytest.mark.parametrize(
    ("overlap", "fates"),
    [
        ("skip", ["skip", "skip"]),
        ("queue_one", ["held", "skip"]),
        ("cancel_running", ["held", "held"]),
        ("wait", ["held", "held"]),
    ],
)
def test_while_a_sibling_is_going_nobody_is_let_through(overlap, fates):
    assert verdicts(*(due(n, overlap, going=True, going_at=NOON) for n in (1, 2))) == fates


def test_where_one_waits_by_queue_one_no_other_does():
    assert verdicts(due(1, "queue_one", held=True, one_held=True)) == ["skip"]
    assert verdicts(due(1, "queue_one", held=True)) == ["held"]
    assert verdicts(due(1, "wait", held=True, one_held=True)) == ["held"]


def test_a_templates_schedule_and_its_backfill_do_not_look_at_each_other():
    planned = due(3, "skip")
    backfill = [due(number, "wait", backfill=True) for number in (1, 2)]
    assert verdicts(planned, *backfill) == ["open", "open", "held"]


def test_what_is_made_up_for_comes_after_the_schedule():
    assert verdicts(due(1, "wait"), due(2, "queue_one")) == ["held", "open"]
    assert verdicts(due(1, "wait"), due(2, "skip", going=True)) == ["open", "skip"]


def test_templates_do_not_look_at_each_other():
    busy = due(1, "skip", going=True, going_at=NOON)
    assert verdicts(busy, due(2, "skip", template_id=OTHER)) == ["skip", "open"]


def test_the_reason_names_the_run_that_was_in_the_way():
    (first, second) = decide([due(1, "skip"), due(2, "skip")])
    assert first.reason == ""
    assert second.reason == (
        "The run of 2026-06-01T13:00:00Z had not ended when this one fell due; "
        "its template then skips."
    )
    (skipped,) = decide([due(1, "skip", going=True)])
    assert skipped.reason.startswith("An earlier run had not ended")


def test_a_run_without_a_nominal_moment_comes_after_those_that_have_one():
    assert verdicts(due(1, "skip", occurrence_at=None), due(2, "skip")) == ["skip", "open"]
