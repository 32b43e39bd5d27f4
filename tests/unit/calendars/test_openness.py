"""Open and closed times, and where an occurrence on a closed one goes."""

from datetime import datetime

import pytest

from templates_app.calendars.calendar_set import parse_calendar
from templates_app.calendars.openness import ClosedPolicy, Opening, Outcome, opening
from templates_app.recurrence.zones import find_zone

WORKDAYS = ("mo", "tu", "we", "th", "fr")
OFFICE = {"hours": {day: [["09:00", "17:30"]] for day in WORKDAYS}}
MADRID_HOLIDAYS = {"holidays": [{"country": "ES", "region": "MD"}]}


def build(avoid=(), keep_to=(), zone="Europe/Madrid") -> Opening:
    return opening(
        tuple(parse_calendar(one) for one in avoid),
        tuple(parse_calendar(one) for one in keep_to),
        find_zone(zone),
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


OPEN_OFFICE = build(avoid=[MADRID_HOLIDAYS], keep_to=[OFFICE])


@pytest.mark.parametrize(
    ("local", "reason"),
    [
        ("2026-12-24T10:00", None),
        ("2026-12-24T17:29:59", None),
        ("2026-12-24T17:30", "outside 09:00-17:30"),
        ("2026-12-25T10:00", "Christmas Day (Spain)"),
        ("2026-12-26T10:00", "closed on Saturdays"),
    ],
)
def test_a_closed_time_has_a_reason_and_an_open_one_has_none(local, reason):
    assert OPEN_OFFICE.closed_reason(at(local)) == reason
    assert OPEN_OFFICE.is_open(at(local)) == (reason is None)


def test_a_calendar_that_is_kept_to_names_what_it_excepts():
    office = {**OFFICE, "except": MADRID_HOLIDAYS}
    assert build(keep_to=[office]).closed_reason(at("2026-12-25T10:00")) == "Christmas Day (Spain)"


def test_every_calendar_that_is_kept_to_must_hold_the_time():
    both = build(keep_to=[OFFICE, {"weekdays": ["mo"]}])
    assert both.is_open(at("2026-12-21T10:00"))
    assert both.closed_reason(at("2026-12-22T10:00")) == "outside Mondays"
    assert both.closed_reason(at("2026-12-21T08:00")) == "outside 09:00-17:30"


def test_without_calendars_every_time_is_open():
    assert build().is_open(at("2026-12-25T03:00"))
    assert build().describe() == ""


def test_the_opening_is_described_in_a_clause():
    assert OPEN_OFFICE.describe() == (
        "only during business hours, except public holidays in Spain (Madrid)"
    )


@pytest.mark.parametrize(
    ("policy", "local", "moved"),
    [
        ("next_open", "2026-12-25T10:00", "2026-12-28T09:00"),
        ("next_open", "2026-12-23T17:30", "2026-12-24T09:00"),
        ("next_open", "2026-12-23T08:59:59", "2026-12-23T09:00"),
        ("previous_open", "2026-12-25T10:00", "2026-12-24T17:29"),
        ("previous_open", "2026-12-23T17:30", "2026-12-23T17:29"),
        ("previous_open", "2026-12-23T08:00", "2026-12-22T17:29"),
        ("next_business_day", "2026-12-25T10:15:30", "2026-12-28T10:15:30"),
        ("previous_business_day", "2026-12-27T10:15:30", "2026-12-24T10:15:30"),
    ],
)
def test_an_occurrence_on_a_closed_time_moves(policy, local, moved):
    result = OPEN_OFFICE.move(at(local), ClosedPolicy(policy))
    assert result.outcome is Outcome.MOVED
    assert result.local == at(moved)
    assert result.instant == find_zone("Europe/Madrid").instant(at(moved))
    assert result.reason == OPEN_OFFICE.closed_reason(at(local))


@pytest.mark.parametrize("policy", ClosedPolicy)
def test_an_open_occurrence_stays_where_it_is(policy):
    local = at("2026-12-24T10:00:07")
    result = OPEN_OFFICE.move(local, policy)
    assert (result.outcome, result.local, result.reason) == (Outcome.KEPT, local, None)


def test_a_skipped_occurrence_does_not_run_and_says_why():
    result = OPEN_OFFICE.move(at("2026-12-25T10:00"), ClosedPolicy.SKIP)
    assert (result.outcome, result.local, result.instant) == (Outcome.SKIPPED, None, None)
    assert result.reason == "Christmas Day (Spain)"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("next_open", "2020-05-01; nothing is open in the 366 days after it"),
        ("previous_open", None),
        ("next_business_day", "2020-05-01; 10:00 is open on none of the 366 days after it"),
        ("previous_business_day", None),
    ],
)
def test_what_finds_nothing_open_within_a_year_is_closed_for_good(policy, reason):
    until_may = build(
        avoid=[
            {
                "dates": [
                    {"from": "2020-05-01", "to": "2021-05-01"},
                    {"from": "2021-05-02", "to": "2022-01-01"},
                ]
            }
        ],
    )
    result = until_may.move(at("2020-05-01T10:00"), ClosedPolicy(policy))
    assert result.outcome is (Outcome.CLOSED_FOR_GOOD if reason else Outcome.MOVED)
    assert result.reason == (reason or "2020-05-01")


