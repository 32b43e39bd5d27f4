"""What is said of intervals, forms, dates and what combines them, with bounds and calendars."""

import pytest

from templates_app.recurrence.describe import sentence
from templates_app.recurrence.parse import parse

WEEKDAYS_AT_NINE = {"kind": "cron", "expression": "0 9 * * 1-5", "timezone": "Europe/Madrid"}
FIRST_AT_TEN = {"kind": "cron", "expression": "0 10 1 * *", "timezone": "Europe/Madrid"}
MIDNIGHT = {"kind": "cron", "expression": "@daily", "timezone": "UTC"}
CHRISTMAS = {"kind": "dates", "dates": ["2026-12-25T09:00:00"], "timezone": "Europe/Madrid"}

FORMS = [
    ({"kind": "interval", "every": 1, "unit": "hours"}, "Every hour"),
    ({"kind": "interval", "every": 15, "unit": "minutes"}, "Every 15 minutes"),
    ({"kind": "interval", "every": 3600, "unit": "seconds"}, "Every 3,600 seconds"),
    (
        {"kind": "interval", "every": 15, "unit": "minutes", "anchor": "2026-01-01T00:00:00"},
        "Every 15 minutes, from 1 January 2026",
    ),
    (
        {"kind": "interval", "every": 7, "unit": "hours", "anchor": "2026-01-01T00:30:00"},
        "Every 7 hours, from 1 January 2026 at 00:30",
    ),
    (
        {
            "kind": "interval",
            "every": 7,
            "unit": "hours",
            "anchor": "2026-01-01T00:30:00",
            "starts_at": "2026-03-01T00:00:00",
        },
        "Every 7 hours, from 1 March 2026, counted from 1 January 2026 at 00:30",
    ),
    (
        {"kind": "interval", "every": 1, "unit": "days", "anchor": "2016-10-30T02:30:00"},
        "At 02:30 every day, from 30 October 2016",
    ),
    (
        {"kind": "interval", "every": 2, "unit": "days", "anchor": "2016-10-30T02:30:00"},
        "Every 2 days at 02:30, from 30 October 2016",
    ),
    (
        {
            "kind": "interval",
            "every": 2,
            "unit": "days",
            "basis": "elapsed",
            "anchor": "2016-10-30T02:30:00",
        },
        "Every 2 days, counted as 48 hours of real time, from 30 October 2016 at 02:30",
    ),
    ({"kind": "interval", "every": 2, "unit": "weeks"}, "Every 2 weeks on Monday at 00:00"),
    (
        {"kind": "interval", "every": 1, "unit": "months", "anchor": "2026-01-21T09:00:00"},
        "Every month on the 21st, at 09:00, from 21 January 2026",
    ),
    (
        {
            "kind": "interval",
            "every": 3,
            "unit": "years",
            "anchor": "2024-02-29T02:30:00",
            "starts_at": "2020-01-01T00:00:00",
        },
        "Every 3 years on 29 February, at 02:30, from 29 February 2024",
    ),
    (
        {"kind": "daily", "times": ["09:00", "17:30:15"]},
        "At 09:00 and 17:30:15 every day",
    ),
    (
        {"kind": "daily", "every": 3, "times": ["09:00"], "starts_at": "2026-01-01T00:00:00"},
        "Every 3 days at 09:00, from 1 January 2026",
    ),
    (
        {"kind": "weekly", "every": 2, "weekdays": ["mo", "fr"], "times": ["09:00"]},
        "Every 2 weeks on Monday and Friday at 09:00",
    ),
    (
        {"kind": "weekly", "weekdays": ["mo", "tu", "we", "th", "fr"], "times": ["09:00"]},
        "At 09:00, on weekdays",
    ),
    (
        {
            "kind": "weekly",
            "weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"],
            "times": ["09:00"],
        },
        "At 09:00 every day",
    ),
    (
        {"kind": "monthly", "days": [1, 15, -1], "times": ["09:00"]},
        "On the 1st, the 15th and the last day of every month, at 09:00",
    ),
    (
        {"kind": "monthly", "nth": ["2tu", "-1fr"], "times": ["09:00"]},
        "On the second Tuesday and the last Friday of every month, at 09:00",
    ),
    (
        {"kind": "monthly", "days": [1, -1], "nth": ["2tu"], "times": ["09:00"]},
        "On the 1st, the last day and the second Tuesday of every month, at 09:00",
    ),
    (
        {"kind": "monthly", "every": 3, "days": [-2], "times": ["09:00"]},
        "Every 3 months on the second to last day of the month, at 09:00",
    ),
    (
        {"kind": "yearly", "months": [1, 7], "days": [1], "times": ["09:00"]},
        "On the 1st of January and July every year, at 09:00",
    ),
    (
        {"kind": "yearly", "every": 2, "months": [12], "days": [25], "times": ["09:00"]},
        "Every 2 years on 25 December, at 09:00",
    ),
    (
        {"kind": "yearly", "months": [11], "nth": ["4th"], "times": ["09:00"]},
        "On the fourth Thursday of November every year, at 09:00",
    ),
    ({"kind": "dates", "dates": ["2026-03-29T02:30:00"]}, "On 29 March 2026 at 02:30"),
    (
        {"kind": "dates", "dates": ["2026-03-29T02:30:00", "2026-04-01T02:30:00"]},
        "On 29 March 2026 and 1 April 2026 at 02:30",
    ),
    (
        {"kind": "dates", "dates": ["2026-03-29T02:30:00", "2026-04-01T04:00:00"]},
        "On 29 March 2026 at 02:30 and 1 April 2026 at 04:00",
    ),
    (
        {"kind": "dates", "dates": [f"2026-{month:02}-03T08:00" for month in range(1, 13)] * 2},
        (
            "On 3 January 2026, 3 February 2026, 3 March 2026, 3 April 2026, 3 May 2026, 3 June 2026, "
            "3 July 2026, 3 August 2026, 3 September 2026, 3 October 2026, 3 November 2026 and "
            "3 December 2026 at 08:00"
        ),
    ),
    (
        {"kind": "dates", "dates": [f"2026-03-{day:02}T08:00" for day in range(5, 19)]},
        "On 14 dates from 5 March 2026 to 18 March 2026, at 08:00",
    ),
    (
        {"kind": "dates", "dates": [f"2026-03-{day:02}T{day:02}:00" for day in range(5, 19)]},
        "On 14 dates from 5 March 2026 to 18 March 2026",
    ),
    (
        {"kind": "dates", "dates": [f"2026-03-05T{hour:02}:00" for hour in range(14)]},
        "At 14 times on 5 March 2026",
    ),
]

