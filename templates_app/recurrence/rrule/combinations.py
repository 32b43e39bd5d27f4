"""Which parts of a rule go together: the MUST NOTs of RFC 5545 section 3.3.10 and RFC 7529."""

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule.frequency import WEEKDAYS, Frequency
from templates_app.recurrence.rrule.parts import Parts

MOST_COUNT = 100_000


def check(parts: Parts) -> None:
    """Raise `RecurrenceError` for parts that exclude each other."""
    if parts.total is not None and parts.until is not None:
        raise RecurrenceError(
            "count_with_until", "UNTIL", "COUNT and UNTIL exclude each other.", hint="Drop one."
        )
    if parts.byweekno and parts.freq is not Frequency.YEARLY:
        raise RecurrenceError("not_with_freq", "BYWEEKNO", "BYWEEKNO needs FREQ=YEARLY.")
    if parts.bymonthday and parts.freq is Frequency.WEEKLY:
        raise RecurrenceError(
            "not_with_weekly",
            "BYMONTHDAY",
            "BYMONTHDAY cannot be used with FREQ=WEEKLY.",
            hint="Use FREQ=MONTHLY.",
        )
    if parts.byyearday and Frequency.MONTHLY <= parts.freq <= Frequency.DAILY:
        _refuse_year_day(parts.freq)
    if parts.byday:
        _check_numbers_of_days(parts)
    if parts.bysetpos:
        _check_set(parts)
    if parts.skip != "OMIT" and parts.rscale is None:
        raise RecurrenceError(
            "skip_needs_rscale", "SKIP", "SKIP needs RSCALE.", hint="Add RSCALE=GREGORIAN."
        )


def _refuse_year_day(freq: Frequency) -> None:
    others = [name for name in ("MONTHLY", "WEEKLY", "DAILY") if name != freq.name]
    raise RecurrenceError(
        "not_with_freq",
        "BYYEARDAY",
        f"BYYEARDAY cannot be used with FREQ={freq.name} (nor {', '.join(others)}).",
    )


def _check_numbers_of_days(parts: Parts) -> None:
    numbered = next(((nth, weekday) for nth, weekday in parts.byday if nth), None)
    if numbered is None:
        return
    name = f"{numbered[0]}{WEEKDAYS[numbered[1]]}"
    if parts.freq > Frequency.MONTHLY:
        raise RecurrenceError(
            "nth_needs_monthly", "BYDAY", f'"{name}" needs FREQ=MONTHLY or YEARLY.'
        )
    if parts.byweekno:
        raise RecurrenceError(
            "nth_with_weekno",
            "BYDAY",
            f'"{name}": a number cannot be used with BYWEEKNO.',
            hint=f"Use {WEEKDAYS[numbered[1]]}.",
        )


def _check_set(parts: Parts) -> None:
    others = parts.bymonth, parts.byweekno, parts.byyearday, parts.bymonthday, parts.byday
    if not any((*others, parts.byhour, parts.byminute, parts.bysecond)):
        raise RecurrenceError(
            "setpos_alone",
            "BYSETPOS",
            "BYSETPOS picks from the set that another BY part makes; add one.",
            hint="Example: FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        )
