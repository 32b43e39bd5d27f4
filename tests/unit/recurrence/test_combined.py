"""Recurrences made of others: what they yield, in what order, and what they may cost."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.moments import Moment, Note
from templates_app.recurrence.parse import parse
from templates_app.recurrence.schedules import Except, Union
from templates_app.recurrence.work import MOST_STEPS, STEPS_A_MOMENT, Work

START = datetime(2026, 1, 1, tzinfo=UTC)
ANCHOR = "2026-01-01T00:00:00+00:00"
NINE = {"kind": "daily", "times": ["09:00"], "timezone": "Europe/Madrid"}
DAYS = timedelta(days=9)
TICK_BEFORE = datetime(2025, 12, 31, 23, 59, 59)


def every(seconds: int) -> dict[str, Any]:
    return {"kind": "interval", "every": seconds, "unit": "seconds", "anchor": ANCHOR}


def minus(source: dict[str, Any], taken: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "except", "from": source, "minus": taken, **more}


def union(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "union", "of": list(parts), **more}


def times(document: dict[str, Any], count: int, after: datetime = START) -> list[str]:
    return [one.at.isoformat() for one in parse(document).occurrences(after, limit=count)]


def refused(document: dict[str, Any]) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as caught:
        parse(document)
    return caught.value


class Counted:
    """A schedule that counts what is asked of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.recurrence = parse(document)
        self.begun: list[datetime] = []
        self.yielded = 0

    def moments(self, after: datetime) -> Any:
        self.begun.append(after)
        for moment in self.recurrence.moments(after):
            self.yielded += 1
            yield moment


def test_what_is_taken_away_is_not_walked_through() -> None:
    """Between two days 86,400 seconds are taken away that nothing names."""
    source, taken = Counted({**NINE, "times": ["09:00:01"]}), Counted(every(2))
    found = list(islice(Except(source, taken).moments(TICK_BEFORE), 100))
    assert len(found) == 100
    assert taken.yielded < 1_000


def test_what_is_taken_away_is_first_asked_for_at_the_first_time_that_there_is() -> None:
    source = Counted({"kind": "dates", "dates": ["2026-03-29T10:30:00"]})
    taken = Counted({"kind": "cron", "expression": "0 9 * * *"})
    assert len(list(Except(source, taken).moments(datetime(2, 1, 4)))) == 1
    assert (len(taken.begun), taken.yielded) == (1, 1)
    assert taken.begun[0].year == 2026


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        (every(1), every(3)),
        (every(7), every(1_000)),
        (every(86_400), every(61)),
        (every(5), {"kind": "cron", "expression": "* * * * *"}),
        (NINE, {"kind": "weekly", "weekdays": ["mo", "we"], "times": ["08:00"]}),
        (every(900), {"kind": "cron", "expression": "*/5 0-11 * * *", "timezone": "Asia/Tokyo"}),
    ],
)
def test_except_is_the_difference_of_two_sets(source: Any, taken: Any) -> None:
    until = datetime(2026, 1, 1, 2, tzinfo=UTC) if source == every(1) else START + DAYS

    def instants(document: Any) -> list[datetime]:
        found = parse(document).occurrences(START, until)
        return [one.at.astimezone(UTC) for one in found]

    away = set(instants(taken))
    wanted = [at for at in instants(source) if at not in away]
    assert instants(minus(source, taken)) == wanted
    assert wanted


def test_daily_minus_weekdays_is_answered_from_the_first_day_on() -> None:
    at_nine = {"kind": "cron", "expression": "0 9 * * MON-FRI", "timezone": "Europe/Madrid"}
    assert times(minus(NINE, at_nine), 2) == [
        "2026-01-03T09:00:00+01:00",
        "2026-01-04T09:00:00+01:00",
    ]


