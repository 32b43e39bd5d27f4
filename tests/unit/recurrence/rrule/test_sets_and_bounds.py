from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain, islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import (
    DayRule,
    Frequency,
    RuleSet,
    parse_rule,
    parse_set,
    streams,
)

MADRID = ZoneInfo("Europe/Madrid")
NEW_YORK = ZoneInfo("America/New_York")


def a_set(dtstart: str = "1997-09-02T09:00:00", **given: list[str]) -> RuleSet:
    lists: dict[str, list[str]] = {"rules": [], "exrules": [], "rdates": [], "exdates": []} | given
    return parse_set(dtstart=dtstart, zone=NEW_YORK, **lists)


def told(found: RuleSet, count: int = 20) -> list[str]:
    return [
        at.isoformat(timespec="minutes") for at in islice(found.walls(datetime(1, 1, 1)), count)
    ]


def test_rules_and_dates_are_merged_in_order_and_each_time_told_once() -> None:
    found = a_set(
        rules=["FREQ=DAILY;COUNT=3", "FREQ=DAILY;INTERVAL=2;COUNT=3"],
        rdates=["1997-09-01", "19970903T090000", "1997-09-03T13:00:00Z", "1997-09-03T08:00-05:00"],
    )
    assert told(found) == [
        "1997-09-01T00:00",
        "1997-09-02T09:00",
        "1997-09-03T09:00",
        "1997-09-04T09:00",
        "1997-09-06T09:00",
    ]


def test_exceptions_remove_times_of_rules_and_dates() -> None:
    found = a_set(
        rules=["FREQ=DAILY;COUNT=7"],
        exrules=["FREQ=WEEKLY;BYDAY=SA,SU"],
        rdates=["1997-10-01T09:00:00", "1997-10-04T09:00:00"],
        exdates=["1997-09-04T09:00:00", "19970905T130000Z", "1997-09-08"],
    )
    assert told(found) == [f"1997-{day}T09:00" for day in ("09-02", "09-03", "09-08", "10-01")]


def test_start_alone_is_the_one_time() -> None:
    assert told(a_set()) == ["1997-09-02T09:00"]


def test_dates_alone_are_all_there_is() -> None:
    assert told(a_set(rdates=["1997-09-04T09:00:00"])) == ["1997-09-04T09:00"]


def test_start_that_the_rule_does_not_match_does_not_fire() -> None:
    assert told(a_set(rules=["FREQ=WEEKLY;BYDAY=FR;COUNT=1"])) == ["1997-09-05T09:00"]


def test_all_day_start_ignores_parts_of_time() -> None:
    found = a_set("1997-09-02", rules=["FREQ=DAILY;BYHOUR=9;BYMINUTE=1,2;INTERVAL=2;COUNT=2"])
    assert told(found) == ["1997-09-02T00:00", "1997-09-04T00:00"]
    assert found.rules[0].text == "FREQ=DAILY;INTERVAL=2;COUNT=2"


def test_exceptions_that_leave_nothing_are_refused() -> None:
    with pytest.raises(RecurrenceError) as refused:
        a_set(rules=["FREQ=DAILY;COUNT=2"], exdates=["1997-09-02T09:00", "1997-09-03T09:00"])
    assert refused.value.code == "never"


def test_exception_rule_that_removes_an_endless_rule_is_refused_in_bounded_time() -> None:
    with pytest.raises(RecurrenceError) as refused:
        a_set(rules=["FREQ=SECONDLY"], exrules=["FREQ=SECONDLY"])
    assert (refused.value.code, refused.value.field) == ("too_costly", "exrules")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"rules": ["FREQ=DAILY;BYHOUR=24"]}, "BYHOUR"),
        ({"rules": ["FREQ=DAILY", "FREQ=DAILY;BYHOUR=24"]}, "rules.1.BYHOUR"),
        ({"rules": ["FREQ=DAILY"], "exrules": ["FREQ=DAILY;BYHOUR=24"]}, "exrules.0.BYHOUR"),
        ({"rdates": ["1997-09-02", "1997-02-30"]}, "rdates.1"),
        ({"exdates": ["soon"]}, "exdates.0"),
        ({"exdates": ["1997-09-02T09:00:00+99:00"]}, "exdates.0"),
        ({"dtstart": "1997-09-31"}, "dtstart"),
        ({"dtstart": "1997-09-02T24:00:00"}, "dtstart"),
    ],
)
def test_fault_in_a_set_is_named_with_its_path(given: dict[str, Any], field: str) -> None:
    with pytest.raises(RecurrenceError) as refused:
        a_set(**given)
    assert refused.value.field == field


