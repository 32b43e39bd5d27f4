"""A recurrence of whole days, usable without any text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from templates_app.recurrence.rrule.cycledays import CycleDays
from templates_app.recurrence.rrule.daysource import DaySource, MonthlyDays, YearlyDays
from templates_app.recurrence.rrule.frequency import Frequency, Weekday
from templates_app.recurrence.rrule.gregorian import LAST_DAY
from templates_app.recurrence.rrule.skippeddays import SkippedDays
from templates_app.recurrence.rrule.weekyears import WeekYearDays
from templates_app.recurrence.rrule.yearmask import YearMask


@lru_cache(maxsize=512)
def year_mask(
    months: tuple[int, ...],
    year_days: tuple[int, ...],
    month_days: tuple[int, ...],
    weekdays: tuple[Weekday, ...],
    nth_within: str = "month",
) -> YearMask:
    """Return the mask of these parts, which all rules that have them share with its years."""
    return YearMask(
        months=months,
        year_days=year_days,
        month_days=month_days,
        weekdays=weekdays,
        nth_within=nth_within,
    )


def day_limit(
    months: tuple[int, ...],
    year_days: tuple[int, ...],
    month_days: tuple[int, ...],
    weekdays: tuple[Weekday, ...],
) -> YearMask | None:
    """Return what BY parts leave of every day; None when they leave every one."""
    if not (months or year_days or month_days or weekdays):
        return None
    return year_mask(months, year_days, month_days, weekdays)


@dataclass(frozen=True, kw_only=True)
class DayRule:
    """The day part of an RRULE: FREQ from YEARLY to DAILY, INTERVAL and the BY parts of days.

    `anchor` is DTSTART's date: INTERVAL counts from the period that holds it, what the parts do
    not say (day of the month, weekday, month) is taken from it, and no day comes before it.
    `byday` holds (number, weekday) with number 0 for every one, Monday 0; numbers count within
    the month for MONTHLY and for YEARLY with `bymonth`, else within the year. `skip` is "OMIT",
    "BACKWARD" or "FORWARD" (RFC 7529). The table of expansions and limits is that of RFC 5545
    section 3.3.10; a frequency below a day is DAILY here, with `byyearday` as a further limit.

    Values are taken to be in range, as the parsers of texts and forms see to; COUNT, UNTIL and
    BYSETPOS belong to `Rule`.
    """

    freq: Frequency
    anchor: date
    interval: int = 1
    wkst: int = 0
    bymonth: tuple[int, ...] = ()
    byweekno: tuple[int, ...] = ()
    byyearday: tuple[int, ...] = ()
    bymonthday: tuple[int, ...] = ()
    byday: tuple[Weekday, ...] = ()
    skip: str = "OMIT"
    source: DaySource = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the set of days, before the anchor too (BYSETPOS counts the first period whole)."""
        object.__setattr__(self, "source", self._source())

    def days(self, start: date) -> Iterator[date]:
        """Yield every day at or after `start` and the anchor, in order, to the year 9999.

        The first costs microseconds wherever `start` lies.
        """
        day: int | None = max(start, self.anchor).toordinal()
        while day is not None and day <= LAST_DAY and (day := self.source.next(day)) is not None:
            yield date.fromordinal(day)
            day += 1

    def _source(self) -> DaySource:
        match self.freq:
            case Frequency.YEARLY if self.byweekno:
                return self._week_years()
            case Frequency.YEARLY | Frequency.MONTHLY:
                return self._months_or_years()
            case Frequency.WEEKLY:
                return self._weeks()
            case _:
                return CycleDays(
                    self.anchor.toordinal(),
                    self.interval,
                    (0,),
                    day_limit(self.bymonth, self.byyearday, self.bymonthday, self.byday),
                )

    def _weeks(self) -> CycleDays:
        anchor = self.anchor.toordinal()
        first = anchor - (anchor - 1 - self.wkst) % 7
        weekdays = [weekday for _, weekday in self.byday] or [self.anchor.weekday()]
        offsets = sorted({(weekday - self.wkst) % 7 for weekday in weekdays})
        limit = day_limit(self.bymonth, (), (), ())
        return CycleDays(first, 7 * self.interval, offsets, limit)

    def _week_years(self) -> WeekYearDays:
        named = self.byyearday or self.bymonthday
        weekdays = [weekday for _, weekday in self.byday]
        if not weekdays:
            weekdays = list(range(7)) if named else [self.anchor.weekday()]
        limit = None
        if self.bymonth or named:
            limit = year_mask(self.bymonth, self.byyearday, self.bymonthday, ())
        return WeekYearDays(
            weeks=self.byweekno,
            weekdays=weekdays,
            limit=limit,
            interval=self.interval,
            anchor=self.anchor,
            week_start=self.wkst,
        )

    def _months_or_years(self) -> DaySource:
        yearly = self.freq is Frequency.YEARLY
        months, month_days = self.bymonth, self.bymonthday
        if not (self.byyearday or month_days or self.byday):
            month_days = (self.anchor.day,)
            if yearly and not months:
                months = (self.anchor.month,)
        nth_within = "year" if yearly and not months else "month"
        if self.skip != "OMIT" and (month_days or self.byyearday):
            return SkippedDays(
                months_in_period=12 if yearly else 1,
                interval=self.interval,
                anchor=self.anchor,
                months=months,
                year_days=self.byyearday,
                month_days=month_days,
                weekdays=year_mask((), (), (), self.byday, nth_within) if self.byday else None,
                forward=self.skip == "FORWARD",
            )
        mask = year_mask(months, self.byyearday, month_days, self.byday, nth_within)
        days = YearlyDays if yearly else MonthlyDays
        return days(mask, self.interval, self.anchor)
