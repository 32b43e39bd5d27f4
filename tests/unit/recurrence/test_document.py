"""Where the kinds begin and end, what offsets mean, and what is refused with which remedy."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from templates_app.recurrence import parse as parsing
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse, parse_stored

MADRID = {"timezone": "Europe/Madrid"}
DAILY = {"kind": "daily", "times": ["09:00"]}
GAP_END = {**MADRID, "dst_gap": "gap_end"}
TWICE_FIRST, TWICE_SECOND = "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"


def told(document: dict[str, Any], limit: int = 5, after: str = "2026-01-01") -> list[str]:
    found = parse(document).occurrences(
        datetime.fromisoformat(after).replace(tzinfo=UTC), limit=limit
    )
    return [one.at.isoformat() for one in found]


def fault(document: Any, **options: str) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as refused:
        parse(document, **options)
    return refused.value


@pytest.mark.parametrize(
    ("document", "second"),
    [
        ({"kind": "dates", "dates": ["2026-03-29T02:30:00", "2026-05-01T02:30:00"]}, None),
        (
            {
                "kind": "rrule",
                "dtstart": "2026-03-29T02:30:00",
                "rules": ["FREQ=DAILY"],
                "max_occurrences": 2,
            },
            "2026-03-30T02:30:00+02:00",
        ),
        (
            {
                "kind": "interval",
                "every": 1,
                "unit": "months",
                "anchor": "2026-03-29T02:30:00",
                "ends_at": "2026-03-30",
            },
            None,
        ),
    ],
)
def test_first_time_that_runs_when_a_gap_ends_is_counted(
    document: dict[str, Any], second: str | None
) -> None:
    found = told({"max_occurrences": 1, **document, **GAP_END})
    assert found == ["2026-03-29T03:00:00+02:00", *([second] if second else [])]


def test_single_date_that_runs_when_a_gap_ends_is_accepted() -> None:
    only = {"kind": "dates", "dates": ["2026-03-29T02:30:00"], **GAP_END}
    assert told(only) == ["2026-03-29T03:00:00+02:00"]


def test_extra_date_before_the_start_is_counted() -> None:
    document = {
        "kind": "rrule",
        "dtstart": "2026-02-01T00:00:00",
        "rules": ["FREQ=DAILY"],
        "rdates": ["2026-01-05T00:00:00", "2026-01-06T00:00:00+00:00"],
        "max_occurrences": 3,
    }
    assert [at[:10] for at in told(document)] == ["2026-01-05", "2026-01-06", "2026-02-01"]


def test_date_with_an_offset_is_that_very_instant() -> None:
    start = {"kind": "rrule", "dtstart": "2026-10-24T02:30:00", **MADRID}
    assert told({**start, "rdates": [TWICE_SECOND]}) == [TWICE_SECOND]
    both = {**start, "rules": ["FREQ=DAILY;COUNT=3"], "dst_overlap": "both"}
    kept = told({**both, "exdates": [TWICE_SECOND]})
    assert (TWICE_FIRST in kept, TWICE_SECOND in kept, len(kept)) == (True, False, 3)
    assert len(told({**both, "exdates": ["2026-10-25T02:30:00"]})) == 2


def test_exception_removes_an_extra_date_that_is_an_instant() -> None:
    start = {"kind": "rrule", "dtstart": "2026-10-24T02:30:00", "rules": ["FREQ=DAILY;COUNT=1"]}
    exact = {**start, **MADRID, "rdates": [TWICE_SECOND]}
    assert len(told(exact)) == 2
    for exdate in (TWICE_SECOND, "2026-10-25T02:30:00"):
        assert len(told({**exact, "exdates": [exdate]})) == 1
    assert len(told({**exact, "exdates": [TWICE_FIRST]})) == 2


def test_exceptions_given_as_instants_that_leave_nothing_are_refused() -> None:
    only = {
        "kind": "rrule",
        "dtstart": "2026-10-24T02:30:00",
        "rules": ["FREQ=DAILY;COUNT=1"],
        "exdates": ["2026-10-24T02:30:00+02:00"],
    }
    assert fault({**only, **MADRID}).code == "never"


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "rrule", "dtstart": TWICE_SECOND, "rules": ["FREQ=DAILY"]},
        {"kind": "interval", "every": 1, "unit": "days", "anchor": TWICE_SECOND},
    ],
)
def test_start_in_the_second_pass_of_local_steps_is_warned_of(document: dict[str, Any]) -> None:
    found = parse({**document, **MADRID})
    assert [caution.code for caution in found.cautions] == ["ambiguous_local_time"]
    assert told({**document, **MADRID}, limit=1) == [TWICE_FIRST]
    assert told({**document, **MADRID, "dst_overlap": "second"}, limit=1) == [TWICE_SECOND]


def test_part_without_a_zone_has_that_of_the_whole() -> None:
    nested = {"kind": "union", "of": [DAILY, {**DAILY, "timezone": "Asia/Tokyo"}]}
    found = parse({"kind": "except", "from": nested, "minus": DAILY, **MADRID})
    inner = found.document["from"]
    assert (inner["timezone"], found.document["minus"]["timezone"]) == ("Europe/Madrid",) * 2
    assert [part["timezone"] for part in inner["of"]] == ["Europe/Madrid", "Asia/Tokyo"]
    assert fault({**nested, "timezone": "Mars"}).field == "timezone"


def test_end_that_is_a_date_includes_its_local_day() -> None:
    late = {"kind": "daily", "times": ["23:59:59"], "ends_at": "2026-01-02", **MADRID}
    assert [at[:10] for at in told(late)] == ["2026-01-01", "2026-01-02"]
    # Santiago's clocks go back from midnight to 23:00, so the day's last hour comes twice.
    twice = {
        "kind": "cron",
        "expression": "30 * * * *",
        "timezone": "America/Santiago",
        "starts_at": "2026-04-04T22:00:00",
        "ends_at": "2026-04-04",
    }
    assert [at[11:] for at in told(twice)] == ["22:30:00-03:00", "23:30:00-03:00", "23:30:00-04:00"]
    # And forward over midnight, so the next day begins at 01:00.
    gap = {**twice, "starts_at": "2026-09-05T22:00:00", "ends_at": "2026-09-05"}
    assert [at[11:] for at in told(gap)] == ["22:30:00-04:00", "23:30:00-04:00"]


def test_time_of_day_has_two_digits_each() -> None:
    refused = fault({**DAILY, "times": ["9:5"]})
    assert (refused.code, refused.field, refused.hint) == ("bad_value", "times", 'Write "09:05".')


@pytest.mark.parametrize("bad", ["\ud800", "a\x00b"])
@pytest.mark.parametrize("key", ["kind", "expression", "timezone", "seed"])
def test_text_that_no_store_can_hold_is_refused(key: str, bad: str) -> None:
    document: dict[str, Any] = {"kind": "cron", "expression": "H * * * *"}
    seed = bad if key == "seed" else ""
    if key != "seed":
        document[key] = bad
    refused = fault(document, seed=seed)
    assert (refused.code, refused.field) == ("bad_text", key)


@pytest.mark.parametrize("depth", [30, 985, 990, 995, 100_000])
def test_deep_nesting_is_refused_before_it_is_walked(depth: int) -> None:
    deep: Any = []
    for _ in range(depth):
        deep = [deep]
    assert fault({**DAILY, "times": deep}).code == "too_many_parts"


def test_document_that_holds_itself_is_refused() -> None:
    document: dict[str, Any] = {"kind": "union"}
    document["of"] = [document]
    assert fault(document).code == "too_many_parts"


@pytest.mark.parametrize("key", ["dtstart", "rdates", "exdates"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00", "1900-12-31", "9999-12-31T23:59:59Z"])
def test_dates_of_rules_have_the_range_of_all_times(key: str, at: str) -> None:
    document: dict[str, Any] = {
        "kind": "rrule",
        "dtstart": "2026-01-01",
        "rules": ["FREQ=DAILY"],
        "timezone": "Asia/Tokyo",
    }
    document[key] = at if key == "dtstart" else [at]
    refused = fault(document)
    assert (refused.code, refused.field.partition(".")[0]) == ("out_of_range", key)


def test_number_that_is_not_json_is_refused() -> None:
    assert fault({**DAILY, "every": float("nan")}).code == "wrong_type"
    assert fault({**DAILY, "every": float("inf")}).code == "wrong_type"


@pytest.mark.parametrize(
    ("document", "code", "field", "remedy"),
    [
        (None, "required", "recurrence", "missing"),
        ({"kind": "union", "of": [5]}, "wrong_type", "of.0", "object"),
        ({"kind": "union", "of": [DAILY, None]}, "required", "of.1", "missing"),
        ({**DAILY, "starts_at": "2026-02-01", "ends_at": "2026-01-01"}, "out_of_range", "ends_at", "Exchange"),
        ({**DAILY, "jitter": 86_400}, "jitter_too_large", "jitter", "at most 86399 seconds"),
        ({**DAILY, "times": "09:00"}, "wrong_type", "times", "[...]"),
        ({"kind": "monthly", "days": ["1"], "times": ["09:00"]}, "not_integer", "days", "[1]"),
        ({"kind": "cron", "expression": "0 9 *"}, "field_count", "expression", "0 9 * * MON-FRI"),
        ({**DAILY, "times": ["09:00", "25:00"]}, "out_of_range", "times", "Item 2"),
        ({"kind": "dates", "dates": ["2026-01-01", "soon"]}, "bad_date", "dates", "Item 2"),
        ({**DAILY, "kind": "weekly", "weekdays": ["mo", "tuesday"]}, "unknown_name", "weekdays", "Did you mean tu?"),
        ({"kind": "rrule", "dtstart": "2026-01-01", "rules": [5]}, "wrong_type", "rules", "FREQ=DAILY"),
    ],
)  # fmt: skip
def test_fault_tells_its_place_and_its_remedy(
    document: Any, code: str, field: str, remedy: str
) -> None:
    refused = fault(document)
    assert (refused.code, refused.field) == (code, field)
    assert remedy in f"{refused.message} {refused.hint}"


@pytest.mark.parametrize("character", ["x", "1", "L", "5-", "#", "/", "W", "MON", "H("])
def test_messages_are_short_however_long_the_text(character: str) -> None:
    long_field = (character * 500)[:490]
    shown = [
        fault({"kind": "cron", "expression": " ".join((*before, long_field, *after))})
        for before, after in (((), "****"), ("*", "***"), ("**", "**"), ("****", ()), ((), ()))
    ]
    for part in ("BYHOUR", "BYDAY", "WKST", "FREQ", "COUNT", "UNTIL", "SKIP", "NOTHING"):
        rule = f"FREQ=DAILY;{part}={character * 1_000}"
        rule = rule.removeprefix("FREQ=DAILY;") if part == "FREQ" else rule
        shown.append(fault({"kind": "rrule", "dtstart": "2026-01-01", "rules": [rule]}))
    for refused in shown:
        assert len(refused.message) < 300, refused.message
        assert len(refused.hint or "") < 200, refused.hint


def test_long_texts_are_not_remembered() -> None:
    many = [f"2026-01-{day:02}T{hour:02}:00:00" for day in range(1, 29) for hour in range(24)]
    long, short = {"kind": "dates", "dates": many}, {"kind": "dates", "dates": many[:1]}
    parsing._checked.cache_clear()
    parsing._unseeded.cache_clear()
    for document in (long, short):
        assert parse_stored(json.dumps(parse(document).document)) == parse(document)
    assert parsing._checked.cache_info().currsize == 1
    assert parsing._unseeded.cache_info().currsize == 1


def test_text_that_was_accepted_before_is_not_asked_again_whether_it_ever_happens() -> None:
    ended = {
        "kind": "rrule",
        "dtstart": "2026-01-31",
        "rules": ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"],
    }
    assert fault(ended).code == "never"
    stored = parse_stored(json.dumps(ended))
    assert stored.next(datetime(2026, 1, 1, tzinfo=UTC)) is None
