"""One RRULE in words."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from templates_app.recurrence.describe.clock import Clock, Times, hours_within, times, within_hour
from templates_app.recurrence.describe.ruledays import (
    condition_words,
    period_words,
    set_words,
    week_words,
)
from templates_app.recurrence.describe.wording import (
    WEEKDAYS,
    beginning,
    counted,
    date_of,
    ending,
    every,
)
from templates_app.recurrence.rrule.frequency import Frequency
from templates_app.recurrence.rrule.parts import Parts

WHOLE_DAY = tuple(range(24))
SIXTY = tuple(range(60))
UNITS = {
    Frequency.HOURLY: ("hour", 24),
    Frequency.MINUTELY: ("minute", 60),
    Frequency.SECONDLY: ("second", 60),
}


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule says, and from when to when, which an exception need not repeat."""

    body: str
    span: str


def rule_text(parts: Parts, dtstart: datetime, zone: ZoneInfo, most: int) -> RuleText:
    """Put one rule in words, with what it takes from its DTSTART."""
    clock = daily_clock(parts, dtstart)
    if clock is not None:
        daily = parts if parts.freq <= Frequency.DAILY else _as_daily(parts)
        body = _on_days(daily, dtstart, times(clock, around=False, most=most), clock, most)
    else:
        body = _stepping(parts, dtstart, most)
    since = date_of(dtstart)
    if clock is None or clock.size > 1:
        since = beginning(dtstart)
    until = _until(parts, zone)
    count = ""
    if parts.total is not None:
        count = ", once" if parts.total == 1 else f", {counted(parts.total, 'time')}"
    return RuleText(body, f", from {since}{until}{count}")


def daily_clock(parts: Parts, dtstart: datetime) -> Clock | None:
    """Return the times of a day that a rule comes to; None when they differ from day to day."""
    hours, minutes, seconds = parts.byhour, parts.byminute, parts.bysecond
    if parts.freq <= Frequency.DAILY:
        return Clock(
            hours or (dtstart.hour,), minutes or (dtstart.minute,), seconds or (dtstart.second,)
        )
    _, size = UNITS[parts.freq]
    if parts.bysetpos or size % parts.interval:
        return None
    grids = {
        Frequency.HOURLY: (_grid(dtstart.hour, parts.interval, 24), (dtstart.minute,)),
        Frequency.MINUTELY: (WHOLE_DAY, _grid(dtstart.minute, parts.interval, 60)),
        Frequency.SECONDLY: (WHOLE_DAY, SIXTY),
    }
    hour_grid, minute_grid = grids[parts.freq]
    second_grid: tuple[int, ...] = (dtstart.second,)
    if parts.freq is Frequency.SECONDLY:
        second_grid = _grid(dtstart.second, parts.interval, 60)
        return Clock(hours or hour_grid, minutes or minute_grid, _met(second_grid, seconds))
    if parts.freq is Frequency.MINUTELY:
        return Clock(hours or hour_grid, _met(minute_grid, minutes), seconds or second_grid)
    return Clock(_met(hour_grid, hours), minutes or minute_grid, seconds or second_grid)


def _grid(start: int, interval: int, size: int) -> tuple[int, ...]:
    return tuple(range(start % interval, size, interval))


def _met(grid: tuple[int, ...], listed_values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(value for value in grid if not listed_values or value in listed_values)


def _as_daily(parts: Parts) -> Parts:
    return parts._replace(freq=Frequency.DAILY, interval=1)


def _on_days(parts: Parts, dtstart: datetime, said: Times, clock: Clock, most: int) -> str:
    match parts.freq:
        case Frequency.DAILY:
            text = _daily(parts, said, most)
        case Frequency.WEEKLY:
            text = _weekly(parts, dtstart, said, most)
        case _:
            days = period_words(parts, dtstart, most, single=clock.size == 1)
            text = f"{days.lead}, {said.text}" + "".join(f", {only}" for only in days.conditions)
            if days.placed:
                return text
    return text + set_words(parts, most)


def _daily(parts: Parts, said: Times, most: int) -> str:
    conditions = condition_words(parts, most)
    if parts.interval == 1 and not parts.bysetpos:
        if not conditions:
            return f"{said.text} every day" if said.named else _all_day(said)
        if len(conditions) == 1:
            every_day = " every day " if said.named and parts.bymonth else ", "
            return f"{said.text}{every_day}{conditions[0].plain}"
    lead = every(parts.interval, "day")
    text = f"{lead} {said.text}" if said.named else f"{lead}, {said.text}"
    return text + "".join(f", {condition.only}" for condition in conditions)


def _all_day(said: Times) -> str:
    return f"{said.text}, every day" if said.bounded else said.text


def _weekly(parts: Parts, dtstart: datetime, said: Times, most: int) -> str:
    days, whole_week = week_words(parts, dtstart)
    conditions = condition_words(parts._replace(byday=()), most)
    simple = parts.interval == 1 and not parts.bysetpos
    if simple and whole_week:
        text = f"{said.text} every day" if said.named else _all_day(said)
    elif simple:
        text = f"{said.text}, on {days}"
    else:
        lead = f"{every(parts.interval, 'week')} on {days}"
        text = f"{lead} {said.text}" if said.named else f"{lead}, {said.text}"
    if parts.wkst and not simple:
        text += f", weeks beginning on {WEEKDAYS[parts.wkst]}"
    return text + "".join(f", {condition.only}" for condition in conditions)


def _stepping(parts: Parts, dtstart: datetime, most: int) -> str:
    """Say a rule of hours or less whose steps fall differently on every day."""
    unit, _ = UNITS[parts.freq]
    text = every(parts.interval, unit)
    seconds = parts.bysecond or (dtstart.second,)
    limits = []
    if parts.freq is Frequency.HOURLY:
        minutes = parts.byminute or (dtstart.minute,)
        if (minutes, seconds) != ((0,), (0,)):
            text += _inside("hour", within_hour(minutes, seconds, most=most))
    elif parts.byminute:
        limits.append(within_hour(parts.byminute, (0,), most=most))
    if parts.freq is Frequency.MINUTELY and len(seconds) > 1:
        text += _inside("minute", within_hour(SIXTY, seconds, most=most))
    elif parts.freq is Frequency.MINUTELY and seconds != (0,):
        text += f", at second {seconds[0]}"
    elif parts.freq is Frequency.SECONDLY and parts.bysecond:
        limits.append(within_hour(SIXTY, parts.bysecond, most=most))
    if parts.byhour:
        hours = hours_within(parts.byhour, (1,), around=False, most=most)
        limits.append(hours.lstrip(", "))
    text += "".join(f", only {limit}" for limit in limits if limit)
    text += "".join(f", {condition.only}" for condition in condition_words(parts, most))
    return text + set_words(parts, most)


def _inside(unit: str, said: str) -> str:
    return f", in that {unit} {said}" if said.startswith("every") else f", {said}"


def _until(parts: Parts, zone: ZoneInfo) -> str:
    if parts.until is None:
        return ""
    until = parts.until
    if not isinstance(until, datetime):
        return f" until {date_of(until)}"
    try:
        return f" until {ending(until.astimezone(zone).replace(tzinfo=None))}"
    except OverflowError:
        return ""