BOUNDS = [
    ({"starts_at": "2026-01-01T00:00:00"}, "from 1 January 2026"),
    ({"starts_at": "2026-01-01T08:15:00"}, "from 1 January 2026 at 08:15"),
    ({"ends_at": "2026-12-31T23:59:59"}, "until 31 December 2026"),
    ({"ends_at": "2026-12-31T00:00:00"}, "until 31 December 2026 at 00:00"),
    (
        {"starts_at": "2026-01-01T00:00:00", "ends_at": "2026-12-31T23:59:59"},
        "from 1 January 2026 until 31 December 2026",
    ),
    (
        {"starts_at": "2026-01-01T00:00:00", "max_occurrences": 10},
        "from 1 January 2026, at most 10 times",
    ),
    (
        {"starts_at": "2026-01-01T00:00:00", "max_occurrences": 1},
        "from 1 January 2026, at most 1 time",
    ),
    ({"jitter": 300}, "each delayed by up to 5 minutes"),
    ({"jitter": 90}, "each delayed by up to 90 seconds"),
    ({"jitter": 1}, "each delayed by up to 1 second"),
    ({"jitter": 7200}, "each delayed by up to 2 hours"),
]

COMBINED = [
    (
        {"kind": "union", "of": [WEEKDAYS_AT_NINE, FIRST_AT_TEN]},
        "At 09:00, on weekdays; and also at 10:00, on the 1st of every month; Europe/Madrid",
    ),
    (
        {"kind": "union", "of": [WEEKDAYS_AT_NINE, MIDNIGHT], "jitter": 60},
        (
            "At 09:00, on weekdays (Europe/Madrid); and also at 00:00 every day (UTC); "
            "all of it each delayed by up to 1 minute; Europe/Madrid"
        ),
    ),
    (
        {"kind": "except", "from": WEEKDAYS_AT_NINE, "minus": CHRISTMAS},
        "At 09:00, on weekdays, but not on 25 December 2026 at 09:00; Europe/Madrid",
    ),
    (
        {
            "kind": "union",
            "of": [
                {"kind": "except", "from": WEEKDAYS_AT_NINE, "minus": CHRISTMAS},
                FIRST_AT_TEN,
            ],
        },
        (
            "(at 09:00, on weekdays, but not on 25 December 2026 at 09:00); "
            "and also at 10:00, on the 1st of every month; Europe/Madrid"
        ),
    ),
    (
        {
            "kind": "except",
            "from": {"kind": "union", "of": [WEEKDAYS_AT_NINE, FIRST_AT_TEN]},
            "minus": CHRISTMAS,
            "ends_at": "2027-01-31T23:59:59",
        },
        (
            "(at 09:00, on weekdays; and also at 10:00, on the 1st of every month), "
            "but not on 25 December 2026 at 09:00; all of it until 31 January 2027; Europe/Madrid"
        ),
    ),
]