def test_until_is_compared_as_an_instant_in_the_zone() -> None:
    start = datetime(1997, 9, 2, 9)
    in_time = parse_rule("FREQ=DAILY;UNTIL=19970904T130000Z", dtstart=start, zone=NEW_YORK)
    too_late = parse_rule("FREQ=DAILY;UNTIL=19970904T125959Z", dtstart=start, zone=NEW_YORK)
    assert [at.day for at in in_time.walls(start)] == [2, 3, 4]
    assert [at.day for at in too_late.walls(start)] == [2, 3]


def test_until_on_a_date_includes_its_whole_local_day() -> None:
    start = datetime(1997, 9, 2, 23, 59, 59)
    rule = parse_rule("FREQ=DAILY;UNTIL=19970904", dtstart=start, zone=NEW_YORK)
    assert [at.day for at in rule.walls(start)] == [2, 3, 4]


def test_until_inside_a_gap_admits_times_by_their_instants_not_their_order() -> None:
    """02:30 on 29 March 2026 is read as 03:30, so 03:15 comes before it."""
    start = datetime(2026, 3, 29, 2, 30)
    rule = parse_rule(
        "FREQ=MINUTELY;INTERVAL=45;UNTIL=20260329T011500Z", dtstart=start, zone=MADRID
    )
    assert list(rule.walls(start)) == [datetime(2026, 3, 29, 3, 15)]


def test_until_in_the_second_pass_of_an_overlap_admits_the_whole_first_pass() -> None:
    start = datetime(2026, 10, 25, 1, 30)
    rule = parse_rule(
        "FREQ=MINUTELY;INTERVAL=30;UNTIL=20261025T010000Z", dtstart=start, zone=MADRID
    )
    assert [at.strftime("%H:%M") for at in rule.walls(start)] == ["01:30", "02:00", "02:30"]


def test_rule_may_be_entered_after_its_end() -> None:
    rule = parse_rule("FREQ=DAILY;UNTIL=19970904", dtstart=datetime(1997, 9, 2), zone=MADRID)
    assert list(rule.walls(datetime(2050, 1, 1))) == []


def test_endless_rule_ends_with_the_year_9999() -> None:
    for text in ("FREQ=DAILY", "FREQ=YEARLY", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=HOURLY;INTERVAL=13"):
        rule = parse_rule(text, dtstart=datetime(1997, 9, 2, 9), zone=MADRID)
        last = [at.year for at in rule.walls(datetime(9999, 8, 1))]
        assert set(last) == {9999}


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("FREQ=SECONDLY;BYMONTH=1;BYDAY=TH", "2026-02-01T00:00:00", "2027-01-07T00:00:00"),
        ("FREQ=SECONDLY;INTERVAL=86401;BYHOUR=3;BYMINUTE=0;BYSECOND=0", "2020-01-01T00:00:00", "2175-02-02T03:00:00"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2080-01-01T00:00:00", "2112-02-29T09:00:00"),
        ("FREQ=DAILY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29", "1997-09-02T09:00:00", "2452-02-29T09:00:00"),
    ],
)  # fmt: skip
def test_rare_times_are_found_far_away(text: str, asked: str, expected: str) -> None:
    rule = parse_rule(text, dtstart=datetime(1997, 9, 2, 9), zone=MADRID)
    assert next(rule.walls(datetime.fromisoformat(asked))).isoformat() == expected


def test_positions_in_a_set_of_thirty_one_million_are_found_without_making_it() -> None:
    every = "BYHOUR={};BYMINUTE={};BYSECOND={}".format(
        *(",".join(map(str, range(size))) for size in (24, 60, 60))
    )
    text = f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{every};BYSETPOS=1,-1"
    rule = parse_rule(text, dtstart=datetime(1997, 1, 1), zone=MADRID)
    assert list(islice(rule.walls(datetime(2015, 6, 1)), 2)) == [
        datetime(2015, 12, 31, 23, 59, 59),
        datetime(2016, 1, 1),
    ]


def test_week_years_are_counted_from_the_calendar_year_of_the_start() -> None:
    """As libical answers (issue 1223): 3 January 2027 lies in week 53 of 2026."""
    start = datetime(2027, 1, 3)
    for interval, expected in (
        (1, date(2032, 12, 30)),
        (5, date(2032, 12, 30)),
        (6, date(2093, 12, 31)),
    ):
        text = f"FREQ=YEARLY;BYWEEKNO=53;INTERVAL={interval};BYDAY=TH"
        rule = parse_rule(text, dtstart=start, zone=MADRID)
        assert next(rule.walls(start)).date() == expected


