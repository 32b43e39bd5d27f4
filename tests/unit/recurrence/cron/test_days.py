"""The two day fields: rules of the month, and how the fields combine."""

from datetime import date, datetime
from itertools import islice, takewhile

import pytest

from templates_app.recurrence.cron import DayMatch, parse_cron


def _days_of(expression: str, year: int, day_match: DayMatch = "or") -> list[date]:
    walls = parse_cron(expression, day_match=day_match).walls(datetime(year, 1, 1))
    return [wall.date() for wall in takewhile(lambda wall: wall.year == year, walls)]


def test_either_day_field_matches_when_both_are_restricted() -> None:
    days = _days_of("0 0 13 * FRI", 2026)

    assert len(days) == 52 + 12 - 3
    assert all(day.day == 13 or day.isoweekday() == 5 for day in days)


def test_both_day_fields_have_to_match_on_request() -> None:
    days = _days_of("0 0 13 * FRI", 2026, "and")

    assert days == [date(2026, 2, 13), date(2026, 3, 13), date(2026, 11, 13)]


@pytest.mark.parametrize("expression", ["0 16 */2 * sat", "0 16 */2,31 * sat"])
def test_day_field_that_begins_with_a_star_counts_as_unrestricted(expression: str) -> None:
    days = _days_of(expression, 2026)

    assert days
    assert all(day.isoweekday() == 6 and day.day % 2 for day in days)


def test_star_that_does_not_lead_counts_as_restricted() -> None:
    assert len(_days_of("0 0 1,*/2 * sat", 2026)) > len(_days_of("0 0 */2,1 * sat", 2026)) * 4


def test_leading_star_in_the_weekday_field_narrows_too() -> None:
    days = _days_of("1 1 1-7 * */7", 2020)

    assert len(days) == 12
    assert all(day.isoweekday() == 7 and day.day <= 7 for day in days)


@pytest.mark.parametrize("expression", ["0 0 ? * MON", "0 0 * * MON"])
@pytest.mark.parametrize("day_match", ["or", "and"])
def test_question_mark_and_star_restrict_nothing(expression: str, day_match: DayMatch) -> None:
    days = _days_of(expression, 2026, day_match)

    assert len(days) == 52
    assert all(day.isoweekday() == 1 for day in days)


def test_question_marks_in_both_day_fields_mean_every_day() -> None:
    assert len(_days_of("0 0 ? * ?", 2026)) == 365


@pytest.mark.parametrize(
    ("expression", "day_match", "codes"),
    [
        ("0 0 13 * FRI", "or", ["both_days"]),
        ("0 0 13 * FRI", "and", ["both_days"]),
        ("0 0 */2 * FRI", "or", ["both_days"]),
        ("0 0 */100 * FRI", "or", ["both_days", "step_beyond_range"]),
        ("0 0 L * 5L", "or", ["both_days"]),
        ("15-40/30 * * * *", "or", ["step_beyond_range"]),
        ("0 0 */1 * FRI", "or", []),
        ("0 0 13 * 0-6", "or", []),
        ("0 0 ? * FRI", "or", []),
        ("0 0 13 * *", "or", []),
    ],
)
def test_people_are_warned_of_what_is_seldom_meant(
    expression: str, day_match: DayMatch, codes: list[str]
) -> None:
    cautions = parse_cron(expression, day_match=day_match).cautions

    assert [caution.code for caution in cautions] == codes


def test_warning_names_both_meanings() -> None:
    (caution,) = parse_cron("0 0 13 * FRI").cautions

    assert "either" in caution.message
    assert caution.hint is not None
    assert 'day_match to "and"' in caution.hint


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 0 L * *", [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]),
        ("0 0 L-3 * *", [28, 25, 28, 27, 28, 27, 28, 28, 27, 28, 27, 28]),
        ("0 0 LW * *", [30, 27, 31, 30, 29, 30, 31, 31, 30, 30, 30, 31]),
        ("0 0 1W * *", [1, 2, 2, 1, 1, 1, 1, 3, 1, 1, 2, 1]),
        ("0 0 15W * *", [15, 16, 16, 15, 15, 15, 15, 14, 15, 15, 16, 15]),
        ("0 0 L-2W * *", [29, 26, 30, 28, 29, 29, 29, 28, 28, 29, 27, 29]),
        ("0 0 30W * *", [30, 30, 30, 29, 30, 30, 31, 30, 30, 30, 30]),
        ("0 0 31W * *", [30, 31, 29, 31, 31, 30, 31]),
        ("0 0 * * MON#1", [5, 2, 2, 6, 4, 1, 6, 3, 7, 5, 2, 7]),
        ("0 0 * * 7#5", [29, 31, 30, 29]),
        ("0 0 * * FRIL", [30, 27, 27, 24, 29, 26, 31, 28, 25, 30, 27, 25]),
        ("0 0 * * fri#L", [30, 27, 27, 24, 29, 26, 31, 28, 25, 30, 27, 25]),
        ("0 0 * * 5#-1", [30, 27, 27, 24, 29, 26, 31, 28, 25, 30, 27, 25]),
        ("0 0 * * L5", [30, 27, 27, 24, 29, 26, 31, 28, 25, 30, 27, 25]),
        ("0 0 1W,15,LW 2,5 *", [2, 15, 27, 1, 15, 29]),
        ("0 0 * 2 MON,TUE#2,5L", [2, 9, 10, 16, 23, 27]),
    ],
)
def test_rules_of_the_month_in_2026(expression: str, days: list[int]) -> None:
    assert [day.day for day in _days_of(expression, 2026)] == days


def test_nearest_weekday_past_the_end_of_a_month_skips_the_month() -> None:
    walls = parse_cron("0 0 30W * *").walls(datetime(2026, 1, 31))

    assert next(walls) == datetime(2026, 3, 30)


def test_nearest_weekday_stays_in_its_month() -> None:
    walls = parse_cron("0 0 31W 5 *").walls(datetime(2020, 5, 1))

    assert list(islice(walls, 2)) == [datetime(2020, 5, 29), datetime(2021, 5, 31)]
