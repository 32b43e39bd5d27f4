"""Calendars are read strictly and printed canonically."""

import json

import pytest

from templates_app.calendars.calendar_set import combine, parse_calendar
from templates_app.calendars.cautions import beyond_data, cautions_of
from templates_app.calendars.sources import Source
from templates_app.recurrence.errors import RecurrenceError

FULL = {
    "holidays": [{"country": "ESP", "region": "Madrid"}, {"market": "NYSE"}],
    "dates": [
        {"every_year": "12-24", "name": "Christmas Eve"},
        {"every_year": "12-20", "to": "01-06"},
        {"from": "2026-08-01", "to": "2026-08-15", "name": " Summer "},
        "2026-12-23",
        {"date": "2026-12-23"},
    ],
    "hours": {"sa": [["16:00", "24:00"], ["10:00", "14:00"]], "su": [], "mo": [["22:00", "00:00"]]},
    "weekdays": ["su", "sa", "su"],
    "spans": [
        {"from": "2026-05-01T22:00:00+02:00", "to": "2026-05-02T06:00Z", "name": "Move"},
        {"from": "2026-01-01T10:00", "to": "2026-01-01T12:00:00"},
    ],
    "any_of": [{"weekdays": ["mo"]}],
    "except": {"dates": ["2026-03-01"]},
}
CANONICAL = {
    "holidays": [
        {"market": "XNYS", "categories": ["public"]},
        {"country": "ES", "region": "MD", "categories": ["public"]},
    ],
    "dates": [
        {"from": "2026-08-01", "to": "2026-08-15", "name": "Summer"},
        {"date": "2026-12-23"},
        {"every_year": "12-20", "to": "01-06"},
        {"every_year": "12-24", "name": "Christmas Eve"},
    ],
    "hours": {"mo": [["22:00", "24:00"]], "sa": [["10:00", "14:00"], ["16:00", "24:00"]]},
    "weekdays": ["sa", "su"],
    "spans": [
        {"from": "2026-01-01T10:00:00", "to": "2026-01-01T12:00:00"},
        {"from": "2026-05-01T22:00:00+02:00", "to": "2026-05-02T06:00:00+00:00", "name": "Move"},
    ],
    "any_of": [{"weekdays": ["mo"]}],
    "except": {"dates": [{"date": "2026-03-01"}]},
}


def test_a_definition_is_printed_canonically():
    assert parse_calendar(FULL).document() == CANONICAL


def test_a_canonical_definition_is_printed_as_it_is():
    assert parse_calendar(CANONICAL).document() == CANONICAL
    assert parse_calendar(CANONICAL) == parse_calendar(FULL)


def test_the_same_text_gives_the_same_object():
    assert parse_calendar(FULL) is parse_calendar(json.loads(json.dumps(FULL)))


def test_a_name_tells_two_calendars_apart():
    named = parse_calendar({"weekdays": ["sa"]}, "Closing days")
    assert named.describe() == "Closing days"
    assert named != parse_calendar({"weekdays": ["sa"]})


def _nested(depth: int) -> dict[str, object]:
    return {"any_of": [_nested(depth - 1)]} if depth else {"weekdays": ["mo"]}


