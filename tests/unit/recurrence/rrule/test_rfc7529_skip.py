"""RFC 7529 with RSCALE=GREGORIAN: what becomes of dates that do not exist."""

from datetime import datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import parse_rule

UTC = ZoneInfo("UTC")

EXAMPLES = [
    # RFC 7529 section 4.2: the 31st of every month, and 29 February of every year.
    ("FREQ=MONTHLY", "2014-01-31", "2014-01-31 2014-03-31 2014-05-31 2014-07-31"),
    ("FREQ=MONTHLY;SKIP=OMIT", "2014-01-31", "2014-01-31 2014-03-31 2014-05-31 2014-07-31"),
    ("FREQ=MONTHLY;SKIP=BACKWARD", "2014-01-31", "2014-01-31 2014-02-28 2014-03-31 2014-04-30"),
    ("FREQ=MONTHLY;SKIP=FORWARD", "2014-01-31", "2014-01-31 2014-03-01 2014-03-31 2014-05-01"),
    ("FREQ=YEARLY", "2012-02-29", "2012-02-29 2016-02-29 2020-02-29"),
    ("FREQ=YEARLY;SKIP=FORWARD", "2012-02-29", "2012-02-29 2013-03-01 2014-03-01 2015-03-01 2016-02-29"),
    ("FREQ=YEARLY;SKIP=BACKWARD", "2012-02-29", "2012-02-29 2013-02-28 2014-02-28 2015-02-28 2016-02-29"),
    # Two days that meet are one; a moved day belongs to the month it is moved from.
    ("FREQ=MONTHLY;BYMONTHDAY=30,31;SKIP=BACKWARD", "2014-02-01", "2014-02-28 2014-03-30 2014-03-31 2014-04-30 2014-05-30"),
    ("FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD", "2014-04-02", "2014-05-01 2014-05-31 2014-06-01 2014-07-01"),
    ("FREQ=MONTHLY;INTERVAL=3;SKIP=FORWARD", "2014-01-31", "2014-01-31 2014-05-01 2014-07-31 2014-10-31"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;SKIP=FORWARD", "2015-02-01", "2015-02-28 2015-03-01 2016-02-28 2016-02-29 2017-02-28"),
    ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31;SKIP=FORWARD", "2014-01-01", "2014-03-01 2015-03-01 2016-03-01"),
    # BYDAY limits after SKIP (section 4.1): 31 April moves to Friday 1 May 2015.
    ("FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=FR;SKIP=FORWARD", "2015-02-15", "2015-05-01 2015-07-31 2016-07-01 2017-03-31"),
    ("FREQ=MONTHLY;BYMONTHDAY=29,30,31;BYSETPOS=-1;SKIP=BACKWARD", "2014-01-01", "2014-01-31 2014-02-28 2014-03-31"),
    # Counted from the end, the 31st is the day before a shorter month, or its first.
    ("FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=BACKWARD", "2026-01-01", "2026-01-01 2026-01-31 2026-03-01 2026-03-31"),
    ("FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=FORWARD", "2026-01-01", "2026-01-01 2026-02-01 2026-03-01 2026-04-01"),
    ("FREQ=YEARLY;BYYEARDAY=366;SKIP=FORWARD", "2012-12-31", "2012-12-31 2014-01-01 2015-01-01 2016-01-01 2016-12-31"),
    ("FREQ=YEARLY;BYYEARDAY=366;SKIP=BACKWARD", "2012-12-31", "2012-12-31 2013-12-31 2014-12-31 2015-12-31 2016-12-31"),
    ("FREQ=YEARLY;BYYEARDAY=-366;SKIP=FORWARD", "2012-01-01", "2012-01-01 2013-01-01 2014-01-01 2015-01-01 2016-01-01"),
    ("FREQ=YEARLY;BYYEARDAY=-366;SKIP=BACKWARD", "2012-01-01", "2012-01-01 2012-12-31 2013-12-31 2014-12-31 2016-01-01"),
    # Nothing to skip: no date is made from a number.
    ("FREQ=MONTHLY;BYDAY=5FR;SKIP=FORWARD", "2014-01-01", "2014-01-31 2014-05-30 2014-08-29"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first", "expected"), EXAMPLES)
def test_dates_that_do_not_exist_move_as_skip_says(text: str, first: str, expected: str) -> None:
    start = datetime.fromisoformat(first)
    rule = parse_rule(f"RSCALE=GREGORIAN;{text}", dtstart=start, zone=UTC)
    days = expected.split()
    assert [at.date().isoformat() for at in islice(rule.walls(start), len(days))] == days


@pytest.mark.parametrize(("text", "first", "expected"), EXAMPLES)
def test_a_rule_that_skips_can_be_entered_anywhere(text: str, first: str, expected: str) -> None:
    start = datetime.fromisoformat(first)
    rule = parse_rule(f"{text};rscale=gregorian", dtstart=start, zone=UTC)
    days = [datetime.fromisoformat(day) for day in expected.split()]
    for day, following in pairwise(days):
        assert next(rule.walls(day)) == day
        assert next(rule.walls(day.replace(hour=1))) == following


def test_skip_without_rscale_is_refused() -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse_rule("FREQ=MONTHLY;SKIP=FORWARD", dtstart=datetime(2014, 1, 31), zone=UTC)
    assert (refused.value.code, refused.value.field) == ("skip_needs_rscale", "SKIP")


def test_other_calendars_are_refused_by_name() -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse_rule("RSCALE=HEBREW;FREQ=YEARLY", dtstart=datetime(2014, 1, 31), zone=UTC)
    assert (refused.value.code, refused.value.field) == ("unsupported_calendar", "RSCALE")
    assert "HEBREW" in refused.value.message