CALENDARS = [
    ({"avoid": ["public holidays in Spain"]}, "except public holidays in Spain"),
    (
        {"avoid": ["public holidays in Spain"], "on_closed": "next_business_day"},
        "except public holidays in Spain (then on the next business day)",
    ),
    (
        {"avoid": ["public holidays in Spain"], "on_closed": "previous_business_day"},
        "except public holidays in Spain (then on the business day before)",
    ),
    (
        {"avoid": ["a", "b", "c"], "on_closed": "skip"},
        "except a, b and c",
    ),
    (
        {"keep_to": ["business hours"], "on_closed": "next_open"},
        "only during business hours (otherwise at the next open time)",
    ),
    (
        {
            "avoid": ["public holidays in Spain"],
            "keep_to": ["business hours"],
            "on_closed": "previous_open",
        },
        (
            "only during business hours, except public holidays in Spain "
            "(otherwise at the last open time before)"
        ),
    ),
]


@pytest.mark.parametrize(("document", "expected"), FORMS)
def test_a_form_is_said_plainly(document, expected):
    told = sentence(parse({"timezone": "UTC", **document}).document)

    assert told == f"{expected}; UTC"


@pytest.mark.parametrize(("bounds", "expected"), BOUNDS)
def test_bounds_follow_the_times(bounds, expected):
    told = sentence(parse({**WEEKDAYS_AT_NINE, **bounds}).document)

    assert told == f"At 09:00, on weekdays, {expected}; Europe/Madrid"


@pytest.mark.parametrize(("document", "expected"), COMBINED)
def test_what_belongs_to_which_part_of_a_combination_is_plain(document, expected):
    assert sentence(parse(document).document) == expected


@pytest.mark.parametrize(("calendars", "expected"), CALENDARS)
def test_calendars_follow_the_bounds(calendars, expected):
    recurrence = parse({**WEEKDAYS_AT_NINE, "starts_at": "2026-01-01T00:00:00", "jitter": 60})

    told = sentence(recurrence.document, **calendars)

    assert told == (
        f"At 09:00, on weekdays, from 1 January 2026, {expected}, "
        "each delayed by up to 1 minute; Europe/Madrid"
    )


def test_calendars_of_a_union_belong_to_all_of_it():
    document = parse({"kind": "union", "of": [WEEKDAYS_AT_NINE, FIRST_AT_TEN]}).document

    assert sentence(document, avoid=["public holidays in Spain"]) == (
        "At 09:00, on weekdays; and also at 10:00, on the 1st of every month; "
        "all of it except public holidays in Spain; Europe/Madrid"
    )
