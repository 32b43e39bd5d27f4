"""The parts of one RRULE as written, checked, and printed back."""

from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from templates_app.recurrence.rrule.frequency import WEEKDAYS, Frequency, Weekday


class Parts(NamedTuple):
    """The values of a rule's parts; lists are sorted and hold no value twice.

    `total` is COUNT; `until` is an instant in UTC, or a date for the end of that local day.
    """

    freq: Frequency
    interval: int = 1
    total: int | None = None
    until: datetime | date | None = None
    bymonth: tuple[int, ...] = ()
    byweekno: tuple[int, ...] = ()
    byyearday: tuple[int, ...] = ()
    bymonthday: tuple[int, ...] = ()
    byday: tuple[Weekday, ...] = ()
    byhour: tuple[int, ...] = ()
    byminute: tuple[int, ...] = ()
    bysecond: tuple[int, ...] = ()
    bysetpos: tuple[int, ...] = ()
    wkst: int = 0
    rscale: str | None = None
    skip: str = "OMIT"
    leap_second: bool = False

    def __str__(self) -> str:
        """Return the rule's canonical text: fixed order, no defaults, lists sorted."""
        return _written(self)

    def words(self) -> list[str]:
        """Return the parts of the canonical text."""
        words = [f"FREQ={self.freq.name}"]
        if self.interval != 1:
            words.append(f"INTERVAL={self.interval}")
        if self.total is not None:
            words.append(f"COUNT={self.total}")
        if self.until is not None:
            written = self.until.isoformat().replace("-", "").replace(":", "")
            words.append(f"UNTIL={written.replace('+0000', 'Z')}")
        for name in ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"):
            self._list(words, name)
        if self.byday:
            days = (f"{nth or ''}{WEEKDAYS[weekday]}" for nth, weekday in self.byday)
            words.append("BYDAY=" + ",".join(days))
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"):
            self._list(words, name)
        if self.wkst:
            words.append(f"WKST={WEEKDAYS[self.wkst]}")
        if self.rscale is not None:
            words.append(f"RSCALE={self.rscale}")
        if self.skip != "OMIT":
            words.append(f"SKIP={self.skip}")
        return words

    def _list(self, words: list[str], name: str) -> None:
        values: tuple[int, ...] = getattr(self, name.lower())
        if values:
            words.append(f"{name}={','.join(map(str, values))}")

    def without_times(self) -> "Parts":
        """Return the rule of an all-day DTSTART, for which RFC 5545 ignores parts of time."""
        return self._replace(byhour=(), byminute=(), bysecond=(), leap_second=False)


@lru_cache(maxsize=1_024)
def _written(parts: Parts) -> str:
    return ";".join(parts.words())
