"""What is said of RRULEs, one by one."""

import pytest

from templates_app.recurrence.describe import sentence
from templates_app.recurrence.parse import parse

RULES = [
    ("FREQ=DAILY;COUNT=10", "At 09:00 every day, from 2 September 1997, 10 times"),
    (
        "FREQ=DAILY;UNTIL=19971224T000000Z",
        "At 09:00 every day, from 2 September 1997 until 24 December 1997 at 00:00",
    ),
    (
        "FREQ=DAILY;UNTIL=19971224",
        "At 09:00 every day, from 2 September 1997 until 24 December 1997",
    ),
    ("FREQ=DAILY;COUNT=1", "At 09:00 every day, from 2 September 1997, once"),
    ("FREQ=DAILY;INTERVAL=2", "Every 2 days at 09:00, from 2 September 1997"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "Every 10 days at 09:00, from 2 September 1997, 5 times"),
    ("FREQ=DAILY;BYMONTH=1", "At 09:00 every day in January, from 2 September 1997"),
    ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "At 09:00, on weekdays, from 2 September 1997"),
    (
        "FREQ=DAILY;BYMONTHDAY=1,-1",
        "At 09:00, on the 1st and the last day of every month, from 2 September 1997",
    ),
    (
        "FREQ=DAILY;INTERVAL=3;BYMONTH=1,2,3;BYDAY=MO",
        "Every 3 days at 09:00, only if it is a Monday, only from January to March, from 2 September 1997",
    ),
    (
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        "Every 20 minutes between 09:00 and 16:59, every day, from 2 September 1997 at 09:00",
    ),
    (
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        "Every 20 minutes between 09:00 and 16:59, every day, from 2 September 1997 at 09:00",
    ),
    ("FREQ=WEEKLY;COUNT=10", "At 09:00, on Tuesday, from 2 September 1997, 10 times"),
    (
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "Every 2 weeks on Tuesday at 09:00, weeks beginning on Sunday, from 2 September 1997",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "Every 2 weeks on Monday, Wednesday and Friday at 09:00, weeks beginning on Sunday, from 2 September 1997 until 24 December 1997 at 00:00",
    ),
    ("FREQ=WEEKLY;BYDAY=TU,TH", "At 09:00, on Tuesday and Thursday, from 2 September 1997"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "At 09:00 every day, from 2 September 1997"),
    (
        "FREQ=WEEKLY;BYDAY=TU;BYMONTH=12",
        "At 09:00, on Tuesday, only in December, from 2 September 1997",
    ),
    (
        "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1",
        "Every week on Monday, Wednesday and Friday at 09:00, but of these only the first in each week, from 2 September 1997",
    ),
    ("FREQ=MONTHLY", "On the 2nd of every month, at 09:00, from 2 September 1997"),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "On the first Friday of every month, at 09:00, from 2 September 1997, 10 times",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "Every 2 months on the first Sunday and the last Sunday of the month, at 09:00, from 2 September 1997, 10 times",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "On the third to last day of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=2,15",
        "On the 2nd and the 15th of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14,15",
        "Every 18 months on the 10th to the 15th of the month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "Every 2 months on every Tuesday of the month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "On the 13th of every month, at 09:00, only if it is a Friday, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "On the 7th to the 13th of every month, at 09:00, only if it is a Saturday, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "On the last weekday of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3",
        "On the third Tuesday, Wednesday or Thursday of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "On the second to last weekday of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1",
        "On the first Saturday or Sunday of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=9,17;BYSETPOS=-1",
        "On every Monday and every Tuesday, at 09:00 and 17:00, but of these only the last in each month, from 2 September 1997 at 09:00",
    ),
    (
        "FREQ=MONTHLY;BYDAY=WE,3MO",
        "On every Wednesday and the third Monday of every month, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;BYMONTH=1,3,6",
        "On the 2nd of January, March and June, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1;BYMONTH=1,2",
        "Every 2 months on the 1st of the month, only in January and February, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD;BYMONTHDAY=31",
        "On the 31st of every month, at 09:00, or on the day before where that date does not exist, from 2 September 1997",
    ),
    (
        "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYDAY=1MO",
        "On the first Monday of every month, at 09:00, from 2 September 1997",
    ),
    ("FREQ=YEARLY", "On 2 September every year, at 09:00, from 2 September 1997"),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "On the 2nd of June and July, at 09:00, from 2 September 1997, 10 times",
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=1,2,3",
        "Every 2 years on the 2nd of every month from January to March, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200",
        "Every 3 years on day 1, day 100 and day 200 of the year, at 09:00, from 2 September 1997",
    ),
    ("FREQ=YEARLY;BYYEARDAY=-1", "On the last day of every year, at 09:00, from 2 September 1997"),
    ("FREQ=YEARLY;BYDAY=20MO", "On the 20th Monday of every year, at 09:00, from 2 September 1997"),
    ("FREQ=YEARLY;BYDAY=-1FR", "On the last Friday of every year, at 09:00, from 2 September 1997"),
    (
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "On Monday of week 20 of every year, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20",
        "On Tuesday of week 20 of every year, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=1,-1;BYMONTHDAY=1;WKST=SU",
        "On every day of week 1 and the last week of every year, at 09:00, weeks beginning on Sunday, only on the 1st of the month, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "On every Thursday of March, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "On every Thursday of every month from June to August, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYDAY=SU;BYSETPOS=-1;BYMONTH=3",
        "On the last Sunday of March, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYDAY=SU;BYSETPOS=-1;BYMONTH=3,10",
        "On every Sunday of March and October, at 09:00, but of these only the last in each year, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "On the last weekday of every year, at 09:00, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "Every 4 years on the 2nd to the 8th of November, at 09:00, only if it is a Tuesday, from 2 September 1997",
    ),
    (
        "FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR",
        "On the 13th of every month, at 09:00, only if it is a Friday, from 2 September 1997",
    ),
    (
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z",
        "Every 3 hours from 00:00 to 21:00, every day, from 2 September 1997 at 09:00 until 2 September 1997 at 17:00",
    ),
    ("FREQ=HOURLY;INTERVAL=7", "Every 7 hours, from 2 September 1997 at 09:00"),
    (
        "FREQ=HOURLY;INTERVAL=7;BYMINUTE=0,10,20,30,40,50",
        "Every 7 hours, in that hour every 10 minutes, from 2 September 1997 at 09:00",
    ),
    (
        "FREQ=HOURLY;BYMINUTE=0,15,30,45;BYSETPOS=-1",
        "Every hour, in that hour every 15 minutes, but of these only the last in each hour, from 2 September 1997 at 09:00",
    ),
    (
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        "Every 15 minutes, from 2 September 1997 at 09:00, 6 times",
    ),
    (
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
        "Every 90 minutes, from 2 September 1997 at 09:00, 4 times",
    ),
    ("FREQ=SECONDLY;INTERVAL=10", "Every 10 seconds, from 2 September 1997 at 09:00"),
    (
        "FREQ=SECONDLY;INTERVAL=7;BYHOUR=9",
        "Every 7 seconds, only between 09:00 and 09:59:59, from 2 September 1997 at 09:00",
    ),
]

