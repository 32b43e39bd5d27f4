from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import parse_rule

from .strategies import STARTS, rules


def known_right(text: str) -> bool:
    """Leave out where dateutil is wrong (BYWEEKNO alone, sets of cut weeks, mixed BYDAY)."""
    if "BYWEEKNO" in text or ("WEEKLY" in text and "BYSETPOS" in text) or "BYSECOND" in text:
        return False
    byday = next((part[6:] for part in text.split(";") if part.startswith("BYDAY=")), "")
    return len({len(day) > 2 for day in byday.split(",")}) == 1


@settings(max_examples=150, deadline=None)
@given(rules("YEARLY", "MONTHLY", "WEEKLY", "DAILY"), STARTS)
def test_rules_agree_with_dateutil_where_it_is_right(text: str, start: datetime) -> None:
    assume(known_right(text))
    try:
        rule = parse_rule(f"{text};COUNT=12", dtstart=start, zone=ZoneInfo("UTC"))
    except RecurrenceError as fault:
        if fault.code != "never":
            raise
        return
    mine = [at for at in rule.walls(start) if at.year < start.year + 30]
    theirs = rrulestr(f"{text};UNTIL={start.year + 29}1231T235959", dtstart=start)
    assert mine == list(islice(theirs, 12))
