"""Every example of RFC 5545 section 3.8.5.3, in its order, DTSTART in America/New_York.

The RFC's expected lists are written out as far as they tell examples apart; `ends` says that
nothing follows. Erratum 3883: "every 3 hours from 9:00 AM to 5:00 PM" prints 15:00 beside
UNTIL=19970902T170000Z, which is 13:00 in New York; both the text as printed (which gives 9:00 and
12:00) and the corrected UNTIL=19970902T210000Z are here.
"""

from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from templates_app.recurrence.rrule import parse_rule, parse_set

NEW_YORK = ZoneInfo("America/New_York")


def on(days: str, time: str = "09:00") -> list[str]:
    """Dates "1997-09-02 03 04, 1997-10-01": later days of a month by their number alone."""
    told = []
    for group in days.split(","):
        first, *others = group.split()
        told += [f"{first}T{time}", *(f"{first[:8]}{day}T{time}" for day in others)]
    return told


def daily(first: str, count: int, every: int = 1) -> list[str]:
    start = datetime.fromisoformat(first)
    return [(start + timedelta(i * every)).isoformat(timespec="minutes") for i in range(count)]


def at(day: str, times: str) -> list[str]:
    return [f"{day}T{time}" for time in times.split()]


JANUARIES = [text for year in (1998, 1999, 2000) for text in daily(f"{year}-01-01T09:00", 31)]
EVERY_20_MINUTES = " ".join(
    f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 20, 40)
)
SEPTEMBER_2 = "1997-09-02T09:00"
TU_TH = on("1997-09-02 04 09 11 16 18 23 25 30,1997-10-02")
MO_WE_FR_BIWEEKLY = on(
    "1997-09-01 03 05 15 17 19 29,1997-10-01 03 13 15 17 27 29 31,1997-11-10 12 14 24 26 28,"
    "1997-12-08 10 12 22"
)