def test_except_begins_where_its_source_begins() -> None:
    rule = {"kind": "rrule", "dtstart": "2026-05-01T09:00", "rules": ["FREQ=DAILY"]}
    document = minus(rule, {"kind": "cron", "expression": "0 9 2 * *"}, max_occurrences=3)
    assert times(document, 9) == [
        "2026-05-01T09:00:00+00:00",
        "2026-05-03T09:00:00+00:00",
        "2026-05-04T09:00:00+00:00",
    ]


def test_union_begins_where_its_first_part_begins() -> None:
    first = {"kind": "dates", "dates": ["2026-02-01T09:00"]}
    rule = {"kind": "rrule", "dtstart": "2026-05-01T09:00", "rules": ["FREQ=DAILY"]}
    assert times(union(rule, first, max_occurrences=2), 9) == [
        "2026-02-01T09:00:00+00:00",
        "2026-05-01T09:00:00+00:00",
    ]


def test_union_of_something_without_a_beginning_cannot_be_counted() -> None:
    rule = {"kind": "rrule", "dtstart": "2026-05-01T09:00", "rules": ["FREQ=DAILY"]}
    assert refused(union(rule, NINE, max_occurrences=2)).code == "required"


@pytest.mark.parametrize(
    "document",
    [
        minus(every(1), every(1)),
        minus(every(1), minus(every(1), every(250_000) | {"anchor": "2026-01-04T00:00:00Z"})),
        minus(NINE, {"kind": "cron", "expression": "*/15 * * * *", "timezone": "Asia/Tokyo"}),
        minus(
            every(86_400) | {"anchor": "2026-01-01T00:00:01Z"},
            minus(every(1), minus(every(1), minus(every(1), every(8_000)))),
        ),
    ],
)
def test_what_leaves_next_to_nothing_is_refused(document: dict[str, Any]) -> None:
    error = refused(document)
    assert error.code == "too_costly"
    assert error.field.endswith("minus")
    assert error.hint


def test_counting_out_what_is_rare_in_something_dense_is_refused() -> None:
    rare = minus(every(1), minus(every(1), every(8_000)))
    error = refused({**rare, "starts_at": ANCHOR, "max_occurrences": 100})
    assert (error.code, error.field) == ("too_costly", "max_occurrences")
    assert error.hint


def test_nested_exceptions_share_one_account() -> None:
    inner = Except(parse(every(1)), parse(every(8_000)))
    work = Work()
    nested = Except(parse(every(1)), inner).walk(TICK_BEFORE, work)
    with pytest.raises(RecurrenceError, match="too rare"):
        list(islice(nested, MOST_STEPS))
    assert work.left < 0


def test_each_time_that_is_found_allows_more_steps() -> None:
    schedule = Except(parse(every(1)), parse(every(2)))
    wanted = MOST_STEPS // 2 + STEPS_A_MOMENT
    assert sum(1 for _ in islice(schedule.moments(TICK_BEFORE), wanted)) == wanted


def test_a_month_may_be_taken_away_from_every_minute() -> None:
    month = {"kind": "cron", "expression": "* * * 1 *"}
    assert times(minus({"kind": "cron", "expression": "* * * * *"}, month), 1) == [
        "2026-02-01T00:00:00+00:00"
    ]


def test_parts_are_counted_out_to_a_hundred_thousand_in_all() -> None:
    parts = [{**every(1), "max_occurrences": 100_000} for _ in range(99)]
    error = refused(union(*parts))
    assert (error.code, error.field) == ("too_costly", "of")
    assert "9,900,000" in error.message
    nested = union(union(parts[0]), minus(NINE, {**NINE, "max_occurrences": 1}))
    assert refused(nested).code == "too_costly"
    assert times(union(parts[0]), 1)


@pytest.mark.parametrize("field", ["of.1", "from", "minus"])
def test_jitter_of_a_part_is_refused(field: str) -> None:
    part = {**NINE, "times": ["10:00"], "jitter": 60}
    document = {
        "of.1": union(NINE, part),
        "from": minus(part, NINE),
        "minus": minus(NINE, part),
    }[field]
    error = refused(document)
    assert (error.code, error.field) == ("jitter_in_part", f"{field}.jitter")
    assert error.hint == 'Put "jitter" on the whole.'