INVALID = [
    ({}, "empty", "definition", "The calendar is empty."),
    ({"dates": []}, "empty", "definition", "The calendar is empty."),
    ({"except": {"weekdays": ["mo"]}}, "empty", "definition", "The calendar is empty."),
    ([], "not_an_object", "definition", "This is not a JSON object."),
    (None, "not_an_object", "definition", "This is not a JSON object."),
    ({"holiday": []}, "unknown_key", "holiday", '"holiday" is not known here.'),
    ({"dates": "2026-01-01"}, "not_a_list", "dates", "dates is not a list."),
    ({"dates": None, "weekdays": ["mo"]}, "not_a_list", "dates", "dates is not a list."),
    ({"dates": ["2026-02-30"]}, "bad_date", "dates.0", "2026-02-30 is not a date."),
    ({"dates": [{"date": "2026-02-30"}]}, "bad_date", "dates.0.date", "2026-02-30 is not a date."),
    ({"dates": ["20260230"]}, "bad_date", "dates.0", "20260230 is not a date."),
    ({"dates": ["٢٠٢٦-01-01"]}, "bad_date", "dates.0", "٢٠٢٦-01-01 is not a date."),
    ({"dates": [20260101]}, "not_an_object", "dates.0", "This is not a JSON object."),
    ({"dates": [{"name": "x"}]}, "bad_date", "dates.0", None),
    ({"dates": [{"date": "2026-01-01", "to": "2026-01-02"}]}, "bad_date", "dates.0", None),
    ({"dates": ["1890-01-01"]}, "year_out_of_range", "dates.0", None),
    ({"dates": ["9999-12-31"]}, "year_out_of_range", "dates.0", None),
    ({"dates": [{"from": "2026-08-02", "to": "2026-08-01"}]}, "empty_window", "dates.0.to", None),
    ({"dates": [{"from": "2026-01-01", "to": "2027-01-02"}]}, "too_long", "dates.0.to", None),
    ({"dates": [{"every_year": "02-30"}]}, "bad_date", "dates.0.every_year", None),
    ({"dates": [{"every_year": "12-24", "to": "13-01"}]}, "bad_date", "dates.0.to", None),
    ({"dates": [{"date": "2026-01-01", "name": "a\x00b"}]}, "bad_name", "dates.0.name", None),
    ({"dates": [{"date": "2026-01-01", "name": "\ud800"}]}, "bad_name", "dates.0.name", None),
    ({"dates": [{"date": "2026-01-01", "name": "x" * 201}]}, "bad_name", "dates.0.name", None),
    ({"dates": [{"date": "2026-01-01", "name": 7}]}, "bad_name", "dates.0.name", None),
    ({"dates": ["2026-01-01"] * 5001}, "too_many_entries", "dates", None),
    ({"hours": {"monday": []}}, "unknown_key", "hours.monday", None),
    ({"hours": {"mo": ["09:00", "17:00"]}}, "not_a_list", "hours.mo.0", None),
    ({"hours": {"mo": [["09:00"]]}}, "bad_time", "hours.mo.0", None),
    (
        {"hours": {"mo": [["9:00", "17:00"]]}},
        "bad_time",
        "hours.mo.0.0",
        "9:00 is not a time of day.",
    ),
    ({"hours": {"mo": [["09:00", "24:01"]]}}, "bad_time", "hours.mo.0.1", None),
    ({"hours": {"mo": [["09:60", "24:00"]]}}, "bad_time", "hours.mo.0.0", None),
    ({"hours": {"mo": [["24:00", "03:00"]]}}, "bad_time", "hours.mo.0.0", None),
    (
        {"hours": {"mo": [["22:00", "22:00"]]}},
        "empty_window",
        "hours.mo.0.1",
        "The window is empty: it starts and ends at 22:00.",
    ),
    ({"weekdays": ["sat"]}, "unknown_weekday", "weekdays.0", "sat is not a weekday."),
    ({"weekdays": [5]}, "unknown_weekday", "weekdays.0", "5 is not a weekday."),
    ({"weekdays": [["mo"]]}, "unknown_weekday", "weekdays.0", None),
    ({"spans": [{"from": "2026-05-01", "to": "2026-05-02"}]}, "bad_moment", "spans.0.from", None),
    ({"spans": [{"from": "2026-05-01T10:00"}]}, "bad_moment", "spans.0.to", None),
    (
        {"spans": [{"from": "2026-05-01T10:00", "to": "2026-05-01T12:00Z"}]},
        "mixed_offsets",
        "spans.0.to",
        None,
    ),
    (
        {"spans": [{"from": "2026-05-01T10:00:01", "to": "2026-05-01T12:00"}]},
        "not_a_whole_minute",
        "spans.0.from",
        None,
    ),
    (
        {"spans": [{"from": "2026-05-01T12:00+02:00", "to": "2026-05-01T10:00Z"}]},
        "empty_window",
        "spans.0.to",
        None,
    ),
    (
        {"spans": [{"from": "2026-05-01T12:00", "to": "2028-05-01T10:00"}]},
        "too_long",
        "spans.0.to",
        None,
    ),
    ({"any_of": [{"dates": ["x"]}]}, "bad_date", "any_of.0.dates.0", None),
    ({"weekdays": ["mo"], "except": {"weekdays": ["x"]}}, "unknown_weekday", None, None),
    (_nested(3), "too_deep", "any_of.0.any_of.0.any_of.0", None),
    (_nested(300), "too_deep", None, None),
    ({"holidays": ["ES"]}, "not_an_object", "holidays.0", None),
    ({"holidays": [{}]}, "country_or_market", "holidays.0", None),
    ({"holidays": [{"country": "ES", "market": "XNYS"}]}, "country_or_market", "holidays.0", None),
    (
        {"holidays": [{"market": "XNYS", "region": "NY"}]},
        "unknown_region",
        "holidays.0.region",
        None,
    ),
    ({"holidays": [{"country": "ES", "categories": []}]}, "unknown_category", None, None),
    (
        {"holidays": [{"country": "ES", "categories": ["bank"]}]},
        "unknown_category",
        "holidays.0.categories.0",
        "bank is not a category of holidays that is known for ES.",
    ),
]


