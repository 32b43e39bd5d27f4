"""Which times of a day: hours, minutes and seconds that each may be several."""

from dataclasses import dataclass
from itertools import product

from templates_app.recurrence.describe.wording import (
    clock_time,
    every,
    listed,
    ordinal,
    runs,
    runs_around,
    step_of,
)

ON_THE_MINUTE = (0,)
HOURS, SIXTY = 24, 60
# Up to here times are named one by one even where they follow a rhythm.
FEW_TIMES = 4
MOST_SPANS = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Words for times of day.

    `named` tells single times ("at 09:00") from a rhythm ("every 15 minutes"); `bounded` that the
    rhythm does not go on all day.
    """

    text: str
    named: bool = False
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """Every hour with every minute with every second of three sorted lists."""

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...] = ON_THE_MINUTE

    @property
    def size(self) -> int:
        return len(self.hours) * len(self.minutes) * len(self.seconds)

    @property
    def once_an_hour(self) -> bool:
        return len(self.minutes) == len(self.seconds) == 1

    def named(self) -> str:
        """Write every time: "at 09:00 and 17:30"."""
        every_one = product(self.hours, self.minutes, self.seconds)
        return f"at {listed(clock_time(*one) for one in every_one)}"

    def at_minute_of(self, hour: int) -> str:
        return clock_time(hour, self.minutes[0], self.seconds[0])


def times(clock: Clock, *, around: bool, most: int) -> Times:
    """Put the times of a clock in words.

    `around` says that midnight is no border, as on a schedule of every day: 22 to 6 o'clock is one
    span then. A list longer than `most` is summarised.
    """
    if clock.size <= FEW_TIMES:
        return Times(clock.named(), named=True)
    if clock.once_an_hour:
        return _once_an_hour(clock, around=around, most=most)
    rhythm = spread(clock.minutes) and len(runs(clock.hours)) == 1
    if clock.size <= most and len(clock.seconds) == 1 and not rhythm:
        return Times(clock.named(), named=True)
    within = hours_within(clock.hours, clock.seconds, around=around, most=most)
    inner = within_hour(clock.minutes, clock.seconds, most=most)
    return Times(f"{inner}{within}", bounded=bool(within))


def _once_an_hour(clock: Clock, *, around: bool, most: int) -> Times:
    hours = clock.hours
    if len(hours) == HOURS:
        if clock.minutes == clock.seconds == ON_THE_MINUTE:
            return Times("every hour")
        past = _past_hour(clock.minutes[0], clock.seconds[0])
        return Times(f"at {past} past every hour")
    spans = runs_around(hours, 0, HOURS - 1) if around else runs(hours)
    if len(spans) == 1:
        first, last = map(clock.at_minute_of, spans[0])
        return Times(f"every hour from {first} to {last}", bounded=True)
    step = step_of(hours)
    first, last = clock.at_minute_of(hours[0]), clock.at_minute_of(hours[-1])
    if step is not None:
        return Times(f"every {step} hours from {first} to {last}", bounded=True)
    if clock.size <= most:
        return Times(clock.named(), named=True)
    return Times(f"at {clock.size} times of the day from {first} to {last}", named=True)


def _past_hour(minute: int, second: int) -> str:
    parts = [
        f"{number} {unit}" + ("" if number == 1 else "s")
        for number, unit in ((minute, "minute"), (second, "second"))
        if number
    ]
    return listed(parts)


def within_hour(minutes: tuple[int, ...], seconds: tuple[int, ...], *, most: int) -> str:
    """Put minutes and seconds of an hour that is not named in words."""
    if seconds == ON_THE_MINUTE:
        return _minutes(minutes, most)
    second = _seconds(seconds, most)
    if len(minutes) == SIXTY:
        if len(seconds) == 1:
            return f"every minute at {second}"
        return second if spread(seconds) else f"{second} of every minute"
    which = "every minute" if len(minutes) == SIXTY else _which("minute", minutes, most)
    return (
        f"at {second} of {which} of the hour"
        if len(seconds) == 1
        else (f"{second} of {which} of the hour")
    )


def _minutes(minutes: tuple[int, ...], most: int) -> str:
    distance = spread(minutes)
    if distance:
        start = minutes[0]
        since = f", starting at {_past_hour(start, 0)} past the hour" if start else ""
        return every(distance, "minute") + since
    if len(minutes) == 1:
        return f"at {_past_hour(minutes[0], 0) or '0 minutes'} past the hour"
    spans = runs(minutes)
    if len(spans) <= MOST_SPANS and all(last - first > 1 for first, last in spans):
        said = listed(f"from {first} to {last}" for first, last in spans)
        return f"every minute {said} past the hour"
    step = step_of(minutes)
    if step is not None and len(minutes) > FEW_TIMES:
        return f"at every {ordinal(step)} minute from {minutes[0]} to {minutes[-1]} past the hour"
    if len(minutes) <= most:
        return f"at {listed(map(str, minutes))} minutes past the hour"
    return f"at {len(minutes)} minutes of the hour"


def _seconds(seconds: tuple[int, ...], most: int) -> str:
    distance = spread(seconds)
    if distance:
        return every(distance, "second") + (f" from second {seconds[0]}" if seconds[0] else "")
    if len(seconds) == 1:
        return f"second {seconds[0]}"
    if len(runs(seconds)) == 1 and len(seconds) > 2:
        return f"every second from {seconds[0]} to {seconds[-1]}"
    step = step_of(seconds)
    if step is not None and len(seconds) > FEW_TIMES:
        return f"every {ordinal(step)} second from {seconds[0]} to {seconds[-1]}"
    return f"at {_which('second', seconds, most)}"


def _which(noun: str, values: tuple[int, ...], most: int) -> str:
    """Name values of a minute or an hour: "minute 5", "minutes 5 and 20", "minutes 5 to 20"."""
    if len(values) == 1:
        return f"{noun} {values[0]}"
    if len(runs(values)) == 1 and len(values) > 2:
        return f"{noun}s {values[0]} to {values[-1]}"
    step = step_of(values)
    if step is not None and len(values) > FEW_TIMES:
        return f"every {ordinal(step)} {noun} from {values[0]} to {values[-1]}"
    if len(values) <= most:
        return f"{noun}s {listed(map(str, values))}"
    return f"{len(values)} {noun}s"


def hours_within(
    hours: tuple[int, ...], seconds: tuple[int, ...], *, around: bool, most: int
) -> str:
    """Say in which hours something repeats, with a leading blank; "" for all of them."""
    if len(hours) == HOURS:
        return ""
    end = ":59" if seconds == ON_THE_MINUTE else ":59:59"
    spans = runs_around(hours, 0, HOURS - 1) if around else runs(hours)
    if len(spans) <= MOST_SPANS:
        said = (f"between {first:02d}:00 and {last:02d}{end}" for first, last in spans)
        return f" {listed(said)}"
    step = step_of(hours)
    if step is not None:
        shown = f"{hours[0]:02d}:00, {hours[1]:02d}:00 … {hours[-1]:02d}:00"
        return f", in every {ordinal(step)} hour ({shown})"
    if len(hours) <= most:
        return f", in the hours that begin at {listed(f'{hour:02d}:00' for hour in hours)}"
    return f", in {len(hours)} hours of the day"


def spread(values: tuple[int, ...]) -> int | None:
    """Return n where the values are every n-th of sixty, on and on over the hour's end."""
    distance = SIXTY // len(values)
    if len(values) < 2 or SIXTY % len(values) or values[0] >= distance:
        return None
    evenly = values == tuple(range(values[0], SIXTY, distance))
    return distance if evenly else None
