"""Against two libraries, on what they are known to answer rightly.

cronsim: no wrap, W, L-n or names with L. croniter: no step through a wrap, no W; where a day field
begins with a star and the other is set, it takes either. Neither knows a range of one value: `1-1/1`
goes on to the field's end in cronsim, `0-0` is every weekday in croniter. Both count from after the
start.
"""

from datetime import datetime
from itertools import islice

from croniter import croniter  # type: ignore[import-untyped]
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from templates_app.recurrence.cron import parse_cron
from templates_app.recurrence.errors import RecurrenceError

STARTS = st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)).map(
    lambda start: start.replace(second=0, microsecond=0)
)


@st.composite
def _item(draw: st.DrawFn, low: int, high: int) -> str:
    first = draw(st.integers(low, high))
    last = draw(st.integers(min(first + 1, high), high))
    step = draw(st.integers(1, last - first + 1))
    if first == last:
        return str(first)
    return draw(
        st.sampled_from([str(first), f"{first}-{last}", f"{first}-{last}/{step}", f"*/{step}", "*"])
    )


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(_item(low, high), min_size=1, max_size=2).map(",".join)


MINUTES, HOURS, MONTHS = _field(0, 59), _field(0, 23), _field(1, 12)
DAYS = st.one_of(st.just("*"), st.just("L"), _field(1, 31))
WEEKDAYS = st.one_of(
    st.just("*"),
    _field(0, 6),
    st.builds("{}#{}".format, st.integers(0, 6), st.integers(1, 5)),
    st.builds("{}L".format, st.integers(0, 6)),
)


def _walls(expression: str, start: datetime, count: int) -> list[datetime]:
    try:
        walls = parse_cron(expression).walls(start)
    except RecurrenceError as refusal:
        # Each library searches its own few decades for these.
        assume(refusal.code != "never")
        raise
    return list(islice((wall for wall in walls if wall > start), count))


@settings(max_examples=300, deadline=None)
@given(MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, STARTS)
def test_cronsim_gives_the_same_times(
    minutes: str, hours: str, days: str, months: str, weekdays: str, start: datetime
) -> None:
    expression = f"{minutes} {hours} {days} {months} {weekdays}"

    assert _walls(expression, start, 5) == list(islice(CronSim(expression, start), 5))


@settings(max_examples=200, deadline=None)
@given(MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, STARTS)
def test_croniter_gives_the_same_times(
    minutes: str, hours: str, days: str, months: str, weekdays: str, start: datetime
) -> None:
    assume("*" not in days + weekdays or "*" in (days, weekdays))
    assume("L" not in days + weekdays and "#" not in weekdays)
    expression = f"{minutes} {hours} {days} {months} {weekdays}"
    theirs = croniter(expression, start, ret_type=datetime, max_years_between_matches=50)

    assert _walls(expression, start, 5) == [theirs.get_next() for _ in range(5)]
