"""The filters: what each takes, checked before any run, and what it yields."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tenants.zone_names import known_time_zones

from .context import Context
from .errors import PlaceholderError, shown
from .formats import read_format
from .moments import (
    PERIODS,
    UNIT_SECONDS,
    Span,
    end_of,
    epoch_milliseconds,
    epoch_seconds,
    shifted,
    start_of,
)
from .names import nearest
from .values import Expression, Kind, through

LONGEST_SECONDS = 1_000 * 366 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """What stands in the parentheses after the name of a filter or a function."""

    name: str
    positional: tuple[Expression, ...]
    named: dict[str, Expression]

    def none(self) -> None:
        """Refuse any argument."""
        if self.positional or self.named:
            raise self.refused("takes no arguments", f"Write {self.name} alone.")

    def one(self, example: str) -> Expression:
        """Return the only argument."""
        if len(self.positional) != 1 or self.named:
            raise self.refused("takes one argument", f"Write {example}.")
        return self.positional[0]

    def one_text(self, example: str) -> str:
        """Return the only argument, a text that is written out."""
        value = self.one(example).literal
        if not isinstance(value, str):
            raise self.refused("takes a text in quotes", f"Write {example}.")
        return value

    def refused(self, why: str, hint: str) -> PlaceholderError:
        """Return the error for arguments that are not right."""
        return PlaceholderError("bad_argument", f'"{self.name}" {why}.', hint=hint)


def span_of(arguments: Arguments) -> Span:
    """Return the span of `add(days=-1, hours=2)`. Raises `PlaceholderError`."""
    example = "add(days=-1, hours=2)"
    if arguments.positional or not arguments.named:
        raise arguments.refused("takes amounts with their units", f"Write {example}.")
    return Span.of({unit: _amount(arguments, unit) for unit in arguments.named})


def _amount(arguments: Arguments, unit: str) -> int:
    if unit not in UNIT_SECONDS:
        hint = nearest(unit, "units", UNIT_SECONDS)
        raise arguments.refused(f'does not know the unit "{shown(unit)}"', hint)
    return whole(arguments, arguments.named[unit], unit)


def whole(arguments: Arguments, amount: Expression, unit: str) -> int:
    """Return a written-out whole number of units, at most 1,000 years."""
    value = amount.literal
    if not isinstance(value, int):
        raise arguments.refused(
            f"takes whole numbers of {unit}", f"Write a number, as in {unit}=1."
        )
    if abs(value) * UNIT_SECONDS[unit] > LONGEST_SECONDS:
        raise arguments.refused(f"takes at most 1,000 years of {unit}", "Use a smaller number.")
    return value


def _date(subject: Expression, arguments: Arguments) -> Expression:
    return through(
        subject, Kind.TEXT, read_format(arguments.one_text('occurrence | date("%Y-%m-%d")'))
    )


def _iso(subject: Expression, arguments: Arguments) -> Expression:
    arguments.none()
    return through(subject, Kind.TEXT, datetime.isoformat)


def _utc(subject: Expression, arguments: Arguments) -> Expression:
    arguments.none()
    return through(subject, Kind.MOMENT, lambda moment: moment.astimezone(UTC))


def _in_zone(subject: Expression, arguments: Arguments) -> Expression:
    name = arguments.one_text('occurrence | in_zone("Europe/Madrid")')
    if name not in known_time_zones():
        near = nearest(name, "", sorted(known_time_zones())).partition("Known")[0]
        raise PlaceholderError(
            "unknown_zone",
            f'"{shown(name)}" is no IANA time zone.',
            hint=f"{near}Use a name such as Europe/Madrid.",
        )
    zone = ZoneInfo(name)
    return through(subject, Kind.MOMENT, lambda moment: moment.astimezone(zone))


def _timestamp(subject: Expression, arguments: Arguments) -> Expression:
    if not arguments.positional and not arguments.named:
        return through(subject, Kind.INTEGER, epoch_seconds)
    example = 'occurrence | timestamp, or timestamp("ms") for milliseconds'
    unit = arguments.one_text(example)
    if unit not in ("s", "ms"):
        raise arguments.refused('takes "s" or "ms"', f"Write {example}.")
    return through(subject, Kind.INTEGER, epoch_seconds if unit == "s" else epoch_milliseconds)


def _add(subject: Expression, arguments: Arguments) -> Expression:
    span = span_of(arguments)
    return through(subject, Kind.MOMENT, lambda moment: shifted(moment, span))


def _period(arguments: Arguments) -> str:
    period = arguments.one_text(f'occurrence | {arguments.name}("month")')
    if period not in PERIODS:
        hint = nearest(period, "periods", PERIODS)
        raise arguments.refused(f'does not know "{shown(period)}"', hint)
    return period


def _start_of(subject: Expression, arguments: Arguments) -> Expression:
    period = _period(arguments)
    return through(subject, Kind.MOMENT, lambda moment: start_of(moment, period))


def _end_of(subject: Expression, arguments: Arguments) -> Expression:
    period = _period(arguments)
    return through(subject, Kind.MOMENT, lambda moment: end_of(moment, period))


def _weekday(subject: Expression, arguments: Arguments) -> Expression:
    arguments.none()
    return through(subject, Kind.INTEGER, datetime.isoweekday)


def _lower(subject: Expression, arguments: Arguments) -> Expression:
    arguments.none()
    return through(subject, Kind.TEXT, str.lower)


def _upper(subject: Expression, arguments: Arguments) -> Expression:
    arguments.none()
    return through(subject, Kind.TEXT, str.upper)


def _slug(subject: Expression, arguments: Arguments) -> Expression:
    arguments.none()
    return through(subject, Kind.TEXT, slug)


def slug(text: str) -> str:
    """Return the text in a-z, 0-9 and single hyphens, accents dropped."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _default(subject: Expression, arguments: Arguments) -> Expression:
    fallback = arguments.one('previous_occurrence | default("none")')
    if fallback.kind is Kind.SPAN:
        raise arguments.refused("takes a value, not a span", "Write occurrence - days(1).")
    first, second = subject.evaluate, fallback.evaluate

    def evaluate(context: Context) -> object:
        value = first(context)
        return second(context) if value is None else value

    return Expression(
        kind=subject.kind if subject.kind is fallback.kind else Kind.MIXED,
        evaluate=evaluate,
        nullable=fallback.nullable,
        uses=subject.uses | fallback.uses,
    )


