"""Each promise of the chaos test's checker is kept by good witnesses and broken by one bad word."""

import pytest

from tenants import platform
from tests.chaos import promises
from tests.chaos.client_log import Cancelled, Planned
from tests.chaos.witnesses import (
    PLATFORM_ID,
    Killed,
    NotRun,
    StoredLetter,
    Transition,
    told_attempt,
)
from tests.unit.chaos.kit import (
    OTHER,
    asked,
    attempt,
    call,
    client,
    ended,
    stored,
    witnesses,
)


def twice(**second):
    """Two attempts, the first of them lost."""
    return {
        "jobs": [stored(attempt=2, finalized_at=103.0)],
        "attempts": [attempt(1, outcome="lost", told=None), attempt(2, **second)],
        "calls": [call(1), call(2)],
        "transitions": [ended(at=103.0)],
    }


def keyed(limit=1, second_from=103.0):
    """Two jobs with one key, the second from a given moment on."""
    key = {"key": "k", "limit": limit}
    return {
        "jobs": [stored(**key), stored(OTHER, name="m0-2", finalized_at=110.0, **key)],
        "attempts": [
            attempt(),
            attempt(job=OTHER, scheduled_at=100.0, started_at=second_from, finished_at=110.0),
        ],
        "calls": [call(), call(job=OTHER, began=second_from)],
        "transitions": [ended(), ended(OTHER)],
        "client": client(asked(), asked("m0-2", OTHER)),
    }


BASE = promises.ANCHOR


def planned(*moments, not_run=(), repeated=()):
    """A template with a step of ten seconds from 5 to 45, and jobs at some of its moments."""
    runs = [
        stored(f"run-{n}", name="t", template="t", occurrence_at=BASE + at, attempt=0)
        for n, at in enumerate([*moments, *repeated])
    ]
    template = Planned(template="t", merchant="m0", step=10, made_at=BASE + 5, off_at=BASE + 45)
    return {
        "jobs": [stored(), *runs],
        "transitions": [ended(), *(ended(one.job) for one in runs)],
        "not_run": [NotRun(template="t", first_at=BASE + a, last_at=BASE + b) for a, b in not_run],
        "client": client(asked(), templates=[template]),
    }


KEPT = {
    "one good job": {},
    "a lost attempt explains a second call": twice(),
    "places one after another": keyed(second_from=103.0),
    "two places": keyed(limit=2, second_from=101.5),
    "every occurrence": planned(10, 20, 30),
    "an occurrence that ended in a row": planned(10, 30, not_run=[(20, 20)]),
    "a failed job with its letter": {
        "jobs": [stored(status="failed")],
        "attempts": [attempt(outcome="failed")],
        "calls": [call(status=503)],
        "transitions": [ended(became="failed")],
        "letters": [StoredLetter(job="job-1", merchant="m0", code="http_503")],
        "client": client(asked(fails=99)),
    },
    "a killed worker's job that starts again in time": {
        **twice(),
        "killed": [Killed(pid=4711, at=101.2)],
    },
    "a rescue while something is broken": {
        "transitions": [ended(), Transition(job="job-1", was="queued", became="scheduled", at=101)],
        "calm": [(90.0, 100.0)],
    },
    "a cancel whose first answer got lost": {
        "jobs": [stored(status="cancelled", attempt=0)],
        "attempts": [],
        "calls": [],
        "transitions": [ended(became="cancelled", was="scheduled")],
        "client": client(
            asked(), cancelled=[Cancelled(job="job-1", acknowledged_at=103, status=409)]
        ),
    },
    "a request that was never answered": {"client": client(asked(), asked("m0-2", ""))},
}

