"""What an iCalendar file may cost: one that would take long is refused, in words."""

from collections import Counter
from datetime import date, timedelta

import pytest

from templates_app.calendars.ics import read_ics
from templates_app.calendars.ics_lines import MOST_BYTES, MOST_DATES
from templates_app.calendars.ics_work import Work
from templates_app.recurrence.errors import RecurrenceError

TODAY = date(2026, 11, 22)
START = "DTSTART:20260101T000000Z"
HOUR = "DURATION:PT1H"
EVERY_SECOND = (
    f"BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))};"
    f"BYSECOND={','.join(map(str, range(60)))}"
)


def event(number: int, *lines: str, uid: str = "") -> str:
    body = ["BEGIN:VEVENT", f"UID:{uid or number}", f"SUMMARY:Night {number}", *lines]
    return "\r\n".join([*body, "END:VEVENT"])


def file(*events: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", *events, "END:VCALENDAR", ""]).encode()


def refusal(*events: str) -> RecurrenceError:
    content = file(*events)
    assert len(content) <= MOST_BYTES
    with pytest.raises(RecurrenceError) as caught:
        read_ics(content, today=TODAY)
    assert caught.value.message.isprintable()
    return caught.value


def instants(count: int) -> list[str]:
    first = date(2030, 1, 1)
    days = [f"{first + timedelta(number // 24):%Y%m%d}" for number in range(count)]
    return [f"{day}T{number % 24:02d}0000Z" for number, day in enumerate(days)]


@pytest.mark.parametrize("key", ["RRULE", "EXRULE"])
@pytest.mark.parametrize("freq", ["SECONDLY", "MINUTELY", "HOURLY"])
def test_an_event_that_repeats_within_a_day_is_refused_by_name(key, freq):
    rules = dict.fromkeys(["RRULE", "EXRULE"], "FREQ=DAILY") | {key: f"FREQ={freq};COUNT=99999"}
    written = [f"{name}:{rule}" for name, rule in rules.items()]
    error = refusal(event(7, START, HOUR, *written), event(8, START, HOUR))
    assert (error.code, error.field) == ("bad_ics", f"ics.{key}.FREQ")
    assert error.message == (
        f'The event "Night 7" is not understood: FREQ={freq} repeats more often than daily.'
    )
    assert error.hint == "Write what repeats within a day as weekly hours."


DEAR = {
    "many that count": [
        event(
            n, f"DTSTART:{1900 + n % 100}0101T000000Z", HOUR, f"RRULE:FREQ=DAILY;COUNT={99_000 + n}"
        )
        for n in range(300)
    ],
    "exceptions that take all": [
        event(
            n, START, HOUR, f"RRULE:FREQ=DAILY;{EVERY_SECOND}", f"EXRULE:FREQ=DAILY;{EVERY_SECOND}"
        )
        for n in range(20)
    ],
    "dates that take all": [
        event(
            n,
            START,
            HOUR,
            f"RRULE:FREQ=DAILY;{EVERY_SECOND}",
            "EXDATE;VALUE=DATE:"
            + ",".join(f"2026{m:02d}{d:02d}" for m in range(1, 13) for d in range(1, 29)),
        )
        for n in range(3)
    ],
    "rare": [
        event(
            n,
            "DTSTART:16000101T000000Z",
            HOUR,
            f"RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SA;BYSETPOS=1;BYHOUR={n % 24}",
        )
        for n in range(500)
    ],
    "wide sets": [
        event(
            n,
            "DTSTART:16000103T000000Z",
            HOUR,
            "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1,"
            + ",".join(map(str, range(30, 300))),
        )
        for n in range(100)
    ],
    "moved days": [
        event(
            n,
            "DTSTART:16000103T000000Z",
            HOUR,
            f"RRULE:RSCALE=GREGORIAN;SKIP=FORWARD;FREQ=MONTHLY;BYMONTHDAY=31;COUNT={9_000 + n}",
        )
        for n in range(100)
    ],
    "steps beyond all calendars": [
        event(n, START, HOUR, f"RRULE:FREQ=WEEKLY;INTERVAL={999_999_000 + n}") for n in range(900)
    ],
    "one UID for all": [
        *(
            event(n, "DTSTART;TZID=Europe/Madrid:20260101T100000", HOUR, uid="a")
            for n in range(500)
        ),
        *(
            event(n, START, HOUR, f"RECURRENCE-ID:{at}", uid="a")
            for n, at in enumerate(instants(500))
        ),
    ],
}


@pytest.mark.parametrize("events", DEAR.values(), ids=DEAR)
def test_events_that_cost_too_much_together_are_refused(events):
    error = refusal(*events)
    assert (error.code, error.field) == ("bad_ics", "ics.RRULE")
    assert "repeats too often" in error.message


def test_the_work_is_shared_by_the_whole_file():
    work = Work(points=10)
    work.spend(6, "first")
    work.spend(4, "second")
    with pytest.raises(RecurrenceError, match='"third"') as caught:
        work.spend(1, "third")
    assert caught.value.code == "bad_ics"


def test_a_year_of_weekly_meetings_that_ended_long_ago_costs_nothing_to_the_rest():
    old = [
        event(n, "DTSTART:20000103T000000Z", HOUR, "RRULE:FREQ=WEEKLY;UNTIL=20010103T000000Z")
        for n in range(2_000)
    ]
    (span,) = read_ics(file(*old, event(1, START, HOUR)), today=TODAY).document["spans"]
    assert span["from"] == "2026-01-01T00:00:00+00:00"


def test_hundreds_of_birthdays_are_read():
    days = [date(1950, 1, 15) + timedelta(34 * number) for number in range(800)]
    born = [day.replace(day=min(day.day, 28)) for day in days]
    events = [
        event(n, f"DTSTART;VALUE=DATE:{day:%Y%m%d}", "RRULE:FREQ=YEARLY")
        for n, day in enumerate(born)
    ]
    dates = read_ics(file(*events), today=TODAY).document["dates"]
    held = Counter(one["name"] for one in dates)
    assert len(held) == 800
    assert set(held.values()) <= {6, 7}


@pytest.mark.parametrize("key", ["RDATE", "EXDATE"])
def test_a_date_that_an_event_names_twice_counts_once(key):
    again = ["20260301T000000Z"] * 45_000
    lines = [f"{key}:{','.join(again)}", *(f"{key}:{one}" for one in again[:15_000])]
    content = file(
        event(1, START, HOUR, "RRULE:FREQ=MONTHLY;COUNT=4", *lines), event(2, START, HOUR, lines[0])
    )
    assert len(content) <= MOST_BYTES
    starts = [one["from"][:10] for one in read_ics(content, today=TODAY).document["spans"]]
    march = ["2026-03-01"] * (2 if key == "RDATE" else 0)
    assert sorted(starts) == sorted(["2026-01-01"] * 2 + ["2026-02-01", "2026-04-01"] + march)


def test_the_same_date_in_another_zone_is_another_date():
    lines = [f"RDATE;TZID={zone}:20260301T100000" for zone in ("Europe/Madrid", "Asia/Tokyo")]
    document = read_ics(file(event(1, START, HOUR, *lines)), today=TODAY).document
    assert len(document["spans"]) == 3


@pytest.mark.parametrize("key", ["RDATE", "EXDATE"])
@pytest.mark.parametrize("lines", [1, 4])
def test_too_many_dates_are_refused_before_they_are_read(key, lines):
    dates = instants(MOST_DATES + 1)
    listed = [f"{key}:{','.join(dates[start::lines])}" for start in range(lines)]
    error = refusal(event(1, START, HOUR, *listed))
    assert error.code == "bad_ics"
    assert "more than 20,000 dates" in error.message


@pytest.mark.parametrize(
    "line",
    [
        "DTSTART" + ";A=1" * 110_000 + ":x",
        "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(["1"] * 110_000),
        "\r\n".join(["SUMMARY:x"] * 110_000),
    ],
    ids=["parameters", "values", "lines"],
)
def test_work_for_the_parser_is_bounded(line):
    error = refusal(event(1, START, line))
    assert error.code == "bad_ics"
    assert "too many lines, values and parameters" in error.message


def test_five_thousand_events_with_all_that_exporters_write_are_read():
    zone = "TZID=Romance Standard Time"
    events = [
        event(
            n,
            "SEQUENCE:0",
            "STATUS:CONFIRMED",
            "DESCRIPTION:a,b;c",
            f"DTSTART;{zone}:{day:%Y%m%d}T100000",
            f"DTEND;{zone}:{day:%Y%m%d}T110000",
        )
        for n, day in enumerate(date(2026, 1, 1) + timedelta(n) for n in range(5_000))
    ]
    content = file(*events)
    assert len(content) <= MOST_BYTES
    assert len(read_ics(content, today=TODAY).document["spans"]) == 5_000
