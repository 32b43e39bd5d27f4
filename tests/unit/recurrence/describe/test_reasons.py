"""What is said of an occurrence that a clock change, a coincidence or jitter touches."""

from datetime import datetime, timedelta

import pytest

from templates_app.recurrence.describe import reason
from templates_app.recurrence.parse import parse

MADRID_GAP = (
    "02:30 does not exist on 29 March 2026 in Europe/Madrid (clocks go from 02:00 to 03:00)"
)
MADRID_OVERLAP = (
    "02:30 occurs twice on 25 October 2026 in Europe/Madrid (clocks go back from 03:00 to 02:00)"
)
CHANGES = [
    ("30 2 * * *", "Europe/Madrid", "2026-03-29", {}, [f"{MADRID_GAP}; it runs at 03:30."]),
    (
        "30 2 * * *",
        "Europe/Madrid",
        "2026-03-29",
        {"dst_gap": "gap_end"},
        [f"{MADRID_GAP}; it runs at 03:00."],
    ),
    (
        "30 2 * * *",
        "Europe/Madrid",
        "2026-03-29",
        {"dst_gap": "skip"},
        [f"{MADRID_GAP}; it does not run."],
    ),
    (
        "15,30 2 * * *",
        "Europe/Madrid",
        "2026-03-29",
        {"dst_gap": "gap_end"},
        [
            (
                "02:15 does not exist on 29 March 2026 in Europe/Madrid "
                "(clocks go from 02:00 to 03:00); it runs at 03:00. "
                "Another occurrence falls on the same moment; it runs once."
            )
        ],
    ),
    (
        "30 2,3 * * *",
        "Europe/Madrid",
        "2026-03-29",
        {},
        ["Another occurrence falls on the same moment; it runs once."],
    ),
    (
        "30 2 * * *",
        "Europe/Madrid",
        "2026-10-25",
        {},
        [f"{MADRID_OVERLAP}; it runs the first time."],
    ),
    (
        "30 2 * * *",
        "Europe/Madrid",
        "2026-10-25",
        {"dst_overlap": "both"},
        [
            f"{MADRID_OVERLAP}; it runs the first time.",
            f"{MADRID_OVERLAP}; it runs the second time.",
        ],
    ),
    (
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-04",
        {},
        [
            (
                "02:15 does not exist on 4 October 2026 in Australia/Lord_Howe "
                "(clocks go from 02:00 to 02:30); it runs at 02:45."
            )
        ],
    ),
    (
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-05",
        {"dst_overlap": "second"},
        [
            (
                "01:45 occurs twice on 5 April 2026 in Australia/Lord_Howe "
                "(clocks go back from 02:00 to 01:30); it runs the second time."
            )
        ],
    ),
    (
        "30 2 * * *",
        "Antarctica/Troll",
        "2026-03-29",
        {},
        [
            (
                "02:30 does not exist on 29 March 2026 in Antarctica/Troll "
                "(clocks go from 01:00 to 03:00); it runs at 04:30."
            )
        ],
    ),
    (
        "30 0 * * *",
        "America/Santiago",
        "2026-09-06",
        {},
        [
            (
                "00:30 does not exist on 6 September 2026 in America/Santiago "
                "(clocks go from 00:00 to 01:00); it runs at 01:30."
            )
        ],
    ),
    (
        "30 23 * * *",
        "America/Santiago",
        "2026-04-04",
        {},
        [
            (
                "23:30 occurs twice on 4 April 2026 in America/Santiago "
                "(clocks go back from 00:00 on 5 April 2026 to 23:00); it runs the first time."
            )
        ],
    ),
    (
        "0 9 30 * *",
        "Pacific/Apia",
        "2011-12-29",
        {},
        [
            (
                "09:00 does not exist on 30 December 2011 in Pacific/Apia "
                "(clocks go from 00:00 to 00:00 on 31 December 2011); "
                "it runs at 09:00 on 31 December 2011."
            )
        ],
    ),
]


def reasons(document, day, *, seed=""):
    recurrence = parse(document, seed=seed)
    start = datetime.fromisoformat(day).replace(tzinfo=recurrence.zone.info)
    planned = recurrence.plan(start - timedelta(seconds=1), start + timedelta(days=3))
    return [reason(one, recurrence.zone) for one in planned]


@pytest.mark.parametrize(("expression", "zone", "day", "policy", "expected"), CHANGES)
def test_a_clock_change_is_explained(expression, zone, day, policy, expected):
    document = {"kind": "cron", "expression": expression, "timezone": zone, **policy}

    told = [text for text in reasons(document, day) if text]

    assert told == expected


def test_a_zone_may_be_given_as_zoneinfo():
    recurrence = parse({"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Madrid"})
    start = datetime(2026, 3, 29, tzinfo=recurrence.zone.info)

    occurrence = recurrence.next(start)
    assert occurrence is not None

    assert reason(occurrence, recurrence.zone.info) == f"{MADRID_GAP}; it runs at 03:30."


def test_jitter_is_told_with_its_length():
    document = {"kind": "cron", "expression": "0 9 * * *", "timezone": "UTC", "jitter": 7200}
    recurrence = parse(document, seed="a template")
    start = datetime(2026, 3, 29, tzinfo=recurrence.zone.info)

    occurrence = recurrence.next(start)
    assert occurrence is not None
    delay = occurrence.at - occurrence.scheduled
    minutes, seconds = divmod(delay.seconds % 3600, 60)
    parts = [(delay.seconds // 3600, "h"), (minutes, "min"), (seconds, "s")]
    length = " ".join(f"{number} {unit}" for number, unit in parts if number)

    assert delay.seconds > 0
    assert reason(occurrence, recurrence.zone) == f"Delayed by {length} to spread load."


def test_a_time_named_in_another_zone_is_not_explained_by_this_one():
    part = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Madrid"}

    told = reasons({"kind": "union", "of": [part], "timezone": "UTC"}, "2026-03-29")

    assert told[:1] == [
        "A time that was named does not exist in its time zone on 29 March 2026; it runs at 01:30."
    ]


def test_an_occurrence_at_its_named_time_needs_no_reason():
    document = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Madrid"}

    assert reasons(document, "2026-03-25") == [None, None, None]