BROKEN = [
    ("acknowledged_jobs_exist", {"client": client(asked(), asked("m0-2", OTHER))}),
    ("acknowledged_jobs_exist", {"jobs": [stored(name="m0-9")]}),
    ("every_job_ends", {"jobs": [stored(status="queued", finalized_at=None)]}),
    ("one_final_state", {"transitions": [ended(), ended(was="queued", became="cancelled")]}),
    ("one_final_state", {"transitions": [ended(), ended(was="succeeded", became="running")]}),
    ("one_final_state", {"transitions": []}),
    ("ends_as_it_must", {"jobs": [stored(status="cancelled")]}),
    ("ends_as_it_must", {"client": client(asked(fails=99))}),
    ("no_phantom", {"jobs": [stored(), stored(OTHER, name="m0-7")]}),
    ("no_phantom", {"jobs": [stored(), stored(OTHER)]}),
    ("no_phantom", {"jobs": [stored(), stored(OTHER, template="unknown")]}),
    ("attempts_without_gap", {"jobs": [stored(attempt=2)]}),
    ("attempts_without_gap", {"attempts": [attempt(), attempt()]}),
    ("attempts_without_gap", {"attempts": [attempt(0)]}),
    ("no_start_before_due", {"attempts": [attempt(scheduled_at=101.5)]}),
    ("no_start_before_due", {"client": client(asked(delay=30))}),
    (
        "no_start_after_cancel",
        {
            "client": client(
                asked(), cancelled=[Cancelled(job="job-1", acknowledged_at=100.5, status=202)]
            )
        },
    ),
    (
        "no_start_after_cancel",
        {
            "client": client(
                asked(), cancelled=[Cancelled(job="job-1", acknowledged_at=105, status=200)]
            )
        },
    ),
    ("one_lease_at_once", twice(started_at=101.2)),
    ("no_stale_write", {"attempts": [attempt(told=2)]}),
    ("no_stale_write", {"calls": []}),
    ("no_stale_write", {"calls": [call(ended=110.0)]}),
    ("one_call_an_attempt", {"calls": [call(), call()]}),
    ("one_call_an_attempt", {"calls": [call(), call(2)]}),
    ("one_call_an_attempt", {"calls": [call(key="another")]}),
    (
        "extra_calls_explained",
        {**twice(), "attempts": [attempt(1, outcome="failed"), attempt(2)]},
    ),
    ("concurrency_limits_hold", keyed(second_from=101.5)),
    ("occurrences_exactly_once", planned(10, 30)),
    ("occurrences_exactly_once", planned(10, 20, 30, repeated=[20])),
    ("dead_letters_complete", {"jobs": [stored(status="failed")]}),
    ("dead_letters_complete", {"letters": [StoredLetter(job="job-1", merchant="m0")]}),
    ("dead_letters_complete", {"letters": [StoredLetter(job=OTHER, merchant="m0")]}),
    ("tenants_apart", {"jobs": [stored(merchant="m1")]}),
    ("tenants_apart", {"calls": [call(merchant="m1")]}),
    ("tenants_apart", {"client": client(asked(), foreign=["m1 sees m0-1"])}),
    (
        "children_after_parents",
        {
            "client": client(asked(parents=("m0-2",)), asked("m0-2", OTHER)),
            "jobs": [stored(), stored(OTHER, name="m0-2", finalized_at=101.5)],
        },
    ),
    (
        "children_after_parents",
        {
            "client": client(asked(parents=("m0-2",)), asked("m0-2", OTHER)),
            "jobs": [stored(), stored(OTHER, name="m0-2", status="failed", finalized_at=100.5)],
        },
    ),
    (
        "killed_workers_jobs_start_again",
        {
            **twice(started_at=170.0, finished_at=171.0),
            "killed": [Killed(pid=4711, at=101.2)],
        },
    ),
    (
        "calm_needs_no_rescue",
        {
            "transitions": [Transition(job="job-1", was="queued", became="scheduled", at=99)],
            "calm": [(90.0, 100.0)],
        },
    ),
    ("calm_needs_no_rescue", {**twice(), "calm": [(90.0, 110.0)]}),
]


@pytest.mark.parametrize("witness", KEPT.values(), ids=KEPT.keys())
def test_good_witnesses_break_no_promise(witness):
    assert promises.check(witnesses(**witness)) == {}


@pytest.mark.parametrize(
    ("promise", "witness"), BROKEN, ids=[f"{n}-{one[0]}" for n, one in enumerate(BROKEN)]
)
def test_one_bad_word_breaks_the_promise(promise, witness):
    assert list(promises.PROMISES[promise](witnesses(**witness)))


def test_every_promise_is_broken_by_some_test():
    assert {promise for promise, _ in BROKEN} == set(promises.PROMISES)


def test_time_in_which_the_test_itself_stood_still_does_not_count():
    late = {**twice(started_at=170.0, finished_at=171.0), "killed": [Killed(pid=4711, at=101.2)]}
    [(_, seconds)] = promises.recoveries(witnesses(**late, paused=[(90.0, 121.2)]))
    assert seconds == pytest.approx(48.8)


def test_the_attempt_is_found_in_every_kind_of_answer():
    assert told_attempt({"status": 200, "body": '{"attempt": 3}'}) == 3
    assert told_attempt({"result": {"attempt": 2}}) == 2
    assert told_attempt({"attempt": 1}) == 1
    assert told_attempt({"body": "{no json"}) is told_attempt(None) is None


def test_work_that_was_repeated_for_a_recorded_loss_is_counted():
    assert promises.explained_repeats(witnesses(**twice())) == 1
    assert promises.explained_repeats(witnesses()) == 0


def test_what_the_platform_does_for_itself_is_left_out_by_its_id():
    assert str(platform.PLATFORM_ID) == PLATFORM_ID