@pytest.mark.parametrize(("document", "code", "field", "message"), INVALID)
def test_what_is_not_understood_is_refused_with_its_place(document, code, field, message):
    with pytest.raises(RecurrenceError) as caught:
        parse_calendar(document)
    assert caught.value.code == code
    assert caught.value.field == (field or caught.value.field)
    assert caught.value.message == (message or caught.value.message)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("entry", "field", "hint"),
    [
        ({"country": "es"}, "country", "Did you mean ES (Spain)?"),
        ({"country": "Spain"}, "country", "Did you mean ES (Spain)?"),
        ({"country": "Germny"}, "country", "Did you mean DE (Germany)?"),
        ({"country": "Q"}, "country", "Write an ISO 3166 code such as ES or US."),
        ({"country": 34}, "country", "Write an ISO 3166 code such as ES or US."),
        ({"country": "ES", "region": "Madird"}, "region", "Did you mean Madrid?"),
        ({"country": "DE", "region": "Bayren"}, "region", "Did you mean Bayern?"),
        ({"country": "FR", "region": ["Bretagne"]}, "region", None),
        ({"market": "XNY"}, "market", "Did you mean XNYS?"),
    ],
)
def test_an_unknown_place_gets_the_one_that_was_probably_meant(entry, field, hint):
    with pytest.raises(RecurrenceError) as caught:
        parse_calendar({"holidays": [entry]})
    assert caught.value.code == f"unknown_{field}"
    assert caught.value.field == f"holidays.0.{field}"
    assert caught.value.hint
    assert caught.value.hint == (hint or caught.value.hint)


def test_entries_are_counted_over_all_members():
    days = [f"2026-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    member = {"dates": [{"date": day, "name": f"{day} {n}"} for day in days for n in range(10)]}
    parse_calendar(member)
    with pytest.raises(RecurrenceError, match="6,720 entries") as caught:
        parse_calendar({"any_of": [member, member]})
    assert caught.value.code == "too_many_entries"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"holidays": [{"country": "ES", "region": "MD"}]}, "public holidays in Spain (Madrid)"),
        ({"holidays": [{"country": "US"}]}, "public holidays in the United States"),
        ({"holidays": [{"market": "NYSE"}]}, "holidays of the NY Stock Exchange"),
        ({"hours": {"mo": [["09:00", "17:00"]]}}, "business hours"),
        ({"hours": {"mo": [["22:00", "06:00"]]}}, "weekly hours"),
        ({"weekdays": ["sa", "su"]}, "weekends"),
        ({"weekdays": ["mo", "we", "fr"]}, "Mondays, Wednesdays and Fridays"),
        ({"dates": [{"date": "2026-12-24", "name": "Company day"}]}, "“Company day”"),
        ({"dates": ["2026-12-24", "2026-12-31"]}, "2 dates"),
        ({"spans": [{"from": "2026-01-01T10:00", "to": "2026-01-01T12:00"}]}, "one period"),
        (
            {"weekdays": ["sa"], "except": {"dates": ["2026-12-19"]}},
            "Saturdays except one date",
        ),
    ],
)
def test_a_calendar_without_a_name_is_described_by_what_it_holds(document, words):
    assert parse_calendar(document).describe() == words


