"""What `H` leaves to the template: values that its id chooses, so that not all run at once."""

from templates_app.recurrence.cron.terms import Field, Hashed
from templates_app.recurrence.describe.clock import (
    ON_THE_MINUTE,
    SIXTY,
    Times,
    hours_within,
    within_hour,
)
from templates_app.recurrence.describe.wording import every, ordinal

CHOSEN = "chosen for this template"
_NAMES = {
    "second": ("a second", "seconds"),
    "minute": ("a minute", "minutes"),
    "hour": ("an hour", "hours"),
    "day_of_month": ("a day of the month", "days of the month"),
    "day_of_week": ("a day of the week", "days of the week"),
    "month": ("a month", "months"),
}


def is_chosen(field: Field) -> bool:
    """Whether the field's values depend on the template."""
    return not field.whole and any(isinstance(term, Hashed) for term in field.terms)


def chosen(field: Field) -> str:
    """Say what is known of a chosen field without knowing the template."""
    one, several = _NAMES[field.kind.key]
    term = field.terms[0]
    if len(field.terms) > 1 or not isinstance(term, Hashed):
        return f"{several} partly {CHOSEN}"
    if term.step is None:
        return f"{one}{_bounds(field)} {CHOSEN}"
    noun = several.partition(" ")[0].removesuffix("s")
    return f"every {ordinal(term.step)} {noun}{_bounds(field)}, beginning with one {CHOSEN}"


def chosen_times(hours: Field, minutes: Field, seconds: Field, *, around: bool, most: int) -> Times:
    """Put times of day in words of which at least one part is chosen."""
    second = _second(seconds, most)
    if _freely(hours) and _freely(minutes):
        return Times(f"{second}at an hour and a minute {CHOSEN}", bounded=True)
    if hours.whole:
        if is_chosen(minutes) and not _rhythm(minutes):
            return Times(f"{second}every hour, at {chosen(minutes)}")
        return Times(second + _minute(minutes, most))
    if is_chosen(hours):
        hour = f", in {chosen(hours)}"
    else:
        # The words for the hours begin with a blank or a comma.
        hour = "," + hours_within(
            hours.values, seconds.values, around=around, most=most
        ).removeprefix(",")
    return Times(second + _minute(minutes, most) + hour, bounded=True)


def _second(field: Field, most: int) -> str:
    if is_chosen(field):
        return f"at {chosen(field)}, "
    if field.values == ON_THE_MINUTE:
        return ""
    return f"{within_hour(tuple(range(SIXTY)), field.values, most=most)}, "


def _minute(field: Field, most: int) -> str:
    if not is_chosen(field):
        return within_hour(field.values, ON_THE_MINUTE, most=most)
    step = _rhythm(field)
    if step:
        return f"{every(step, 'minute')}, starting at a minute {CHOSEN}"
    return f"at {chosen(field)}"


def _rhythm(field: Field) -> int | None:
    """Return n where the minutes are every n-th of sixty, on and on over the hour's end."""
    term = field.terms[0]
    simple = len(field.terms) == 1 and isinstance(term, Hashed) and not _bounds(field)
    if not simple or not isinstance(term, Hashed) or term.step is None or SIXTY % term.step:
        return None
    return term.step


def _freely(field: Field) -> bool:
    return field.text.upper() == "H"


def _bounds(field: Field) -> str:
    """Return " from 0 to 29" of H(0-29)."""
    inner = field.text.partition("(")[2].partition(")")[0]
    first, _, last = inner.partition("-")
    return f" from {first} to {last}" if last else ""
