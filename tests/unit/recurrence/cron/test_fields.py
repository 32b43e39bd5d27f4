"""Ranges, wraps, steps, names: the values of one field."""

import pytest

from templates_app.recurrence.cron import parse_cron
from templates_app.recurrence.cron.terms import Every, LastDay, NthWeekday, Single, Span


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("23-3/2", (1, 3, 23)),
        ("22-6", (0, 1, 2, 3, 4, 5, 6, 22, 23)),
        ("22-6/3", (1, 4, 22)),
        ("23-22", tuple(range(24))),
        ("5-5", (5,)),
        ("0-23/5", (0, 5, 10, 15, 20)),
        ("*/5", (0, 5, 10, 15, 20)),
        ("?/5", (0, 5, 10, 15, 20)),
        ("4/6", (4, 10, 16, 22)),
        ("20/6", (20,)),
        ("09,9,1-2", (1, 2, 9)),
        ("*,5", tuple(range(24))),
    ],
)
def test_hours(text: str, values: tuple[int, ...]) -> None:
    assert parse_cron(f"0 {text} * * *").hours.values == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("7", (0,)),
        ("5-7", (0, 5, 6)),
        ("6-7", (0, 6)),
        ("0-7", (0, 1, 2, 3, 4, 5, 6)),
        ("1-7", (0, 1, 2, 3, 4, 5, 6)),
        ("1-7/2", (0, 1, 3, 5)),
        ("7-7", (0,)),
        ("7-2", (0, 1, 2)),
        ("7/2", (0, 2, 4, 6)),
        ("0/7", (0,)),
        ("FRI-MON", (0, 1, 5, 6)),
        ("fri-mon/2", (0, 5)),
        ("sat-TUE/2", (1, 6)),
        ("SUN-SAT", (0, 1, 2, 3, 4, 5, 6)),
        ("SUN-SUN", (0,)),
        ("Mon/2", (1, 3, 5)),
        ("tue/2", (2, 4, 6)),
        ("5/2", (5,)),
        ("3-1", (0, 1, 3, 4, 5, 6)),
    ],
)
def test_weekdays(text: str, values: tuple[int, ...]) -> None:
    assert parse_cron(f"0 0 * * {text}").weekdays.values == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("NOV-FEB", (1, 2, 11, 12)),
        ("9-8/3", (3, 6, 9, 12)),
        ("12-2", (1, 2, 12)),
        ("*/5", (1, 6, 11)),
        ("2/12", (2,)),
        ("2-4,JUN,7,SEP-nov", (2, 3, 4, 6, 7, 9, 10, 11)),
    ],
)
def test_months(text: str, values: tuple[int, ...]) -> None:
    assert parse_cron(f"0 0 1 {text} *").months.values == values


@pytest.mark.parametrize(
    ("text", "values"),
    [("20-5/5", (4, 20, 25, 30)), ("28-2", (1, 2, 28, 29, 30, 31)), ("25-L/3", (25, 28, 31))],
)
def test_days_of_month(text: str, values: tuple[int, ...]) -> None:
    assert parse_cron(f"0 0 {text} * *").month_days.values == values


def test_years() -> None:
    years = parse_cron("0 0 0 1 1 ? 2030/50,2026-2028").years

    assert years is not None
    assert years.values == (2026, 2027, 2028, 2030, 2080, 2130, 2180)


def test_year_star_is_no_year_field() -> None:
    assert parse_cron("0 0 0 1 1 ? *").years is None


def test_six_fields_begin_with_seconds() -> None:
    cron = parse_cron("31 10-15 1 * * MON-FRI")

    assert cron.seconds.values == (31,)
    assert cron.minutes.values == (10, 11, 12, 13, 14, 15)
    assert cron.hours.values == (1,)


def test_five_fields_run_on_the_minute() -> None:
    assert parse_cron("* * * * *").seconds.values == (0,)


def test_terms_keep_how_a_field_was_written() -> None:
    cron = parse_cron("*/15,7 9-17/2 L-3W,1 * MON#2")

    assert cron.minutes.terms == (Every(15), Single(7))
    assert cron.hours.terms == (Span(9, 17, 2),)
    assert cron.month_days.terms == (LastDay(3, nearest_weekday=True), Single(1))
    assert cron.month_days.rules == (LastDay(3, nearest_weekday=True),)
    assert cron.weekdays.terms == (NthWeekday(1, 2),)


@pytest.mark.parametrize(
    ("expression", "repeats"),
    [
        ("0 * * * *", True),
        ("0 ? * * *", True),
        ("0 */2 * * *", True),
        ("0 1/2 * * *", True),
        ("0 0-23/2 * * *", True),
        ("0 H/2 * * *", True),
        ("0 H * * *", False),
        ("0 0-23 * * *", False),
        ("*/15 2 * * *", False),
        ("*/30 * 1 * * *", False),
        ("30 0 */1 * * *", True),
        ("@hourly", True),
        ("@every_minute", True),
        ("@daily", False),
        ("@Weekly", False),
    ],
)
def test_hours_repeat_only_with_a_star_or_step_in_the_hour_field(
    expression: str, repeats: bool
) -> None:
    assert parse_cron(expression).repeats_hours is repeats


@pytest.mark.parametrize(
    ("macro", "written_out"),
    [
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@MIDNIGHT", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        (" @yearly ", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_macro_means_what_it_stands_for(macro: str, written_out: str) -> None:
    named, plain = parse_cron(macro), parse_cron(written_out)

    assert named.expression == macro.strip()
    for name in ("seconds", "minutes", "hours", "month_days", "months", "weekdays", "years"):
        assert getattr(named, name) == getattr(plain, name)


def test_expression_keeps_the_text_with_single_blanks() -> None:
    assert parse_cron("  0\t9  * * mon-FRI\n").expression == "0 9 * * mon-FRI"
