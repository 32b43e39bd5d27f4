from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import parse_rule

UTC = ZoneInfo("UTC")
START = datetime(1997, 9, 2, 9)

FAULTS = [
    ("INTERVAL=2", "missing_freq", "FREQ"),
    ("FREQ=DAILY;FREQ=WEEKLY", "duplicate_part", "FREQ"),
    ("FREQ=DAILY;BYDAY=MO;BYDAY=TU", "duplicate_part", "BYDAY"),
    ("FREQ=DAILY;;COUNT=2", "empty_part", "rrule"),
    ("FREQ=DAILY;COUNT", "empty_value", "COUNT"),
    ("FREQ=DAILY;X-NAME=1", "unknown_part", "rrule"),
    ("FREQ=YEARLY;BYEASTER=0", "unknown_part", "rrule"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20300101T000000Z", "count_with_until", "UNTIL"),
    ("FREQ=DAILY;COUNT=0", "out_of_range", "COUNT"),
    ("FREQ=DAILY;COUNT=100001", "out_of_range", "COUNT"),
    ("FREQ=DAILY;COUNT=two", "not_integer", "COUNT"),
    ("FREQ=DAILY;INTERVAL=-1", "out_of_range", "INTERVAL"),
    ("FREQ=DAILY;INTERVAL=1_0", "not_integer", "INTERVAL"),
    ("FREQ=DAILY;INTERVAL=99999999999999999999", "out_of_range", "INTERVAL"),
    ("FREQ=DAILY;COUNT=\u0661", "bad_character", "rrule"),
    ("FREQ=DAILY;UNTIL=tomorrow", "bad_date", "UNTIL"),
    ("FREQ=DAILY;UNTIL=20300101T250000Z", "bad_date", "UNTIL"),
    ("FREQ=DAILY;UNTIL=20301301", "bad_date", "UNTIL"),
    ("FREQ=DAILY;BYHOUR=9,,10", "list_empty_item", "BYHOUR"),
    ("FREQ=DAILY;BYHOUR=nine", "not_integer", "BYHOUR"),
    ("FREQ=DAILY;BYHOUR=-1", "out_of_range", "BYHOUR"),
    ("FREQ=DAILY;BYMINUTE=60", "out_of_range", "BYMINUTE"),
    ("FREQ=YEARLY;BYMONTH=13", "out_of_range", "BYMONTH"),
    ("FREQ=YEARLY;BYMONTH=5L", "not_integer", "BYMONTH"),
    ("FREQ=YEARLY;BYYEARDAY=367", "out_of_range", "BYYEARDAY"),
    ("FREQ=YEARLY;BYDAY=54MO", "out_of_range", "BYDAY"),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=6MO", "out_of_range", "BYDAY"),
    ("FREQ=MONTHLY;BYDAY=6MO", "out_of_range", "BYDAY"),
    ("FREQ=DAILY;BYDAY=1MO", "nth_needs_monthly", "BYDAY"),
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "nth_with_weekno", "BYDAY"),
    ("FREQ=MONTHLY;BYWEEKNO=1", "not_with_freq", "BYWEEKNO"),
    ("FREQ=SECONDLY;BYWEEKNO=1", "not_with_freq", "BYWEEKNO"),
    ("FREQ=WEEKLY;BYYEARDAY=1", "not_with_freq", "BYYEARDAY"),
    ("FREQ=DAILY;BYYEARDAY=1", "not_with_freq", "BYYEARDAY"),
    ("FREQ=MONTHLY;BYSETPOS=1", "setpos_alone", "BYSETPOS"),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "out_of_range", "BYSETPOS"),
    ("FREQ=WEEKLY;WKST=MONDAY", "unknown_name", "WKST"),
    ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=SIDEWAYS", "bad_value", "SKIP"),
    ("FREQ=DAILY;BYHOUR=" + ",".join(["9"] * 401), "list_too_long", "BYHOUR"),
    ("FREQ=DAILY;" + "X" * 6_500, "too_long", "rrule"),
    ("   ", "empty", "rrule"),
    ("RRULE:", "empty", "rrule"),
]