def test_a_wall_time_outside_the_hours_has_no_business_day():
    result = OPEN_OFFICE.move(at("2026-12-23T20:00"), ClosedPolicy.NEXT_BUSINESS_DAY)
    assert result.outcome is Outcome.CLOSED_FOR_GOOD
    assert result.reason == "outside 09:00-17:30; 20:00 is open on none of the 366 days after it"


def test_hours_across_midnight_stay_open_into_the_next_day():
    night = build(keep_to=[{"hours": {"fr": [["22:00", "06:00"]]}}])
    assert night.is_open(at("2026-12-26T05:59"))
    assert night.closed_reason(at("2026-12-26T07:00")) == "outside 00:00-06:00"
    assert night.closed_reason(at("2026-12-24T07:00")) == "closed on Thursdays"
    assert night.move(at("2026-12-26T06:00"), ClosedPolicy.NEXT_OPEN).local == at(
        "2027-01-01T22:00"
    )


def test_an_opening_in_a_gap_begins_where_the_gap_ends():
    # Clocks go from 02:00 to 03:00 on 2026-03-29.
    early = build(keep_to=[{"hours": {"su": [["02:30", "05:00"]]}}])
    moved = early.move(at("2026-03-29T01:00"), ClosedPolicy.NEXT_OPEN)
    assert moved.local == at("2026-03-29T03:00")
    assert moved.instant == at("2026-03-29T01:00")


def test_hours_that_lie_in_a_gap_do_not_open_that_day():
    missing = build(keep_to=[{"hours": {"su": [["02:00", "03:00"]]}}])
    moved = missing.move(at("2026-03-29T01:00"), ClosedPolicy.NEXT_OPEN)
    assert moved.local == at("2026-04-05T02:00")


def test_hours_in_an_overlap_open_in_both_passes():
    # Clocks go back from 03:00 to 02:00 on 2026-10-25.
    twice = build(keep_to=[{"hours": {"su": [["02:00", "02:15"]]}}])
    moved = twice.move(at("2026-10-25T02:15"), ClosedPolicy.NEXT_OPEN)
    assert moved.local == at("2026-10-25T02:00")
    assert moved.local is not None
    assert moved.local.fold == 1
    assert moved.instant == at("2026-10-25T01:00")
    back = twice.move(at("2026-10-25T04:00"), ClosedPolicy.PREVIOUS_OPEN)
    assert back.local is not None
    assert (back.local, back.local.fold) == (at("2026-10-25T02:14"), 1)


def test_a_nominal_time_in_a_gap_is_judged_by_its_name():
    office = build(keep_to=[{"hours": {"su": [["02:00", "03:00"]]}}])
    assert office.is_open(at("2026-03-29T02:30"), at("2026-03-29T01:30"))


def test_a_day_that_was_left_out_is_passed_over():
    # Samoa had no 30 December 2011, a Friday.
    friday = build(keep_to=[{"weekdays": ["fr"]}], zone="Pacific/Apia")
    assert friday.move(at("2011-12-28T12:00"), ClosedPolicy.NEXT_OPEN).local == at(
        "2012-01-06T00:00"
    )


def test_closed_occurrences_can_be_passed_over_at_once():
    madrid = find_zone("Europe/Madrid")
    evening = madrid.instant(at("2026-12-24T17:30"))
    reopens = madrid.instant(at("2026-12-28T09:00"))
    assert OPEN_OFFICE.open_from(evening) == reopens
    assert OPEN_OFFICE.open_from(reopens) == reopens
    assert OPEN_OFFICE.open_until(reopens) == madrid.instant(at("2026-12-28T17:30"))
    assert OPEN_OFFICE.open_until(evening) == evening


def test_a_stretch_without_end_has_no_end():
    assert build().open_until(at("2026-01-01T00:00")) is None
    everyday = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
    assert build(avoid=[everyday]).open_from(at("2026-01-01T00:00")) is None


def test_an_open_stretch_goes_on_over_midnight_and_years():
    new_year = build(avoid=[{"dates": ["2026-12-01", "2027-02-01"]}], zone="UTC")
    assert new_year.open_until(at("2026-12-02T05:00")) == at("2027-02-01T00:00")


@pytest.mark.parametrize("policy", ClosedPolicy)
def test_the_end_of_all_known_years_is_no_error(policy):
    shut = build(avoid=[{"weekdays": ["sa", "su"]}])
    saturday = at("9998-12-26T12:00")
    assert not shut.is_open(saturday)
    assert shut.move(saturday, policy).outcome is not Outcome.KEPT


def test_templates_with_the_same_calendars_share_one_opening():
    assert build(avoid=[MADRID_HOLIDAYS], keep_to=[OFFICE]) is OPEN_OFFICE
