"""`previous`: the last occurrence before a moment, found without walking to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.recurrence.looking_back import last_between
from templates_app.recurrence.moments import Moment
from templates_app.recurrence.parse import parse

ANCHOR = "2026-01-01T00:00:00+00:00"
DECEMBER = datetime(2026, 12, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FEW_ENOUGH = 600


class Walked:
    """Every step from `first` to `last`, counting what is walked."""

    def __init__(self, first: datetime, last: datetime, step: timedelta) -> None:
        self.first, self.last, self.step = first, last, step
        self.yielded = 0

    def between(self, after: datetime, until: datetime) -> Iterator[Moment]:
        at = max(self.first, self.first + ((after - self.first) // self.step + 1) * self.step)
        while at <= min(until, self.last):
            self.yielded += 1
            yield Moment(at, at, at)
            at += self.step


@pytest.mark.parametrize(
    ("document", "last"),
    [
        (
            {"kind": "interval", "every": 1, "unit": "seconds", "anchor": ANCHOR}
            | {"ends_at": "2026-06-01T00:00:00"},
            "2026-06-01T00:00:00+00:00",
        ),
        (
            {"kind": "interval", "every": 1, "unit": "seconds", "anchor": ANCHOR}
            | {"max_occurrences": 90_000},
            "2026-01-02T00:59:59+00:00",
        ),
        ({"kind": "cron", "expression": "* * * 1 *"}, "2026-01-31T23:59:00+00:00"),
        ({"kind": "cron", "expression": "* * * * * * 2020"}, "2020-12-31T23:59:59+00:00"),
        ({"kind": "cron", "expression": "0 0 29 2 *"}, "2024-02-29T00:00:00+00:00"),
        ({"kind": "dates", "dates": ["1950-01-01T00:00:00"]}, "1950-01-01T00:00:00+00:00"),
    ],
)
def test_the_last_occurrence_is_found_however_long_ago(document: Any, last: str) -> None:
    found = parse(document).previous(DECEMBER)
    assert found is not None
    assert found.at.isoformat() == last


@pytest.mark.parametrize("step", [SECOND, timedelta(minutes=1), timedelta(days=1)])
@pytest.mark.parametrize("ended", [timedelta(0), timedelta(days=180), timedelta(days=40_000)])
def test_a_few_hundred_steps_are_walked_at_most(step: timedelta, ended: timedelta) -> None:
    now = datetime(2026, 7, 1, 0, 0, 0, 500)
    walked = Walked(datetime(1800, 1, 1), now - ended, step)
    found = last_between(walked.between, datetime(1700, 1, 1), now)
    assert found is not None
    assert now - ended - step < found.due <= now - ended
    assert walked.yielded < FEW_ENOUGH


def test_nothing_before_the_start_is_looked_for() -> None:
    document = {"kind": "daily", "times": ["09:00"], "starts_at": "2027-01-01T00:00:00"}
    recurrence = parse(document)
    assert recurrence.previous(DECEMBER) is None
    first = datetime(2027, 1, 1, 9, tzinfo=UTC)
    assert recurrence.previous(first) is None
    found = recurrence.previous(first + SECOND)
    assert found is not None
    assert found.at == first


def test_a_delayed_occurrence_is_the_previous_one_only_when_it_has_run() -> None:
    document = {"kind": "daily", "times": ["09:00"], "jitter": 7_200, "starts_at": "2026-01-01"}
    recurrence = parse({**document, "max_occurrences": 3}, seed="q")
    first, second, third = recurrence.occurrences(datetime(2025, 1, 1, tzinfo=UTC))
    assert recurrence.previous(third.at) == second
    assert recurrence.previous(third.at + SECOND) == third
    assert recurrence.previous(DECEMBER) == third
    assert recurrence.previous(first.at) is None


@settings(max_examples=60, deadline=None)
@given(
    expression=st.sampled_from(
        ["*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15,45 1-3 * * SUN", "* 9 29 2 *", "5 4 L * *"]
    ),
    gap=st.sampled_from(["shift", "gap_end", "skip"]),
    zone=st.sampled_from(["Europe/Madrid", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
    before=st.datetimes(datetime(2009, 1, 1), datetime(2030, 1, 1)),
    jitter=st.sampled_from([None, 40]),
)
def test_nothing_lies_between_the_previous_occurrence_and_the_moment(
    expression: str, gap: str, zone: str, before: datetime, jitter: int | None
) -> None:
    document = {"kind": "cron", "expression": expression, "timezone": zone, "dst_gap": gap}
    recurrence = parse(document | {"jitter": jitter}, seed="x")
    moment = before.replace(tzinfo=UTC)
    found = recurrence.previous(moment)
    assert found is not None
    assert found.at.astimezone(UTC) < moment
    following = recurrence.next(found.at)
    assert following is not None
    assert following.at.astimezone(UTC) >= moment
