"""What is in a calendar, and the words for it."""

from datetime import date, datetime, timedelta

import pytest

from templates_app.calendars.calendar_set import Cover, combine, parse_calendar
from templates_app.calendars.sources import names_of_year
from templates_app.recurrence.zones import find_zone

MADRID = find_zone("Europe/Madrid")


def words(document, local: str, zone=MADRID) -> str | None:
    wall = datetime.fromisoformat(local)
    cover = parse_calendar(document).covers(wall, zone.instant(wall))
    return cover.words if cover else None


def holidays_of(place, year) -> set[str]:
    (source,) = parse_calendar({"holidays": [place]}).definition.holidays
    return {day.isoformat() for day in names_of_year(source, year)}


NATIONAL_2026 = {"01-01", "01-06", "04-03", "05-01", "08-15", "10-12", "12-08", "12-25"}


def test_madrid_has_the_days_of_spain_and_its_own():
    # Boletín Oficial del Estado: the days of 2026 that no region may replace.
    spain = holidays_of({"country": "ES"}, 2026)
    madrid = holidays_of({"country": "ES", "region": "MD"}, 2026)
    assert spain == {f"2026-{day}" for day in NATIONAL_2026}
    assert madrid - spain == {"2026-04-02", "2026-05-02", "2026-11-02", "2026-12-07"}


def test_bavaria_has_the_days_of_germany_and_its_own():
    germany = holidays_of({"country": "DE"}, 2026)
    bavaria = holidays_of({"country": "DE", "region": "BY"}, 2026)
    assert germany == {
        f"2026-{day}"
        for day in ["01-01", "04-03", "04-06", "05-01", "05-14", "05-25", "10-03", "12-25", "12-26"]
    }
    assert bavaria - germany == {"2026-01-06", "2026-06-04", "2026-11-01"}


def test_a_holiday_on_a_saturday_is_observed_on_friday_in_the_united_states():
    assert {"2026-07-03", "2026-07-04"} <= holidays_of({"country": "US"}, 2026)
    assert words({"holidays": [{"country": "US"}]}, "2026-07-03T12:00") == (
        "Independence Day (observed) (the United States)"
    )


def test_markets_have_their_own_days():
    exchange = holidays_of({"market": "XNYS"}, 2026)
    assert "2026-04-03" in exchange
    assert "2026-11-11" not in exchange


def test_a_holiday_lasts_from_midnight_to_midnight_of_the_templates_zone():
    christmas = {"holidays": [{"country": "ES"}]}
    assert words(christmas, "2026-12-24T23:59:59") is None
    assert words(christmas, "2026-12-25T00:00") == "Christmas Day (Spain)"
    assert words(christmas, "2026-12-25T23:59:59") == "Christmas Day (Spain)"
    assert words(christmas, "2026-12-26T00:00") is None
    auckland = find_zone("Pacific/Auckland")
    assert words(christmas, "2026-12-25T00:00", auckland) == "Christmas Day (Spain)"


def test_years_beyond_the_data_have_no_holidays():
    assert holidays_of({"country": "ES"}, 1995) == set()
    assert holidays_of({"country": "ES"}, 2150) == set()


