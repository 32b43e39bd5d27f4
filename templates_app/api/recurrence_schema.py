"""The JSON of recurrences for the OpenAPI document: a component for each kind.

What is accepted is decided in `templates_app.recurrence`; a test holds stored documents against these.
"""

from typing import Any, Final

from templates_app.api.json_schema import WEEKDAYS, Schema, list_of, number, ref, text

_BOUNDS: Final[Schema] = {
    "starts_at": text("Nothing before; ISO 8601, local to the time zone or with an offset."),
    "ends_at": text("Nothing after; the same."),
    "max_occurrences": number(1, 100_000, "Counted from `starts_at`."),
    "jitter": number(
        1, 86_400, "Seconds over which runs are spread; each has its own stable share."
    ),
}
_ZONE: Final[Schema] = {"timezone": text("IANA time zone.", examples=["Europe/Madrid"])}
_DST: Final[Schema] = {
    "dst_gap": {
        "enum": ["shift", "gap_end", "skip"],
        "description": "A local time that does not exist: read with the offset before the change "
        "(02:30 runs at 03:30; the default), run when the clocks have changed, or not at all.",
    },
    "dst_overlap": {
        "enum": ["auto", "first", "second", "both"],
        "description": "A local time that occurs twice; `auto` (the default) is the first time, "
        "but both where every hour or every few hours are named.",
    },
}
_TIMES: Final[Schema] = {
    "times": list_of(
        {"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2})?$"},
        "Local times of day.",
        minItems=1,
    ),
    "every": number(1, 1_000, "Every n-th; counted from `anchor`."),
    "anchor": text("A date within the first period; a Monday of 2001 unless given."),
}
_DAYS: Final[Schema] = {
    "days": list_of(
        {"type": "integer", "minimum": -31, "maximum": 31},
        "Days of the month; -1 is the last.",
    ),
    "nth": list_of({"type": "string"}, "The n-th weekday of the month: `2tu`, `-1fr`."),
}


def _kind(kind: str, description: str, required: list[str], example: Schema, **own: Any) -> Schema:
    zoned = [] if kind in ("union", "except") else ["timezone"]
    return {
        "type": "object",
        "description": description,
        "required": ["kind", *required, *zoned],
        "properties": {"kind": {"const": kind}, **own, **_ZONE, **_BOUNDS},
        "additionalProperties": False,
        "examples": [{"kind": kind, **example}],
    }


KINDS: Final[dict[str, Schema]] = {
    "CronRecurrence": _kind(
        "cron",
        "Five fields; six with seconds first; a year as the seventh. Names, ranges, lists, steps, "
        "`?`, `L`, `LW`, `nW`, `L-n`, `n#k`, `nL`, `H`, and @hourly to @yearly.",
        ["expression"],
        {"expression": "0 9 * * MON-FRI", "timezone": "Europe/Madrid"},
        expression=text("The cron expression.", maxLength=512),
        day_match={
            "enum": ["or", "and"],
            "description": "When day of month and weekday are both restricted: either (POSIX; the "
            "default) or both must match.",
        },
        **_DST,
    ),
    "IntervalRecurrence": _kind(
        "interval",
        "Every so many units from an anchor: below a day in elapsed time, from a day on by the "
        "calendar.",
        ["every", "unit"],
        {
            "every": 15,
            "unit": "minutes",
            "anchor": "2026-01-01T00:00:00+01:00",
            "timezone": "Europe/Madrid",
        },
        every={"type": "integer", "minimum": 1},
        unit={"enum": ["seconds", "minutes", "hours", "days", "weeks", "months", "years"]},
        anchor=text("When it is counted from; ISO 8601."),
        basis={"enum": ["elapsed", "calendar"], "description": "Of days and weeks."},
        **_DST,
    ),
    "DailyRecurrence": _kind(
        "daily",
        "Every n-th day at one or more times.",
        ["times"],
        {"every": 1, "times": ["09:00", "17:30:15"], "timezone": "UTC"},
        **_TIMES,
        **_DST,
    ),
    "WeeklyRecurrence": _kind(
        "weekly",
        "On weekdays of every n-th week.",
        ["weekdays", "times"],
        {"every": 2, "weekdays": ["mo", "fr"], "times": ["09:00"], "timezone": "UTC"},
        weekdays=list_of({"enum": WEEKDAYS}, "Weekdays.", minItems=1),
        **_TIMES,
        **_DST,
    ),
    "MonthlyRecurrence": _kind(
        "monthly",
        "On days or n-th weekdays of every n-th month.",
        ["times"],
        {"days": [1, 15, -1], "nth": ["2tu", "-1fr"], "times": ["09:00"], "timezone": "UTC"},
        **_DAYS,
        **_TIMES,
        **_DST,
    ),
    "YearlyRecurrence": _kind(
        "yearly",
        "On days or n-th weekdays of the named months of every n-th year.",
        ["months", "times"],
        {"months": [1, 7], "days": [1], "times": ["09:00"], "timezone": "UTC"},
        months=list_of({"type": "integer", "minimum": 1, "maximum": 12}, "Months.", minItems=1),
        **_DAYS,
        **_TIMES,
        **_DST,
    ),
    "RuleRecurrence": _kind(
        "rrule",
        "RFC 5545's rules (with RFC 7529's SKIP), extra dates, exception rules and dates.",
        ["dtstart"],
        {
            "dtstart": "1997-09-02T09:00:00",
            "timezone": "America/New_York",
            "rules": ["FREQ=DAILY;COUNT=10"],
            "exdates": ["1997-09-04T09:00:00"],
        },
        dtstart=text("The local time from which the rules count."),
        rules=list_of({"type": "string"}, "RRULEs without their name.", maxItems=50),
        exrules=list_of(
            {"type": "string"}, "What the rules name and does not happen.", maxItems=50
        ),
        rdates=list_of({"type": "string"}, "Local times that happen as well.", maxItems=5_000),
        exdates=list_of({"type": "string"}, "Local times that do not happen.", maxItems=5_000),
        **_DST,
    ),
    "DatesRecurrence": _kind(
        "dates",
        "An explicit list of times, local to the time zone or with an offset.",
        ["dates"],
        {"dates": ["2026-03-29T02:30:00"], "timezone": "Europe/Madrid"},
        dates=list_of({"type": "string"}, "Times in ISO 8601.", minItems=1, maxItems=5_000),
        **_DST,
    ),
    "UnionRecurrence": _kind(
        "union",
        "Whatever any of several recurrences names; what several name happens once.",
        ["of"],
        {"of": [{"kind": "cron", "expression": "0 9 * * MON-FRI", "timezone": "UTC"}]},
        of=list_of(ref("Recurrence"), "The recurrences.", minItems=1, maxItems=99),
    ),
    "ExceptRecurrence": _kind(
        "except",
        "What one recurrence names and another does not.",
        ["from", "minus"],
        {
            "from": {"kind": "daily", "times": ["09:00"], "timezone": "UTC"},
            "minus": {"kind": "weekly", "weekdays": ["su"], "times": ["09:00"], "timezone": "UTC"},
        },
        **{"from": ref("Recurrence"), "minus": ref("Recurrence")},
    ),
}

RECURRENCE: Final = ref("Recurrence")
COMPONENTS: Final[dict[str, Schema]] = {
    **KINDS,
    "Recurrence": {
        "description": "When something happens, again and again. `kind` says which form it has.",
        "oneOf": [ref(name) for name in KINDS],
    },
}
