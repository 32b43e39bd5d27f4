"""Rules that RFC 5545 allows, drawn at random."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from templates_app.recurrence.rrule import WEEKDAYS

STARTS = st.builds(
    lambda days, second: datetime(1997, 1, 1) + timedelta(days, second),
    st.integers(0, 4_000),
    st.sampled_from([0, 32_400, 34_215, 86_399]),
)


def _numbers(
    first: int, last: int, *, negative: bool = False, most: int = 4
) -> st.SearchStrategy[str]:
    values = st.integers(first, last)
    if negative:
        values = st.one_of(values, values.map(lambda value: -value))
    return st.lists(values, min_size=1, max_size=most).map(lambda vs: ",".join(map(str, vs)))


@st.composite
def days(draw: st.DrawFn, freq: str) -> list[str]:
    """BY parts of days that may go with a frequency."""
    chosen = []
    if draw(st.integers(0, 2)) == 0:
        chosen.append("BYMONTH=" + draw(_numbers(1, 12, most=5)))
    weeks = freq == "YEARLY" and draw(st.integers(0, 3)) == 0
    if weeks:
        chosen.append("BYWEEKNO=" + draw(_numbers(1, 53, negative=True)))
    if freq in {"YEARLY", "HOURLY", "MINUTELY", "SECONDLY"} and draw(st.integers(0, 4)) == 0:
        chosen.append("BYYEARDAY=" + draw(_numbers(1, 366, negative=True, most=20)))
    if freq != "WEEKLY" and draw(st.integers(0, 2)) == 0:
        chosen.append("BYMONTHDAY=" + draw(_numbers(1, 31, negative=True, most=8)))
    if draw(st.integers(0, 1)):
        numbered = freq == "MONTHLY" or (freq == "YEARLY" and not weeks)
        most = 5 if freq == "MONTHLY" or any("BYMONTH=" in part for part in chosen) else 53
        number = (
            st.sampled_from(["", "", "1", "2", "-1", "-2", str(most)]) if numbered else st.just("")
        )
        day = st.builds(lambda n, name: n + name, number, st.sampled_from(WEEKDAYS))
        chosen.append("BYDAY=" + ",".join(draw(st.lists(day, min_size=1, max_size=4))))
    return chosen


@st.composite
def rules(draw: st.DrawFn, *frequencies: str) -> str:
    """The text of a rule without COUNT and UNTIL."""
    freq = draw(st.sampled_from(frequencies))
    parts = [f"FREQ={freq}", *draw(days(freq))]
    interval = draw(st.sampled_from([1, 1, 2, 3, 5, 7, 13, 61]))
    if interval > 1:
        parts.append(f"INTERVAL={interval}")
    for name, last in (("BYHOUR", 23), ("BYMINUTE", 59), ("BYSECOND", 60)):
        if draw(st.integers(0, 3)) == 0:
            parts.append(f"{name}=" + draw(_numbers(0, last)))
    if (
        len(parts) > 1
        and any(part.startswith("BY") for part in parts)
        and draw(st.integers(0, 3)) == 0
    ):
        parts.append("BYSETPOS=" + draw(_numbers(1, 5, negative=True)))
    if draw(st.integers(0, 2)) == 0:
        parts.append("WKST=" + draw(st.sampled_from(WEEKDAYS)))
    return ";".join(draw(st.permutations(parts)))