EXAMPLES: list[tuple[str, str, list[str], bool]] = [
    ("FREQ=DAILY;COUNT=10", SEPTEMBER_2, daily(SEPTEMBER_2, 10), True),
    ("FREQ=DAILY;UNTIL=19971224T000000Z", SEPTEMBER_2, daily(SEPTEMBER_2, 113), True),
    ("FREQ=DAILY;INTERVAL=2", SEPTEMBER_2, daily(SEPTEMBER_2, 47, 2), False),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", SEPTEMBER_2, daily(SEPTEMBER_2, 5, 10), True),
    (
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998-01-01T09:00",
        JANUARIES,
        True,
    ),
    ("FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998-01-01T09:00", JANUARIES, True),
    ("FREQ=WEEKLY;COUNT=10", SEPTEMBER_2, daily(SEPTEMBER_2, 10, 7), True),
    ("FREQ=WEEKLY;UNTIL=19971224T000000Z", SEPTEMBER_2, daily(SEPTEMBER_2, 17, 7), True),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", SEPTEMBER_2, daily(SEPTEMBER_2, 13, 14), False),
    ("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", SEPTEMBER_2, TU_TH, True),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", SEPTEMBER_2, TU_TH, True),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997-09-01T09:00",
        MO_WE_FR_BIWEEKLY,
        True,
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        SEPTEMBER_2,
        on("1997-09-02 04 16 18 30,1997-10-02 14 16"),
        True,
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997-09-05T09:00",
        on(
            "1997-09-05,1997-10-03,1997-11-07,1997-12-05,1998-01-02,1998-02-06,1998-03-06,"
            "1998-04-03,1998-05-01,1998-06-05"
        ),
        True,
    ),
    (
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "1997-09-05T09:00",
        on("1997-09-05,1997-10-03,1997-11-07,1997-12-05"),
        True,
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997-09-07T09:00",
        on("1997-09-07 28,1997-11-02 30,1998-01-04 25,1998-03-01 29,1998-05-03 31"),
        True,
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997-09-22T09:00",
        on("1997-09-22,1997-10-20,1997-11-17,1997-12-22,1998-01-19,1998-02-16"),
        True,
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997-09-28T09:00",
        on("1997-09-28,1997-10-29,1997-11-28,1997-12-29,1998-01-29,1998-02-26"),
        False,
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        SEPTEMBER_2,
        on("1997-09-02 15,1997-10-02 15,1997-11-02 15,1997-12-02 15,1998-01-02 15"),
        True,
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997-09-30T09:00",
        on("1997-09-30,1997-10-01 31,1997-11-01 30,1997-12-01 31,1998-01-01 31,1998-02-01"),
        True,
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997-09-10T09:00",
        on("1997-09-10 11 12 13 14 15,1999-03-10 11 12 13"),
        True,
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        SEPTEMBER_2,
        on("1997-09-02 09 16 23 30,1997-11-04 11 18 25,1998-01-06 13 20 27,1998-03-03 10 17 24 31"),
        False,
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997-06-10T09:00",
        [f"{year}-0{month}-10T09:00" for year in range(1997, 2002) for month in (6, 7)],
        True,
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997-03-10T09:00",
        [
            "1997-03-10T09:00",
            *(f"{year}-0{month}-10T09:00" for year in (1999, 2001, 2003) for month in (1, 2, 3)),
        ],
        True,
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997-01-01T09:00",
        on(
            "1997-01-01,1997-04-10,1997-07-19,2000-01-01,2000-04-09,2000-07-18,2003-01-01,"
            "2003-04-10,2003-07-19,2006-01-01"
        ),
        True,
    ),
    ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19T09:00", on("1997-05-19,1998-05-18,1999-05-17"), False),
    (
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "1997-05-12T09:00",
        on("1997-05-12,1998-05-11,1999-05-17"),
        False,
    ),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997-03-13T09:00",
        on("1997-03-13 20 27,1998-03-05 12 19 26,1999-03-04 11 18 25"),
        False,
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997-06-05T09:00",
        on(
            "1997-06-05 12 19 26,1997-07-03 10 17 24 31,1997-08-07 14 21 28,"
            "1998-06-04 11 18 25,1998-07-02 09 16 23 30,1998-08-06 13 20 27,"
            "1999-06-03 10 17 24,1999-07-01 08 15 22 29,1999-08-05 12 19 26"
        ),
        False,
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997-09-13T09:00",
        on(
            "1997-09-13,1997-10-11,1997-11-08,1997-12-13,1998-01-10,1998-02-07,1998-03-07,"
            "1998-04-11,1998-05-09,1998-06-13"
        ),
        False,
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996-11-05T09:00",
        on("1996-11-05,2000-11-07,2004-11-02"),
        False,
    ),
    (
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "1997-09-04T09:00",
        on("1997-09-04,1997-10-07,1997-11-06"),
        True,
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997-09-29T09:00",
        on("1997-09-29,1997-10-30,1997-11-27,1997-12-30,1998-01-29,1998-02-26,1998-03-30"),
        False,
    ),
    (
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z",
        SEPTEMBER_2,
        at("1997-09-02", "09:00 12:00"),
        True,
    ),
    (
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
        SEPTEMBER_2,
        at("1997-09-02", "09:00 12:00 15:00"),
        True,
    ),
    (
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        SEPTEMBER_2,
        at("1997-09-02", "09:00 09:15 09:30 09:45 10:00 10:15"),
        True,
    ),
    (
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
        SEPTEMBER_2,
        at("1997-09-02", "09:00 10:30 12:00 13:30"),
        True,
    ),
    (
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        SEPTEMBER_2,
        at("1997-09-02", EVERY_20_MINUTES) + at("1997-09-03", EVERY_20_MINUTES),
        False,
    ),
    (
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        SEPTEMBER_2,
        at("1997-09-02", EVERY_20_MINUTES) + at("1997-09-03", EVERY_20_MINUTES),
        False,
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997-08-05T09:00",
        on("1997-08-05 10 19 24"),
        True,
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997-08-05T09:00",
        on("1997-08-05 17 19 31"),
        True,
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "2007-01-15T09:00",
        on("2007-01-15 30,2007-02-15,2007-03-15 30"),
        True,
    ),
]


@pytest.mark.parametrize(("text", "dtstart", "expected", "ends"), EXAMPLES)
def test_example_of_the_rfc_gives_what_the_rfc_prints(
    text: str, dtstart: str, expected: list[str], ends: bool
) -> None:
    start = datetime.fromisoformat(dtstart)
    rule = parse_rule(f"RRULE:{text}", dtstart=start, zone=NEW_YORK)
    told = [
        each.isoformat(timespec="minutes")
        for each in islice(rule.walls(start), len(expected) + ends)
    ]
    assert told == expected


def test_every_friday_the_thirteenth_leaves_out_the_start_that_exdate_names() -> None:
    found = parse_set(
        dtstart="19970902T090000",
        rules=["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"],
        exrules=[],
        rdates=[],
        exdates=["19970902T090000"],
        zone=NEW_YORK,
    )
    told = [each.date().isoformat() for each in islice(found.walls(found.dtstart), 5)]
    assert told == ["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13", "2000-10-13"]
