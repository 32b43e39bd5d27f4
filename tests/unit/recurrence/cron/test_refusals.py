"""What is refused, with the code, the field, the position and the remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_app.recurrence.cron import Cron, parse_cron
from templates_app.recurrence.errors import RecurrenceError

LINES = (Path(__file__).parents[1] / "recurrence_invalid_examples.jsonl").read_text().splitlines()
CASES = [case for line in LINES if (case := json.loads(line))["kind"] == "cron"]
# Years are accepted here, so this one of the list is a schedule.
YEAR_FIELD = "0 15 10 * * ? 2005"
REFUSED = [case for case in CASES if case["expr"] != YEAR_FIELD]


def _refusal(expression: str) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as refused:
        parse_cron(expression)
    return refused.value


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_published_invalid_expression_is_refused_with_its_code(case: dict[str, Any]) -> None:
    refusal = _refusal(case["expr"])

    assert (refusal.code, refusal.field) == (case["code"], case["field"])
    if "hint" in case:
        assert refusal.hint == case["hint"]


@pytest.mark.parametrize(
    "case",
    [case for case in REFUSED if case["code"] not in ("field_count", "bad_character")],
    ids=lambda case: case["id"],
)
def test_published_invalid_expression_gets_the_published_sentence(case: dict[str, Any]) -> None:
    assert _refusal(case["expr"]).message == case["message"]


def test_year_field_is_accepted() -> None:
    assert parse_cron(YEAR_FIELD).years is not None


@pytest.mark.parametrize(
    ("expression", "code", "field", "offender"),
    [
        ("0 25 * * *", "out_of_range", "hour", "25"),
        ("  0   25 * * *", "out_of_range", "hour", "25"),
        ("0 1,2,25 * * *", "out_of_range", "hour", "25"),
        ("0 9-25 * * *", "out_of_range", "hour", "25"),
        ("0 H(9-25) * * *", "out_of_range", "hour", "25"),
        ("0 0 1,2&3 * *", "bad_character", "day_of_month", "&"),
        ("0 0 * * MON,TUSE", "unknown_name", "day_of_week", "TUSE"),
        ("0 0 * * MON#6", "nth_range", "day_of_week", "6"),
        ("0 0 * * MON,#2", "weekday_missing", "day_of_week", "#2"),
        ("0 0 30 2 *", "never", "day_of_month", "30"),
        ("0 0 0 29 2 ? 2027", "never", "year", "2027"),
        ("0 0 L/2 * *", "last_with_step", "day_of_month", "L/2"),
        ("0 0 15W/2 * *", "w_with_step", "day_of_month", "15W/2"),
        ("0 0 1/2W * *", "w_with_step", "day_of_month", "1/2W"),
        ("0 0 15W-20 * *", "w_with_range", "day_of_month", "15W-20"),
        ("0 0 1-2/2W * *", "w_with_range", "day_of_month", "1-2/2W"),
        ("0 0 W * *", "bad_value", "day_of_month", "W"),
        ("0 0 1L * *", "not_in_field", "day_of_month", "1L"),
        ("0 0 L-31 * *", "out_of_range", "day_of_month", "L-31"),
        ("0 0 L- * *", "range_incomplete", "day_of_month", "L-"),
        ("0 0 L5 * *", "bad_value", "day_of_month", "L5"),
        ("0 0 JUL * *", "wrong_field_name", "day_of_month", "JUL"),
        ("0 0 * * JUL", "wrong_field_name", "day_of_week", "JUL"),
        ("0 0 * * L", "last_without_weekday", "day_of_week", "L"),
        ("0 0 * * 5L-6", "last_with_range", "day_of_week", "5L-6"),
        ("0 0 * * 5L/3", "last_with_step", "day_of_week", "5L/3"),
        ("0 0 * * 1-2#3", "nth_with_range", "day_of_week", "1-2#3"),
        ("0 0 * * 1#Z", "nth_range", "day_of_week", "Z"),
        ("0 0 * * 4W", "not_in_field", "day_of_week", "4W"),
        ("0 0 * * LW", "not_in_field", "day_of_week", "LW"),
        ("0 0 4#1 * *", "not_in_field", "day_of_month", "4#1"),
        ("5#3 * * * *", "not_in_field", "minute", "5#3"),
        ("LW * * * *", "not_in_field", "minute", "LW"),
        ("-1 * * * *", "range_incomplete", "minute", "-1"),
        ("- * * * *", "range_incomplete", "minute", "-"),
        ("/5 * * * *", "range_missing", "minute", "/5"),
        ("*/ * * * *", "step_missing", "minute", "*/"),
        ("*/60 * * * *", "step_too_large", "minute", "60"),
        ("1/60 * * * *", "step_too_large", "minute", "60"),
        ("0 1/24 * * *", "step_too_large", "hour", "24"),
        ("0 0 1/32 * *", "step_too_large", "day_of_month", "32"),
        ("0 0 * 1/13 *", "step_too_large", "month", "13"),
        ("0 0 * * 1/8", "step_too_large", "day_of_week", "8"),
        ("1/2147483648 * * * *", "step_too_large", "minute", "2147483648"),
        ("0 0 0 1 1 ? 2030-2020", "range_reversed", "year", "2030-2020"),
        ("0 0 0 1 1 ? 1969", "out_of_range", "year", "1969"),
        ("0 0 0 1 1 ? H", "not_in_field", "year", "H"),
        ("0 0 0 1 1 2030", "out_of_range", "day_of_week", "2030"),
        ("H(5) * * * *", "bad_value", "minute", "H(5)"),
        ("H(0-29 * * * *", "bad_value", "minute", "H(0-29"),
        ("0 0 H(1-31) * *", "out_of_range", "day_of_month", "1-31"),
        ("*5 * * * *", "bad_value", "minute", "*5"),
        ("**  * * * *", "bad_value", "minute", "**"),
        ("*-5 * * * *", "bad_value", "minute", "*"),
        ("SomeG@rbage", "field_count", "expression", "SomeG@rbage"),
        ("@yearly !", "field_count", "expression", "!"),
        ("@yearl", "unknown_macro", "expression", "@yearl"),
        ("@reboot", "unknown_macro", "expression", "@reboot"),
        ("* * * * * * * *", "field_count", "expression", None),
    ],
)
def test_refusal_names_the_field_and_points_at_the_offender(
    expression: str, code: str, field: str, offender: str | None
) -> None:
    refusal = _refusal(expression)

    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.position is not None
    if offender is not None:
        assert expression[refusal.position :].startswith(offender)


@pytest.mark.parametrize("digit", ["\u0663", "\u00b3", "\uff13", "\u096b", "\u2164"])
@pytest.mark.parametrize("pattern", ["{} * * * *", "*/{} * * * *", "0 0 L-{} * *", "0 0 * * 1#{}"])
def test_digits_of_other_scripts_are_refused(pattern: str, digit: str) -> None:
    assert _refusal(pattern.format(digit)).code == "bad_character"


@pytest.mark.parametrize("blank", ["\u00a0", "\u2003", "\u3000", "\x1c", "\x00", "\u200b"])
def test_odd_blank_does_not_separate_fields(blank: str) -> None:
    assert _refusal(f"0{blank}0 0 * * MON").code == "bad_character"


def test_expression_longer_than_512_characters_is_refused() -> None:
    assert parse_cron("0 0 * * " + "MON,SUN," * 31 + "MON" + " " * 253).expression.endswith("MON")
    assert _refusal("0 0 * * *" + " " * 504).code == "too_long"


def test_list_longer_than_100_items_is_refused() -> None:
    assert parse_cron(",".join(["1"] * 100) + " * * * *").minutes.values == (1,)
    assert _refusal(",".join(["1"] * 101) + " * * * *").code == "list_too_long"


def test_impossible_months_are_named() -> None:
    assert _refusal("0 0 30,31 2 *").message == (
        "This schedule never runs: February has no day 30 or 31."
    )
    assert _refusal("0 0 31W 4,6,11 *").message == (
        "This schedule never runs: April, June and November have no day 31."
    )
    assert _refusal("0 0 L-29 2 *").message == (
        "This schedule never runs: February has at most 29 days."
    )


@given(st.text(alphabet="0123456789*?,-/#LWHhlw()@ MONjanx_\u00b2\t", max_size=40))
def test_any_text_is_a_schedule_or_a_refusal_that_points_into_it(text: str) -> None:
    try:
        outcome: Cron | RecurrenceError = parse_cron(text)
    except RecurrenceError as refused:
        outcome = refused
    if isinstance(outcome, RecurrenceError):
        assert outcome.message.endswith((".", "?"))
        assert outcome.position is None or 0 <= outcome.position <= len(text)
    else:
        assert parse_cron(outcome.expression) == outcome
