"""iCalendar files become calendars, and bad ones are refused."""

from datetime import date
from pathlib import Path

import pytest

from templates_app.calendars.calendar_set import parse_calendar
from templates_app.calendars.ics import read_ics
from templates_app.calendars.ics_lines import MOST_BYTES
from templates_app.recurrence.errors import RecurrenceError

FILES = Path(__file__).parent / "files"
TODAY = date(2026, 11, 22)


def read(name: str):
    return read_ics((FILES / f"{name}.ics").read_bytes(), today=TODAY)


def event(*lines: str) -> bytes:
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", "SUMMARY:Night", *lines]
    return "\r\n".join([*body, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def test_whole_days_become_dates():
    assert read("holidays").document == {
        "dates": [
            {"from": "2026-01-01", "to": "2026-01-14", "name": "Two weeks"},
            {"date": "2026-03-19", "name": "Saint Joseph"},
            {"from": "2026-08-01", "to": "2026-08-15", "name": "Summer, long and warm"},
            {"date": "2026-12-24", "name": "Christmas Eve"},
        ]
    }


def test_what_has_passed_is_left_out_with_a_caution():
    (caution,) = read("holidays").cautions
    assert (caution.code, caution.message) == (
        "past_events",
        "1 event of the past left out.",
    )


def test_timed_events_become_spans_on_whole_minutes():
    spans = [tuple(span.values()) for span in read("timed").document["spans"]]
    assert spans == [
        ("2026-07-01T10:00:00", "2026-07-01T11:01:00", "Floating"),
        ("2026-05-01T20:00:00+00:00", "2026-05-02T04:00:00+00:00", "Move"),
        ("2026-06-01T10:00:00+00:00", "2026-06-01T11:30:00+00:00", "Utc"),
        ("2026-08-01T08:00:00+00:00", "2026-08-01T14:00:00+00:00", "Two zones"),
        ("2026-09-01T08:00:00+00:00", "2026-09-01T09:00:00+00:00", "Prefixed"),
        # A day of DURATION is nominal: 25 hours when the clocks go back.
        ("2026-10-24T20:00:00+00:00", "2026-10-25T22:00:00+00:00", "Longest night"),
    ]
    assert [caution.code for caution in read("timed").cautions] == ["empty_events"]


def test_repeating_events_are_written_out_with_their_exceptions_and_overrides():
    imported = read("recurring")
    spans = [tuple(span.values()) for span in imported.document["spans"]]
    assert spans == [
        ("2026-10-05T20:00:00+00:00", "2026-10-06T00:00:00+00:00", "Backup"),
        ("2026-10-27T21:00:00+00:00", "2026-10-27T22:00:00+00:00", "Backup, moved"),
        ("2026-11-09T21:00:00+00:00", "2026-11-10T01:00:00+00:00", "Backup"),
    ]
    assert imported.document["dates"] == [
        {"date": f"{year}-12-24", "name": "Every Christmas Eve"}
        for year in (2025, 2026, 2027, 2029, 2030)
    ]
    assert [caution.code for caution in imported.cautions] == ["expanded_until"]


def test_listed_dates_and_periods_count_and_the_newest_version_wins():
    document = read("listed").document
    assert document["dates"] == [
        {"date": "2026-01-10", "name": "Inventory"},
        {"date": "2026-03-10", "name": "Inventory"},
    ]
    assert [(span["from"], span["to"]) for span in document["spans"]] == [
        ("2026-04-01T10:00:00+00:00", "2026-04-01T11:00:00+00:00"),
        ("2026-04-02T10:00:00+00:00", "2026-04-02T12:00:00+00:00"),
        ("2026-04-03T10:00:00+00:00", "2026-04-03T10:30:00+00:00"),
    ]


@pytest.mark.parametrize("name", ["holidays", "timed", "recurring", "listed"])
def test_an_imported_calendar_is_canonical(name):
    document = read(name).document
    assert parse_calendar(document).document() == document


def test_an_event_of_many_years_is_cut_into_ranges_that_are_allowed():
    content = event("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20290101")
    ranges = read_ics(content, today=TODAY).document["dates"]
    assert ranges[0] == {"from": "2026-01-01", "to": "2027-01-01", "name": "Night"}
    assert ranges[-1]["to"] == "2028-12-31"


def test_a_byte_order_mark_and_bare_line_feeds_are_accepted():
    content = b"\xef\xbb\xbf" + event("DTSTART;VALUE=DATE:20260101").replace(b"\r\n", b"\n")
    assert read_ics(content, today=TODAY).document["dates"]


def test_control_characters_in_a_name_become_blanks():
    content = event("DTSTART;VALUE=DATE:20260101").replace(b"Night", b"Ni\\ngh\x07t" + b"x" * 500)
    (found,) = read_ics(content, today=TODAY).document["dates"]
    assert found["name"].startswith("Ni gh")
    assert len(found["name"]) == 200


BAD = [
    (b"", "ics"),
    (b"garbage", "ics"),
    (b"\xff\xfe\x00", "ics"),
    (b"\x00" * 1000, "ics"),
    (b"PK\x03\x04", "ics"),
    (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "ics"),
    (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260101T000000\r\n", "ics"),
    (b"END:VCALENDAR\r\n", "ics"),
    (b"BEGIN:X\r\n" * 50_000 + b"END:X\r\n" * 50_000, "ics"),
    (b"a" * (MOST_BYTES + 1), "ics"),
    (event(), "ics.DTSTART"),
    (event("DTSTART:2026"), "ics.DTSTART"),
    (event("DTSTART:20260230T000000"), "ics.DTSTART"),
    (event("DTSTART:20260101T000000", "DTSTART:20260102T000000"), "ics.DTSTART"),
    (event("DTSTART;VALUE=DATE:99991231", "DURATION:P2D"), "ics.DTSTART"),
    (event("DTSTART:20260101T000000", "DTEND;VALUE=DATE:20260102"), "ics.DTEND"),
    (event("DTSTART:20260101T000000", "DTEND:x"), "ics.DTEND"),
    (event("DTSTART:20260101T000000", "DURATION:P99999999W"), None),
    (event("DTSTART:20260101T000000", "DURATION:P9999W"), "ics.DTEND"),
    (event("DTSTART:20260101T000000", "DURATION:soon"), "ics.DURATION"),
    (event("DTSTART;TZID=Mars/Olympus:20260101T000000"), "ics.DTSTART.TZID"),
    (event("DTSTART;TZID=../../etc/passwd:20260101T000000"), "ics.DTSTART.TZID"),
    (event("DTSTART:20260101T000000Z", "RRULE:FREQ=BOGUS"), "ics.RRULE"),
    (event("DTSTART:20260101T000000Z", "EXDATE:yesterday"), "ics.EXDATE"),
    (event("DTSTART:20260101T000000Z", "RECURRENCE-ID:x"), "ics.RECURRENCE-ID"),
    (event("DTSTART;VALUE=DATE:20010101"), "ics"),
]


@pytest.mark.parametrize(("content", "field"), BAD)
def test_a_bad_file_is_refused_in_words(content, field):
    with pytest.raises(RecurrenceError) as caught:
        read_ics(content, today=TODAY)
    assert caught.value.code == "bad_ics"
    assert caught.value.field == (field or caught.value.field)
    assert caught.value.message.isprintable()


def test_an_unknown_zone_is_named_with_the_one_that_is_near():
    with pytest.raises(RecurrenceError) as caught:
        read_ics(event("DTSTART;TZID=Europe/Madird:20260101T000000"), today=TODAY)
    assert '"Europe/Madird" is not an IANA time zone' in caught.value.message
    assert caught.value.hint == "Did you mean Europe/Madrid?"


def test_too_many_events_are_refused_before_they_are_read():
    one = event("DTSTART;VALUE=DATE:20260101").split(b"\r\n", 2)[2].rsplit(b"END:VCALENDAR", 1)[0]
    content = b"BEGIN:VCALENDAR\r\n" + one * 5001 + b"END:VCALENDAR\r\n"
    with pytest.raises(RecurrenceError) as caught:
        read_ics(content, today=TODAY)
    assert caught.value.code == "too_many_entries"


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20300101T000000Z",
        "FREQ=DAILY;COUNT=2;UNTIL=20300101T000000Z",
    ],
)
def test_a_rule_that_is_not_valid_is_refused(rule):
    content = event("DTSTART:20260101T000000Z", "DTEND:20260101T000100Z", f"RRULE:{rule}")
    with pytest.raises(RecurrenceError) as caught:
        read_ics(content, today=TODAY)
    assert caught.value.code == "bad_ics"


@pytest.mark.parametrize(
    ("start", "until"),
    [
        ("DTSTART;TZID=Europe/Madrid:20261120T233000", "20261122T233000"),
        ("DTSTART;TZID=Europe/Madrid:20261120T233000", "20261122T223000Z"),
        ("DTSTART;TZID=Europe/Madrid:20261120T233000", "20261122"),
        ("DTSTART:20261120T233000", "20261122T233000"),
        ("DTSTART;VALUE=DATE:20261120", "20261122"),
        ("DTSTART;VALUE=DATE:20261120", "20261122T000000"),
        ("DTSTART;VALUE=DATE:20261120", "20261122T000000Z"),
    ],
)
def test_an_until_counts_however_exporters_write_it(start, until):
    lasts = "DURATION:P1D" if "VALUE=DATE" in start else "DURATION:PT15M"
    content = event(start, lasts, f"RRULE:FREQ=DAILY;UNTIL={until}")
    document = read_ics(content, today=TODAY).document
    assert [len(entries) for entries in document.values()] == [3]


LISTS = [
    [b"X-A:y"] * 290_000,
    [b"BEGIN:X"] * 100_000 + [b"END:X"] * 100_000,
    [b"BEGIN:VALARM", b"DTSTART:garbage", b"RRULE:FREQ=SECONDLY", b"END:VALARM"],
]


@pytest.mark.parametrize("lines", LISTS, ids=["private", "nested", "alarm"])
def test_lines_that_do_not_matter_are_passed_over(lines):
    content = event("DTSTART;VALUE=DATE:20260101", "@").replace(b"@", b"\r\n".join(lines))
    assert read_ics(content, today=TODAY).document == {
        "dates": [{"date": "2026-01-01", "name": "Night"}]
    }


def test_a_zone_that_the_file_itself_defines_has_no_say():
    zone = b"BEGIN:VTIMEZONE\r\nTZID:Europe/Madrid\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    zone += b"RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\n"
    start = event("DTSTART;TZID=Europe/Madrid:20260101T100000", "DURATION:PT1H")
    content = start.replace(b"BEGIN:VEVENT", zone + b"END:VTIMEZONE\r\nBEGIN:VEVENT")
    (span,) = read_ics(content, today=TODAY).document["spans"]
    assert span["from"] == "2026-01-01T09:00:00+00:00"


def test_a_series_that_ends_before_it_begins_leaves_its_start():
    content = event("DTSTART;VALUE=DATE:20260301", "RRULE:FREQ=DAILY;UNTIL=20260228")
    document = read_ics(content, today=TODAY).document
    assert document["dates"] == [{"date": "2026-03-01", "name": "Night"}]


def test_a_rule_counts_from_its_start_and_not_from_the_year_that_is_read():
    content = event("DTSTART;VALUE=DATE:20200101", "RRULE:FREQ=YEARLY;COUNT=8")
    document = read_ics(content, today=TODAY).document
    assert [one["date"] for one in document["dates"]] == ["2026-01-01", "2027-01-01"]


def test_an_exception_rule_takes_away_what_it_names():
    content = event(
        "DTSTART;VALUE=DATE:20260105",
        "RRULE:FREQ=WEEKLY;COUNT=4",
        "EXRULE:FREQ=WEEKLY;INTERVAL=2",
    )
    document = read_ics(content, today=TODAY).document
    assert [one["date"] for one in document["dates"]] == ["2026-01-12", "2026-01-26"]


def test_a_whole_day_ignores_the_hours_of_its_rule():
    content = event("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=DAILY;BYHOUR=9,10;COUNT=2")
    document = read_ics(content, today=TODAY).document
    assert [one["date"] for one in document["dates"]] == ["2026-01-05", "2026-01-06"]


@pytest.mark.parametrize("until", ["99991231", "99991231T235959", "00010101T000000"])
def test_an_until_at_the_end_of_all_calendars_is_read(until):
    content = event(
        "DTSTART;TZID=America/New_York:20260105T090000",
        "DURATION:PT1H",
        f"RRULE:FREQ=YEARLY;UNTIL={until}",
    )
    spans = read_ics(content, today=TODAY).document["spans"]
    assert len(spans) == (1 if until.startswith("0001") else 6)


def test_a_fold_may_cut_through_a_character():
    content = event("DTSTART;VALUE=DATE:20260101").replace(b"Night", b"Ma\xc3\r\n \xb1ana")
    (found,) = read_ics(content, today=TODAY).document["dates"]
    assert found["name"] == "Ma\u00f1ana"


def test_windows_names_of_zones_are_understood():
    content = event("DTSTART;TZID=Romance Standard Time:20260701T100000", "DURATION:PT1H")
    (span,) = read_ics(content, today=TODAY).document["spans"]
    assert span["from"] == "2026-07-01T08:00:00+00:00"
