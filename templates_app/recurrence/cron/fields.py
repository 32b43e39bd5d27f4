"""The seven fields of a cron expression: what each is called and which values it has."""

from collections.abc import Mapping
from dataclasses import dataclass

MONTHS: Mapping[str, int] = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
WEEKDAYS: Mapping[str, int] = {
    name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
}


@dataclass(frozen=True, slots=True)
class FieldKind:
    """One field: `key` is its name in errors, `noun` its name in sentences.

    Values run from `low` to `high`; `allowed` says so to people. `largest_step` is the largest step
    that `*` and `n/step` take: Cronos's and Quartz's limits.
    """

    key: str
    label: str
    noun: str
    low: int
    high: int
    allowed: str
    largest_step: int
    names: Mapping[str, int]

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def __hash__(self) -> int:
        return hash(self.key)


SECOND = FieldKind("second", "second", "a second", 0, 59, "0-59", 59, {})
MINUTE = FieldKind("minute", "minute", "a minute", 0, 59, "0-59", 59, {})
HOUR = FieldKind("hour", "hour", "an hour", 0, 23, "0-23", 23, {})
DAY_OF_MONTH = FieldKind(
    "day_of_month", "day-of-month", "a day of the month", 1, 31, "1-31", 31, {}
)
MONTH = FieldKind("month", "month", "a month", 1, 12, "1-12 or JAN-DEC", 12, MONTHS)
DAY_OF_WEEK = FieldKind("day_of_week", "weekday", "a weekday", 0, 6, "0-7 or SUN-SAT", 7, WEEKDAYS)
YEAR = FieldKind("year", "year", "a year", 1970, 2199, "1970-2199", 229, {})

LAYOUTS: Mapping[int, tuple[FieldKind, ...]] = {
    5: (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK),
    6: (SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK),
    7: (SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR),
}