def test_combined_calendars_print_as_one_definition():
    first, second = parse_calendar({"weekdays": ["sa"]}), parse_calendar({"weekdays": ["su"]})
    both = combine(first, second, first, name="Weekend")
    assert both.document() == {"any_of": [{"weekdays": ["sa"]}, {"weekdays": ["su"]}]}
    assert both == parse_calendar(both.document(), "Weekend")


def test_hours_beside_holidays_get_a_caution():
    mixed = {"hours": {"mo": [["09:00", "17:00"]]}, "holidays": [{"country": "ES"}]}
    excepted = {"hours": mixed["hours"], "except": {"holidays": mixed["holidays"]}}
    assert [one.code for one in cautions_of(parse_calendar(mixed).definition)] == ["hours_and_days"]
    assert cautions_of(parse_calendar(excepted).definition) == ()


def test_the_leap_day_of_every_year_gets_a_caution():
    leap = parse_calendar({"dates": [{"every_year": "02-29"}]})
    assert [one.code for one in cautions_of(leap.definition)] == ["leap_day"]


def test_hours_of_a_weekday_that_is_whole_anyway_get_a_caution():
    week = {"hours": {"mo": [["09:00", "17:00"]], "sa": [["09:00", "12:00"]]}}
    (caution,) = cautions_of(parse_calendar({**week, "weekdays": ["sa", "su"]}).definition)
    assert (caution.code, caution.field) == ("hours_and_weekdays", "hours")
    assert caution.message == "The calendar holds the whole of Saturdays; their hours add nothing."
    assert cautions_of(parse_calendar({**week, "weekdays": ["su"]}).definition) == ()


def test_cautions_of_members_name_their_path():
    leap = {"dates": [{"every_year": "02-29"}]}
    nested = {"weekdays": ["sa"], "any_of": [{"weekdays": ["su"]}, leap], "except": leap}
    found = cautions_of(parse_calendar(nested).definition)
    assert [one.field for one in found] == ["any_of.1.dates", "except.dates"]


def test_holidays_that_end_before_those_of_other_countries_get_a_caution():
    sources = [Source("ES", "", "", ("public",)), Source("LK", "", "", ("public",))]
    ends = [source.known_until for source in sources]
    assert ends[0] > ends[1]
    document = {"holidays": [{"country": "ES"}, {"country": "LK"}]}
    (caution,) = cautions_of(parse_calendar(document).definition)
    assert (caution.code, caution.field) == ("holidays_end", "holidays")
    assert f"in Sri Lanka are known until {ends[1]} only" in caution.message


def test_a_plan_beyond_the_holidays_that_are_known_gets_a_caution_for_each_source():
    spain, tokyo = {"holidays": [{"country": "ES"}]}, {"holidays": [{"market": "XJPX"}]}
    weekend = {"weekdays": ["sa"], "except": spain}
    definitions = [parse_calendar(one).definition for one in (spain, weekend, tokyo)]
    assert beyond_data(definitions, 2099) == ()
    (caution,) = beyond_data(definitions, 2100)
    assert "2099" in caution.message
    assert len(beyond_data(definitions, 2101)) == 2