@pytest.mark.parametrize(
    ("document", "local", "expected"),
    [
        ({"dates": ["2026-12-24"]}, "2026-12-24T10:00", "2026-12-24"),
        ({"dates": [{"date": "2026-12-24", "name": "Eve"}]}, "2026-12-24T10:00", "Eve"),
        ({"dates": [{"every_year": "12-24"}]}, "2031-12-24T10:00", "24 December"),
        ({"dates": [{"every_year": "12-24"}]}, "2031-12-25T10:00", None),
        ({"dates": [{"every_year": "12-20", "to": "01-06"}]}, "2031-01-06T23:59", "6 January"),
        ({"dates": [{"every_year": "12-20", "to": "01-06"}]}, "2031-12-20T00:00", "20 December"),
        ({"dates": [{"every_year": "12-20", "to": "01-06"}]}, "2031-01-07T00:00", None),
        ({"dates": [{"every_year": "02-29"}]}, "2027-02-28T00:00", None),
        ({"dates": [{"from": "2026-08-01", "to": "2026-08-15"}]}, "2026-08-15T23:59", "2026-08-15"),
        ({"dates": [{"from": "2026-08-01", "to": "2026-08-15"}]}, "2026-08-16T00:00", None),
        ({"weekdays": ["sa"]}, "2026-12-26T12:00", "Saturday"),
        ({"weekdays": ["sa"]}, "2026-12-27T00:00", None),
        ({"hours": {"mo": [["09:00", "17:30"]]}}, "2026-12-21T09:00", "within business hours"),
        ({"hours": {"mo": [["09:00", "17:30"]]}}, "2026-12-21T17:29:59", "within business hours"),
        ({"hours": {"mo": [["09:00", "17:30"]]}}, "2026-12-21T17:30", None),
        ({"hours": {"mo": [["22:00", "06:00"]]}}, "2026-12-22T05:59", "within weekly hours"),
        ({"hours": {"mo": [["22:00", "06:00"]]}}, "2026-12-22T06:00", None),
        ({"hours": {"mo": [["22:00", "06:00"]]}}, "2026-12-21T05:59", None),
        ({"hours": {"su": [["22:00", "06:00"]]}}, "2026-12-21T05:59", "within weekly hours"),
        (
            {"spans": [{"from": "2026-01-01T10:00", "to": "2026-01-01T12:00"}]},
            "2026-01-01T11:59:59",
            "a closed period",
        ),
        (
            {"spans": [{"from": "2026-01-01T10:00", "to": "2026-01-01T12:00", "name": "Move"}]},
            "2026-01-01T12:00",
            None,
        ),
        (
            {"weekdays": ["sa"], "except": {"dates": ["2026-12-26"]}},
            "2026-12-26T12:00",
            None,
        ),
        ({"any_of": [{"weekdays": ["sa"]}, {"weekdays": ["su"]}]}, "2026-12-27T12:00", "Sunday"),
    ],
)
def test_a_time_is_in_the_set_for_a_reason(document, local, expected):
    assert words(document, local) == expected


def test_of_ranges_that_overlap_the_earlier_gives_its_name():
    summer = {"from": "2026-08-01", "to": "2026-08-31", "name": "Summer"}
    party = {"from": "2026-08-30", "to": "2026-09-02", "name": "Party"}
    calendar = {"dates": [party, summer]}
    assert words(calendar, "2026-08-30T12:00") == "Summer"
    assert words(calendar, "2026-09-02T12:00") == "Party"


def test_a_span_with_an_offset_is_the_same_instant_in_every_zone():
    span = {"from": "2026-05-01T22:00:00+02:00", "to": "2026-05-02T06:00:00+02:00"}
    calendar = {"spans": [{**span, "name": "Move"}]}
    tokyo = find_zone("Asia/Tokyo")
    assert words(calendar, "2026-05-01T21:59") is None
    assert words(calendar, "2026-05-01T22:00") == "Move"
    assert words(calendar, "2026-05-02T05:00", tokyo) == "Move"
    assert words(calendar, "2026-05-02T04:59", tokyo) is None


def test_a_span_with_an_offset_tells_the_two_passes_of_an_hour_apart():
    span = {"from": "2026-10-25T00:00:00+00:00", "to": "2026-10-25T01:00:00+00:00"}
    calendar = parse_calendar({"spans": [{**span, "name": "Move"}]})
    first = datetime.fromisoformat("2026-10-25T02:30")
    second = first.replace(fold=1)
    assert calendar.covers(first, MADRID.instant(first)) == Cover("span", "Move")
    assert calendar.covers(second, MADRID.instant(second)) is None


def test_a_combination_holds_what_any_of_its_calendars_holds():
    both = combine(parse_calendar({"weekdays": ["sa"]}), parse_calendar({"dates": ["2026-12-24"]}))
    start = date(2026, 12, 20)
    days = [datetime.fromisoformat("2026-12-20T12:00") + timedelta(days=n) for n in range(8)]
    held = [day.date() - start for day in days if both.covers(day, day)]
    assert [gap.days for gap in held] == [4, 6]