NEVER = [
    ("FREQ=YEARLY;BYMONTH=4,6;BYMONTHDAY=31", "neither April nor June has a day 31."),
    ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=-30", "February has no day 30."),
    ("FREQ=HOURLY;INTERVAL=4;BYHOUR=7,11,15,19", "INTERVAL=4"),
    ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "INTERVAL=7"),
    ("FREQ=DAILY;INTERVAL=371;BYDAY=MO", "INTERVAL=371"),
    ("FREQ=HOURLY;INTERVAL=168;BYDAY=MO", "INTERVAL=168"),
    ("FREQ=MINUTELY;INTERVAL=7063;BYHOUR=9;BYMINUTE=0;BYDAY=MO", "INTERVAL=7063"),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "INTERVAL=4"),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "BYSETPOS"),
    ("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=-3", "BYSETPOS"),
    ("FREQ=SECONDLY;BYSECOND=0;BYSETPOS=2", "BYSETPOS"),
    ("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", "no time fits all of its parts."),
    ("FREQ=DAILY;UNTIL=19970901T000000Z", "UNTIL lies before"),
]


@pytest.mark.parametrize(("text", "code", "field"), FAULTS)
def test_faulty_rule_is_refused_and_its_part_named(text: str, code: str, field: str) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse_rule(text, dtstart=START, zone=UTC)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.message.endswith((".", "?", '"..."', ";"))


@pytest.mark.parametrize(("text", "reason"), NEVER)
def test_rule_that_never_fires_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse_rule(text, dtstart=START, zone=UTC)
    assert refused.value.code == "never"
    assert reason in refused.value.message


def test_position_points_at_the_value_in_the_text_as_given() -> None:
    text = " RRULE:freq=daily;byhour=9,24"
    with pytest.raises(RecurrenceError) as refused:
        parse_rule(text, dtstart=START, zone=UTC)
    assert text[refused.value.position :] == "9,24"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("RRULE:freq=daily", "FREQ=DAILY"),
        ("count=03;FREQ=Weekly;byday=we,MO,mo;", "FREQ=WEEKLY;COUNT=3;BYDAY=MO,WE"),
        ("FREQ=MONTHLY;BYDAY=+3MO,-1FR,TU", "FREQ=MONTHLY;BYDAY=-1FR,TU,3MO"),
        ("FREQ=DAILY;BYSECOND=60,59,007;INTERVAL=1;WKST=MO", "FREQ=DAILY;BYSECOND=7,59"),
        ("UNTIL=19991224t000000z;FREQ=DAILY", "FREQ=DAILY;UNTIL=19991224T000000Z"),
        ("UNTIL=19991224;FREQ=DAILY", "FREQ=DAILY;UNTIL=19991224"),
        (
            "SKIP=FORWARD;FREQ=MONTHLY;RSCALE=gregorian;BYMONTHDAY=31",
            "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=FORWARD",
        ),
    ],
)
def test_rule_is_printed_canonically_and_read_back_the_same(text: str, canonical: str) -> None:
    rule = parse_rule(text, dtstart=START, zone=UTC)
    assert rule.text == canonical
    assert parse_rule(canonical, dtstart=START, zone=UTC).text == canonical


def test_cautions_name_what_surprises() -> None:
    def codes(text: str, start: datetime = START) -> list[str]:
        return [caution.code for caution in parse_rule(text, dtstart=start, zone=UTC).cautions]

    assert codes("FREQ=DAILY") == []
    assert codes("FREQ=DAILY;BYHOUR=8") == ["dtstart_not_matched"]
    assert codes("FREQ=HOURLY") == ["wall_clock_steps"]
    assert codes("FREQ=DAILY;BYSECOND=60") == ["dtstart_not_matched", "leap_second"]
    assert codes("FREQ=MONTHLY", datetime(1997, 8, 31)) == ["dates_left_out"]
    assert codes("FREQ=MONTHLY;BYMONTH=8", datetime(1997, 8, 31)) == []
    assert codes("FREQ=YEARLY", datetime(1996, 2, 29)) == ["dates_left_out"]
