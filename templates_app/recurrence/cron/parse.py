"""From an expression to its schedule, and what is allowed in it but seldom meant."""

from collections.abc import Mapping
from functools import lru_cache

from templates_app.recurrence.cron.days import DayMatch, month_masks
from templates_app.recurrence.cron.expression import Word, read_field, read_fields, read_words
from templates_app.recurrence.cron.fields import DAY_OF_MONTH, DAY_OF_WEEK, SECOND, FieldKind
from templates_app.recurrence.cron.impossible import why_never
from templates_app.recurrence.cron.schedule import Cron
from templates_app.recurrence.cron.terms import Every, Field, Span, Term, in_order
from templates_app.recurrence.errors import Caution, RecurrenceError

_CACHED = 4096
_REPEATING = frozenset("*?/")
_ON_THE_MINUTE = read_field(SECOND, "0")


def parse_cron(expression: str, *, day_match: DayMatch = "or", seed: str = "") -> Cron:
    """Return the schedule of a cron expression.

    Five fields (minute hour day month weekday), six with seconds first, seven with a year last, or
    a macro. `day_match` says whether a day has to match both day fields where both are restricted.
    `seed` decides what `H` chooses; the same for ever for one seed.

    Raises `RecurrenceError` with a stable code and the field, position and remedy; also for a
    schedule that would never run (code `never`).
    """
    return _parse(expression, day_match, seed if _has_hash(expression) else "")


def _has_hash(expression: str) -> bool:
    """Whether `H` may be in the text, so that all others are cached once and not by seed."""
    upper = expression.upper()
    return "H" in upper.replace("THU", "") and "@" not in upper


@lru_cache(maxsize=_CACHED)
def _parse(expression: str, day_match: DayMatch, seed: str) -> Cron:
    words = read_words(expression)
    fields = read_fields(words, seed)
    days, months, weekdays = fields["day_of_month"], fields["month"], fields["day_of_week"]
    years = fields.get("year")
    if years is not None and years.terms == (Every(),):
        years = None
    never = why_never(days, months, weekdays, years, day_match)
    if never is not None:
        raise _placed(never, words)
    return Cron(
        expression=" ".join(expression.split()),
        day_match=day_match,
        repeats_hours=not _REPEATING.isdisjoint(fields["hour"].text),
        cautions=_cautions(fields, day_match),
        seconds=fields.get("second", _ON_THE_MINUTE),
        minutes=fields["minute"],
        hours=fields["hour"],
        month_days=days,
        months=months,
        weekdays=weekdays,
        years=years,
        _masks=month_masks(days, weekdays, day_match),
        _month_wanted=_wanted(months.values),
    )


@lru_cache(maxsize=256)
def _wanted(months: tuple[int, ...]) -> tuple[bool, ...]:
    return tuple(month in months for month in range(13))


def _placed(error: RecurrenceError, words: list[Word]) -> RecurrenceError:
    """Return the error with the position of its field."""
    without_second = {"day_of_month": 2, "month": 3, "day_of_week": 4, "year": 5}
    at = without_second[error.field] + (len(words) > 5)
    return RecurrenceError(
        error.code, error.field, error.message, hint=error.hint, position=words[at].position
    )


def _cautions(fields: Mapping[str, Field], day_match: DayMatch) -> tuple[Caution, ...]:
    days, weekdays = fields[DAY_OF_MONTH.key], fields[DAY_OF_WEEK.key]
    found: list[Caution] = []
    if not days.whole and not weekdays.whole:
        found.append(_both_days(days, weekdays, day_match))
    found.extend(
        Caution(
            code="step_beyond_range",
            field=field.kind.key,
            message=f'A step in "{field.shown}" is larger than its range: it names one value only.',
        )
        for field in fields.values()
        if "/" in field.text and any(_steps_once(field.kind, term) for term in field.terms)
    )
    return tuple(found)


def _steps_once(kind: FieldKind, term: Term) -> bool:
    match term:
        case Every(step):
            return step >= kind.size
        case Span(first, last, step):
            return step > 1 and len(in_order(kind, first, last, step)) == 1
        case _:
            return False


def _both_days(days: Field, weekdays: Field, day_match: DayMatch) -> Caution:
    if day_match == "and":
        meaning = "a day has to match both"
        other = 'For days that match either, as in POSIX cron, set day_match to "or".'
    elif days.starred or weekdays.starred:
        meaning = "both have to match, because one of them begins with *"
        other = "Some schedulers run when either matches."
    else:
        meaning = "it runs on every day that matches either"
        other = 'For days that match both, as in Celery, set day_match to "and".'
    return Caution(
        code="both_days",
        field=DAY_OF_WEEK.key,
        message=f'Day of the month "{days.shown}" and weekday "{weekdays.shown}" are both set: '
        f"{meaning}.",
        hint=other,
    )
