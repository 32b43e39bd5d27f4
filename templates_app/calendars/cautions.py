"""What is allowed in a calendar and probably not what was meant."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from templates_app.calendars.definition import WEEKDAYS, Definition
from templates_app.calendars.reading import join
from templates_app.calendars.sources import Source
from templates_app.calendars.wording import joined, weekdays
from templates_app.recurrence.errors import Caution

LEAP_DAY = (2, 29)
# How far the data of nearly every country reach: no news for a calendar.
USUAL_END = 2099


def cautions_of(definition: Definition) -> tuple[Caution, ...]:
    """Return the cautions that whoever writes this definition should read, its members' included."""
    return tuple(_cautions(definition))


def beyond_data(definitions: Iterable[Definition], year: int) -> tuple[Caution, ...]:
    """Return a caution for each source of holidays that knows none of this year.

    For whoever plans so far ahead: on those days the calendars hold no holidays.
    """
    sources = [one for definition in definitions for one in _sources(definition)]
    ended = [one for one in dict.fromkeys(sources) if one.known_until < year]
    return tuple(_known_until(one) for one in ended)


def _cautions(definition: Definition) -> Iterator[Caution]:
    yield from _hours(definition)
    if any(one.first == one.last == LEAP_DAY for one in definition.yearly):
        yield Caution(
            code="leap_day",
            field="dates",
            message="29 February comes in leap years only.",
            hint="Use 02-28 or 03-01 for a day of every year.",
        )
    for source in definition.holidays:
        if source.known_until < USUAL_END:
            yield _known_until(source)
    members = {f"any_of.{position}": one for position, one in enumerate(definition.any_of)}
    if definition.exception:
        members["except"] = definition.exception
    for path, member in members.items():
        for caution in _cautions(member):
            yield replace(caution, field=join(path, caution.field))


def _hours(definition: Definition) -> Iterator[Caution]:
    if not definition.hours:
        return
    if definition.holidays or definition.dates or definition.yearly:
        yield Caution(
            code="hours_and_days",
            field="hours",
            message="The calendar holds its hours and, besides, the whole of its holidays and dates.",
            hint='If the hours do not apply on those days, put the days under "except".',
        )
    both = tuple(day for day in definition.weekdays if definition.hours[day])
    if both:
        keys = joined([f'"{WEEKDAYS[day]}"' for day in both], "and")
        yield Caution(
            code="hours_and_weekdays",
            field="hours",
            message=f"The calendar holds the whole of {weekdays(both)}; their hours add nothing.",
            hint=f"Take {keys} out of weekdays if only the hours are meant.",
        )


def _known_until(source: Source) -> Caution:
    return Caution(
        code="holidays_end",
        field="holidays",
        message=f"The {source.phrase} are known until {source.known_until} only; "
        "after that no day is a holiday.",
        hint="Add later days as dates.",
    )


def _sources(definition: Definition) -> Iterator[Source]:
    yield from definition.holidays
    inner = (*definition.any_of, *((definition.exception,) if definition.exception else ()))
    for one in inner:
        yield from _sources(one)