JANUARY = "2026-01-01T09:00:00"
SETS = [
    (
        {"rules": ["FREQ=DAILY"], "exdates": ["2026-01-04T09:00:00"]},
        "At 09:00 every day, from 1 January 2026, but not on 4 January 2026 at 09:00",
    ),
    (
        {"rules": ["FREQ=DAILY"], "exrules": ["FREQ=WEEKLY;BYDAY=SA,SU"]},
        "At 09:00 every day, from 1 January 2026, but not at 09:00, on Saturday and Sunday",
    ),
    (
        {"rules": ["FREQ=DAILY"], "exrules": ["FREQ=DAILY;COUNT=3"]},
        (
            "At 09:00 every day, from 1 January 2026, "
            "but not at 09:00 every day, from 1 January 2026, 3 times"
        ),
    ),
    (
        {"rules": ["FREQ=MONTHLY", "FREQ=WEEKLY;BYDAY=MO"], "exdates": ["2026-01-05T09:00:00"]},
        (
            "On the 1st of every month, at 09:00, from 1 January 2026; and also at 09:00, on Monday, "
            "from 1 January 2026; left out of all this: on 5 January 2026 at 09:00"
        ),
    ),
    (
        {"rules": ["FREQ=YEARLY"], "rdates": ["2026-03-04T10:00:00"]},
        "On 1 January every year, at 09:00, from 1 January 2026; and also on 4 March 2026 at 10:00",
    ),
    ({"rdates": ["2026-03-04T10:00:00"]}, "On 4 March 2026 at 10:00"),
    ({}, "On 1 January 2026 at 09:00"),
]


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_a_rule_is_said_with_what_it_takes_from_its_start(rule, expected):
    document = {
        "kind": "rrule",
        "dtstart": "1997-09-02T09:00:00",
        "rules": [rule],
        "timezone": "UTC",
    }

    assert sentence(parse(document).document) == f"{expected}; UTC"


@pytest.mark.parametrize(("lists", "expected"), SETS)
def test_a_set_is_said_with_what_is_left_out(lists, expected):
    document = {"kind": "rrule", "dtstart": JANUARY, "timezone": "UTC", **lists}

    assert sentence(parse(document).document) == f"{expected}; UTC"


def test_until_is_said_in_local_time():
    document = {
        "kind": "rrule",
        "dtstart": "1997-09-02T09:00:00",
        "rules": ["FREQ=DAILY;UNTIL=19971224T000000Z"],
        "timezone": "America/New_York",
    }

    told = sentence(parse(document).document)

    assert told == (
        "At 09:00 every day, from 2 September 1997 until 23 December 1997 at 19:00; "
        "America/New_York"
    )
