"""Days of the month and of the week, and months, in words."""

from collections.abc import Iterable, Sequence

from templates_app.recurrence.describe.wording import (
    MONTHS,
    WEEKDAYS,
    listed,
    ordinal,
    placed,
    runs,
    runs_around,
    step_of,
)

MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
LONGEST_MONTH = 31
SHORTEST_RUN = 3
FEW_DAYS = 4


def weekdays(days: Sequence[int]) -> str:
    """Name weekdays (sorted, Monday 0): "weekdays" for Monday to Friday, or each."""
    if tuple(days) == MONDAY_TO_FRIDAY:
        return "weekdays"
    if len(days) == len(WEEKDAYS) - 1:
        missing = next(day for day in range(len(WEEKDAYS)) if day not in days)
        return f"every day but {WEEKDAYS[missing]}"
    return listed(WEEKDAYS[day] for day in days)


def every_weekday(days: Sequence[int]) -> str:
    """Name weekdays so that it is plain that all of them are meant: "every Friday"."""
    if tuple(days) == MONDAY_TO_FRIDAY or len(days) == len(WEEKDAYS) - 1:
        return weekdays(days)
    return listed(f"every {WEEKDAYS[day]}" for day in days)


def is_weekday(days: Sequence[int]) -> str:
    """Say what a day has to be: "a Monday or a Friday"."""
    if tuple(days) == MONDAY_TO_FRIDAY:
        return "a weekday"
    return listed((f"a {WEEKDAYS[day]}" for day in days), "or")


def nth_weekday(number: int, day: int) -> str:
    """Write "the second Tuesday"."""
    return f"the {placed(number)} {WEEKDAYS[day]}"


def month_day(day: int) -> str:
    """Write "the 15th", "the last day", "the second to last day"."""
    return f"the {ordinal(day)}" if day > 0 else f"the {placed(day)} day"


def month_days(days: Sequence[int], most: int, rules: Iterable[str] = ()) -> str:
    """Name days of a month (positive ones first, then negative ones), and what `rules` say."""
    positive = [day for day in days if day > 0]
    others = [month_day(day) for day in sorted(day for day in days if day < 0)]
    others += rules
    step = step_of(positive)
    if step is not None and step > 1 and len(positive) > FEW_DAYS:
        first, last = ordinal(positive[0]), ordinal(positive[-1])
        numbers = [f"every {ordinal(step)} day from the {first} to the {last}"]
    else:
        numbers = _runs_of_days(positive)
    if len(numbers) + len(others) <= most:
        return listed([*numbers, *others])
    counted = [f"{len(positive)} days"] if len(numbers) > 1 else numbers
    if len(counted) + len(others) <= most:
        return listed([*counted, *others])
    return f"{len(positive) + len(others)} days"


def _runs_of_days(days: Sequence[int]) -> list[str]:
    found = []
    for first, last in runs(days):
        if last - first + 1 < SHORTEST_RUN:
            found += [month_day(day) for day in range(first, last + 1)]
        else:
            found.append(f"the {ordinal(first)} to the {ordinal(last)}")
    return found


def months(numbers: Sequence[int], most: int) -> str:
    """Name months: "January and July", "from March to December", or how many."""
    spans = runs_around(numbers, 1, len(MONTHS))
    if len(spans) == 1 and len(numbers) >= SHORTEST_RUN:
        first, last = spans[0]
        return f"from {MONTHS[first - 1]} to {MONTHS[last - 1]}"
    if len(numbers) <= most:
        return listed(MONTHS[number - 1] for number in numbers)
    return f"{len(numbers)} months"


def of_months(numbers: Sequence[int], most: int) -> str:
    """Say to which months a day belongs: "of every month", "of January and July"."""
    if len(numbers) in (0, len(MONTHS)):
        return "of every month"
    said = months(numbers, most)
    return f"of every month {said}" if said.startswith("from ") else f"of {said}"


def in_months(numbers: Sequence[int], most: int) -> str:
    """Write "in January and July", "from March to December"."""
    said = months(numbers, most)
    return said if said.startswith("from ") else f"in {said}"


def years(numbers: Sequence[int], most: int) -> str:
    """Say in which years: "in 2026 and 2028", "from 2026 to 2030", or how many."""
    spans = runs(numbers)
    step = step_of(numbers)
    if len(spans) == 1 and len(numbers) >= SHORTEST_RUN:
        return f"from {numbers[0]} to {numbers[-1]}"
    if len(numbers) <= min(most, FEW_DAYS):
        return f"in {listed(map(str, numbers))}"
    if step is not None:
        return f"in every {ordinal(step)} year from {numbers[0]} to {numbers[-1]}"
    if len(numbers) <= most:
        return f"in {listed(map(str, numbers))}"
    return f"in {len(numbers)} years from {numbers[0]} to {numbers[-1]}"
