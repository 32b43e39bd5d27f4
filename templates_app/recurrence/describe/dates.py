"""A list of dates in words."""

from collections.abc import Iterable
from datetime import datetime

from templates_app.recurrence.describe.wording import date_of, day_and_time, listed, time_of


def dates_words(texts: Iterable[str], most: int) -> str:
    """Name dates (ISO 8601, local), or how many of them lie where."""
    moments = sorted({datetime.fromisoformat(text).replace(tzinfo=None) for text in texts})
    days = sorted({moment.date() for moment in moments})
    same_time = len({moment.time() for moment in moments}) == 1
    if len(moments) <= most:
        if same_time:
            return f"on {listed(map(date_of, days))} at {time_of(moments[0])}"
        return f"on {listed(map(day_and_time, moments))}"
    span = f"from {date_of(days[0])} to {date_of(days[-1])}"
    if same_time:
        return f"on {len(days):,} dates {span}, at {time_of(moments[0])}"
    if len(days) == len(moments):
        return f"on {len(days):,} dates {span}"
    if len(days) == 1:
        return f"at {len(moments):,} times on {date_of(days[0])}"
    return f"at {len(moments):,} times {span}"