def test_jitter_of_a_whole_is_stable_and_in_order() -> None:
    half_past = {**NINE, "times": ["09:30"]}
    recurrence = parse(union(NINE, half_past, jitter=1_700), seed="x7")
    wanted = [one.at for one in recurrence.occurrences(START, limit=50)]
    assert wanted == sorted(wanted)
    for position, at in enumerate(wanted[:-1]):
        following = recurrence.next(at)
        assert following is not None
        assert following.at == wanted[position + 1]


def test_an_instant_of_two_parts_runs_once_beside_a_skipped_time() -> None:
    """02:30 does not exist in Madrid on 29 March 2026; 01:00 UTC is 03:00 there."""
    skipped = {
        "kind": "dates",
        "dates": ["2026-03-29T02:30:00", "2026-05-01T00:00:00"],
        "timezone": "Europe/Madrid",
        "dst_gap": "skip",
    }
    in_utc = {"kind": "daily", "times": ["01:00"], "timezone": "UTC"}
    in_madrid = {"kind": "daily", "times": ["03:00"], "timezone": "Europe/Madrid"}
    after, until = datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)
    for parts in ((skipped, in_utc, in_madrid), (in_utc, skipped, in_madrid)):
        plan = list(parse(union(*parts, timezone="Europe/Madrid")).plan(after, until))
        assert [(one.at.isoformat(), one.runs) for one in plan] == [
            ("2026-03-29T03:00:00+02:00", True),
            ("2026-03-29T03:00:00+02:00", False),
        ]
        assert Note.MERGED in plan[0].notes


def test_times_that_do_not_run_are_all_kept_by_a_union() -> None:
    at = datetime(2026, 3, 29, 1)

    class Given:
        def __init__(self, *moments: Moment) -> None:
            self.given = moments

        def moments(self, after: datetime) -> Any:
            return iter(self.given)

    skip = Moment(at, at, datetime(2026, 3, 29, 2, 30), (Note.GAP_SKIPPED,))
    run = Moment(at, at, datetime(2026, 3, 29, 3))
    late = Moment(at, at, datetime(2026, 3, 29, 3), (Note.MERGED,))
    found = list(Union((Given(run), Given(skip), Given(late))).moments(TICK_BEFORE))
    assert [moment.runs for moment in found] == [True, False]
    assert found[0].notes == (Note.MERGED,)


@pytest.mark.parametrize("kind", ["union", "except"])
def test_the_nominal_time_of_a_part_is_told_in_the_zone_of_the_whole(kind: str) -> None:
    tokyo = {"kind": "daily", "times": ["09:00"], "timezone": "Asia/Tokyo"}
    never = {"kind": "dates", "dates": ["2030-01-01T00:00:00"]}
    document = union(tokyo) if kind == "union" else minus(tokyo, never)
    found = parse({**document, "timezone": "Europe/Madrid"}).next(START)
    assert found is not None
    assert found.at.isoformat() == "2026-01-02T01:00:00+01:00"
    assert found.nominal == datetime(2026, 1, 2, 1)


def test_a_part_in_the_zone_of_the_whole_keeps_the_time_that_was_named() -> None:
    half_past_two = {"kind": "daily", "times": ["02:30"], "timezone": "Europe/Madrid"}
    found = parse(union(half_past_two)).next(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert found is not None
    assert found.nominal == datetime(2026, 3, 29, 2, 30)
    assert found.notes == (Note.GAP_SHIFTED,)


def test_a_part_in_another_zone_keeps_its_notes() -> None:
    half_past_two = {"kind": "daily", "times": ["02:30"], "timezone": "Europe/Madrid"}
    document = union(half_past_two, timezone="UTC")
    found = parse(document).next(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert found is not None
    assert found.nominal == datetime(2026, 3, 29, 1, 30)
    assert found.notes == (Note.GAP_SHIFTED,)
