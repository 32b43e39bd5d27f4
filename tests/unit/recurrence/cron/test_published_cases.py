"""Cases that other schedulers' suites publish; what depends on a clock change is tested elsewhere."""

import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from templates_app.recurrence.cron import parse_cron
from templates_app.recurrence.errors import RecurrenceError

CASES = [
    case
    for line in (Path(__file__).parents[1] / "recurrence_examples.jsonl").read_text().splitlines()
    if (case := json.loads(line))["kind"] == "cron"
]
NEVER = [case for case in CASES if case["ends"] and not case["expected"]]
NAMED = [case for case in CASES if case["expected"]]
DENIED = [case for case in CASES if case.get("not_expected")]


def _day_match(case: dict[str, Any]) -> Any:
    choices = case.get("policy", {}).get("day_match", ["or"])
    return "or" if "or" in choices else "and"


def _walls_after_start(case: dict[str, Any], count: int) -> list[datetime]:
    cron = parse_cron(case["expr"], day_match=_day_match(case))
    zone = ZoneInfo(case["tz"])
    start = datetime.fromisoformat(case["start"]).astimezone(zone).replace(tzinfo=None)
    walls = (wall for wall in cron.walls(start) if case["inclusive"] or wall > start)
    return list(islice(walls, count))


def test_every_published_case_is_looked_at() -> None:
    assert len(CASES) == len(NEVER) + len(NAMED) + len(DENIED) == 110


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case["id"])
def test_published_case_names_the_published_times(case: dict[str, Any]) -> None:
    expected = [datetime.fromisoformat(text).replace(tzinfo=None) for text in case["expected"]]

    assert _walls_after_start(case, len(expected)) == expected


@pytest.mark.parametrize("case", DENIED, ids=lambda case: case["id"])
def test_published_case_does_not_run_at_the_time_it_denies(case: dict[str, Any]) -> None:
    denied = {datetime.fromisoformat(text).replace(tzinfo=None) for text in case["not_expected"]}

    walls = _walls_after_start(case, 20)

    assert len(walls) == 20
    assert denied.isdisjoint(walls)


@pytest.mark.parametrize("case", NEVER, ids=lambda case: case["id"])
def test_published_case_that_never_runs_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse_cron(case["expr"], day_match=_day_match(case))

    assert refused.value.code == "never"


@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        # HangfireIO/Cronos, CronExpressionFacts
        ("57-5/3 * * * * ?", "2016-12-09T17:36:06", "2016-12-09T17:36:57"),
        ("57-5/3 * * * * ?", "2016-12-09T17:36:58", "2016-12-09T17:37:00"),
        ("57-5/3 * * * * ?", "2016-12-09T17:37:04", "2016-12-09T17:37:57"),
        ("* 56-4/4 * * * *", "2016-12-09T18:01:00", "2016-12-09T18:04:00"),
        ("* * * 20-5/5 * *", "2017-06-01T00:00:00", "2017-06-04T00:00:00"),
        ("* * * 20-5/5 * *", "2018-02-26T00:00:00", "2018-03-04T00:00:00"),
        ("* * * * 9-8/3 *", "2017-04-19T00:00:00", "2017-06-01T00:00:00"),
        ("* * * ? * sat-tue/2", "2016-12-13T00:00:00", "2016-12-17T00:00:00"),
        ("* * * * * FRI/3", "2016-12-03T00:00:00", "2016-12-09T00:00:00"),
        ("* * * * * */5", "2016-12-12T00:00:00", "2016-12-16T00:00:00"),
        ("? ? ? ? ? ?", "2016-12-09T16:46:00", "2016-12-09T16:46:00"),
        ("0 57,20/20,30/20,32-34/2,58 * * * * ", "2017-04-17T17:33:00", "2017-04-17T17:34:00"),
        ("* * * L-28 * *", "2017-02-01T00:00:00", "2017-03-03T00:00:00"),
        ("* * * L-30 * *", "2016-04-01T00:00:00", "2016-05-01T00:00:00"),
        ("* * * * * 2#5", "2017-02-01T00:00:00", "2017-05-30T00:00:00"),
        ("0 30 17 30W * *", "2017-02-06T00:00:00", "2017-03-30T17:30:00"),
        ("0 30 17 31W * *", "2018-03-30T17:45:00", "2018-05-31T17:30:00"),
        ("* *  *  l-0w * *   ", "2016-02-01T00:00:00", "2016-02-29T00:00:00"),
        ("* * * L-2W * *", "2016-02-01T00:00:00", "2016-02-26T00:00:00"),
        ("  @EVERY_MINUTE", "2017-03-23T16:46:30", "2017-03-23T16:47:00"),
        # adhocore/gronx
        ("0 0 * * 7-4", "2011-06-15T23:09:00", "2011-06-16T00:00:00"),
        ("0 0 * * 7-3", "2011-06-15T23:09:00", "2011-06-19T00:00:00"),
        ("3-59/15 6-12 */15 1 2-5", "2017-01-08T00:00:00", "2017-01-31T06:03:00"),
        ("0 1 15 jul mon,Wed,FRi", "2019-11-14T00:00:00", "2020-07-01T01:00:00"),
        ("* * ? * * * */2", "2021-08-20T00:00:00", "2022-01-01T00:00:00"),
        ("* * * * * * 2023-2099", "2021-08-20T00:00:00", "2023-01-01T00:00:00"),
        # cuu508/cronsim: a star in a day field makes it "and", whatever its step
        ("1 1 1-7 * */7", "2020-01-06T00:00:00", "2020-02-02T01:01:00"),
        ("1 1 */100,1-7 * MON", "2020-01-07T00:00:00", "2020-02-03T01:01:00"),
        # floraison/fugit
        ("15-40/30 * * * *", "2021-02-09T19:30:00", "2021-02-09T20:15:00"),
        ("* * * * tue#L", "2017-01-02T12:00:00", "2017-01-31T00:00:00"),
        ("0 0 * * mon#2,tue", "2017-01-06T00:00:00", "2017-01-09T00:00:00"),
        ("0 8 L * mon-thu", "2018-06-28T18:00:01", "2018-06-30T08:00:00"),
        # Hexagon/croner-rust, Open Cron Pattern Specification
        ("0 0 31W * *", "2025-02-01T00:00:00", "2025-03-31T00:00:00"),
        ("0 0 31W 5,8 *", "2025-05-01T00:00:00", "2025-05-30T00:00:00"),
        ("0 0 31W 5,8 *", "2025-05-31T00:00:00", "2025-08-29T00:00:00"),
        # Quartz, spring-framework's wrong pin corrected: 31 May 2020 is a Sunday
        ("0 0 0 31W * ?", "2020-04-01T00:00:00", "2020-05-29T00:00:00"),
    ],
)
def test_notable_case_of_a_public_suite(expression: str, start: str, expected: str) -> None:
    walls = parse_cron(expression).walls(datetime.fromisoformat(start))

    assert next(walls) == datetime.fromisoformat(expected)