Filter = Callable[[Expression, Arguments], Expression]

# Each filter with the kind that it takes; None takes all but spans.
FILTERS: dict[str, tuple[Kind | None, Filter]] = {
    "date": (Kind.MOMENT, _date),
    "iso": (Kind.MOMENT, _iso),
    "utc": (Kind.MOMENT, _utc),
    "in_zone": (Kind.MOMENT, _in_zone),
    "timestamp": (Kind.MOMENT, _timestamp),
    "add": (Kind.MOMENT, _add),
    "start_of": (Kind.MOMENT, _start_of),
    "end_of": (Kind.MOMENT, _end_of),
    "weekday": (Kind.MOMENT, _weekday),
    "lower": (Kind.TEXT, _lower),
    "upper": (Kind.TEXT, _upper),
    "slug": (Kind.TEXT, _slug),
    "default": (None, _default),
}


def filtered(subject: Expression, arguments: Arguments) -> Expression:
    """Return the subject through the filter that `arguments` names. Raises `PlaceholderError`."""
    name = arguments.name
    if name not in FILTERS:
        raise PlaceholderError(
            "unknown_filter",
            f'There is no filter "{shown(name)}".',
            hint=nearest(name, "filters", FILTERS),
        )
    wanted, build = FILTERS[name]
    if subject.kind is Kind.SPAN or (wanted is not None and subject.kind is not wanted):
        raise PlaceholderError(
            "wrong_kind",
            f'The filter "{name}" takes {(wanted or Kind.MOMENT).value}, not {subject.kind.value}.',
            hint=_remedy(subject.kind, wanted),
        )
    return build(subject, arguments)


def _remedy(given: Kind, wanted: Kind | None) -> str:
    if given is Kind.SPAN:
        return 'A filter binds first; write (occurrence - days(1)) | date("%Y-%m-%d").'
    if given is Kind.MIXED:
        return "Put default(…) last, or give it a fallback of the same kind."
    if wanted is Kind.TEXT and given is Kind.MOMENT:
        return 'Make it a text first, as in occurrence | date("%A") | lower.'
    return "Leave the filter out."
