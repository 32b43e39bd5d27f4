"""What the items of a field say, once read."""

from dataclasses import dataclass

from templates_app.recurrence.cron.fields import FieldKind
from templates_app.recurrence.shown import shortened


@dataclass(frozen=True, slots=True)
class Every:
    """`*`, `?` and `*/step`: the whole field, or every `step`-th value from its start."""

    step: int = 1


@dataclass(frozen=True, slots=True)
class Single:
    """One value. Sunday is 0, also where 7 was written."""

    value: int


@dataclass(frozen=True, slots=True)
class Span:
    """`first-last/step`; `n/step` has the field's end as `last`. Wraps where `last` is smaller."""

    first: int
    last: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Hashed:
    """`H`: the values that the seed chose, one of them or every `step`-th."""

    values: tuple[int, ...]
    step: int | None = None


@dataclass(frozen=True, slots=True)
class LastDay:
    """`L`, `L-n`, `LW`, `L-nW`: `before` days before the month's last, or the weekday nearest it."""

    before: int = 0
    nearest_weekday: bool = False


@dataclass(frozen=True, slots=True)
class NearestWeekday:
    """`15W`: the Monday to Friday nearest to `day`, within the month."""

    day: int


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """`MON#2`: the `nth` such weekday of the month; Sunday is 0."""

    weekday: int
    nth: int


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """`5L`, `FRIL`: the month's last such weekday; Sunday is 0."""

    weekday: int


Number = Every | Single | Span | Hashed
DayRule = LastDay | NearestWeekday | NthWeekday | LastWeekday
Term = Number | DayRule


@dataclass(frozen=True, slots=True)
class Field:
    """One field as read.

    `values` are the numbers that it lists, in order; `rules` what depends on the month (`L`, `W`,
    `#`). `starred` tells a field whose text begins with `*` or is `?`: among the two day fields
    such a one does not count as restricted (Vixie cron).
    """

    kind: FieldKind
    text: str
    terms: tuple[Term, ...]
    values: tuple[int, ...]
    rules: tuple[DayRule, ...]
    starred: bool

    def __hash__(self) -> int:
        # Fields are keys of caches; with `H` the same text has other values.
        return hash((self.text, self.values[:1]))

    @property
    def shown(self) -> str:
        """The text as messages show it, shortened."""
        return shortened(self.text)

    @property
    def whole(self) -> bool:
        """Whether every value of the field matches."""
        return len(self.values) == self.kind.size


def in_order(kind: FieldKind, first: int, last: int, step: int) -> tuple[int, ...]:
    """Return the values from `first` to `last` in counting order, through the wrap where needed.

    A weekday 7 is Sunday at either end: `5-7` ends on Sunday and `7-2` starts on it.
    """
    if first > kind.high:
        first, last = kind.low, kind.low if last == first else last
    end = last if last >= first else last + kind.size
    return tuple((value - kind.low) % kind.size + kind.low for value in range(first, end + 1, step))