def test_day_rule_needs_no_text_and_starts_at_its_anchor() -> None:
    fridays = DayRule(
        freq=Frequency.MONTHLY, anchor=date(2026, 1, 31), interval=2, byday=((-1, 4), (1, 0))
    )
    assert list(islice(fridays.days(date(2000, 1, 1)), 4)) == [
        date(2026, 3, 2),
        date(2026, 3, 27),
        date(2026, 5, 4),
        date(2026, 5, 29),
    ]
    assert next(fridays.days(date(2026, 5, 5))) == date(2026, 5, 29)


HOSTILE: dict[str, dict[str, Any]] = {
    "many counts": {
        "rules": [
            f"FREQ=MONTHLY;COUNT=100000;BYDAY=MO,TU,WE;BYHOUR={i % 24};BYSETPOS=-1"
            for i in range(50)
        ]
    },
    "many counted exceptions": {
        "rules": ["FREQ=SECONDLY"],
        "exrules": [f"FREQ=SECONDLY;COUNT={40_000 - i}" for i in range(50)],
    },
    "one of many exceptions removes all": {
        "rules": ["FREQ=SECONDLY"],
        "exrules": [*["FREQ=YEARLY;BYMONTH=2"] * 49, "FREQ=SECONDLY"],
    },
    "exceptions that are never in step": {
        "rules": ["FREQ=MINUTELY"],
        "exrules": [
            *[f"FREQ=SECONDLY;BYSECOND={','.join(map(str, range(1, 60)))}"] * 49,
            "FREQ=MINUTELY",
        ],
    },
    "many equal rules": {"rules": ["FREQ=SECONDLY"] * 50, "exrules": ["FREQ=SECONDLY"]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_set_is_refused_after_bounded_work(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    since = streams.SlottedTimes.since

    def counted(self: streams.SlottedTimes, second: int) -> Iterator[int]:
        nonlocal steps
        for at in since(self, second):
            steps += 1
            yield at

    monkeypatch.setattr(streams.SlottedTimes, "since", counted)
    with pytest.raises(RecurrenceError) as refused:
        a_set(**HOSTILE[name])
    assert refused.value.code == "too_costly"
    assert refused.value.field.startswith(("exrules", "rules."))
    assert steps < 400_000


def test_counts_of_a_set_are_bounded_together_and_the_part_is_named() -> None:
    assert told(a_set(rules=["FREQ=DAILY;COUNT=99999", "FREQ=DAILY;COUNT=1"]), 1)
    with pytest.raises(RecurrenceError) as refused:
        a_set(rules=["FREQ=DAILY;COUNT=50000"], exrules=["FREQ=WEEKLY", "FREQ=DAILY;COUNT=50001"])
    assert (refused.value.code, refused.value.field) == ("too_costly", "exrules.1.COUNT")


def test_exceptions_that_remove_most_of_a_dense_rule_are_followed() -> None:
    seconds = ",".join(map(str, range(59)))
    found = a_set(rules=["FREQ=SECONDLY"], exrules=[f"FREQ=SECONDLY;BYSECOND={seconds}"])
    kept = list(islice(found.walls(datetime(2026, 1, 1)), 3_000))
    assert {at.second for at in kept} == {59}
    assert kept[-1] == datetime(2026, 1, 3, 1, 59, 59)


def test_first_of_counted_rule_is_told_without_counting_it_out() -> None:
    rule = parse_rule("FREQ=SECONDLY;COUNT=100000", dtstart=datetime(2026, 1, 1), zone=MADRID)
    assert next(rule.walls(datetime(1901, 1, 1))) == datetime(2026, 1, 1)
    assert "_last" not in vars(rule)
    assert len(list(rule.walls(datetime(2026, 1, 1)))) == 100_000
    assert list(rule.walls(datetime(2026, 1, 2, 3, 46, 38))) == [
        datetime(2026, 1, 2, 3, 46, 38),
        datetime(2026, 1, 2, 3, 46, 39),
    ]


def test_exceptions_agree_with_removing_from_the_whole_list() -> None:
    rules = ["FREQ=HOURLY;INTERVAL=5", "FREQ=DAILY;BYHOUR=3,9"]
    exrules = ["FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=9", "FREQ=HOURLY;INTERVAL=3", "FREQ=DAILY;COUNT=9"]
    start, end = datetime(1997, 9, 2, 9), datetime(1998, 2, 1)
    parsed = [
        [list(takewhile(lambda at: at < end, parse_rule(text, dtstart=start, zone=NEW_YORK).walls(start))) for text in texts]
        for texts in (rules, exrules)
    ]  # fmt: skip
    wanted = set(chain(*parsed[0])) - set(chain(*parsed[1]))
    found = a_set(rules=rules, exrules=exrules)
    assert list(takewhile(lambda at: at < end, found.walls(start))) == sorted(wanted)
    late = datetime(1997, 12, 24, 18)
    assert next(found.walls(late)) == min(at for at in wanted if at >= late)
