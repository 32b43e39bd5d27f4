"""Several rules and dates together: RRULE, RDATE, EXRULE and EXDATE of one DTSTART."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from zoneinfo import ZoneInfo

from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.rrule.grammar import parse_parts
from templates_app.recurrence.rrule.moments import Wall, read_wall
from templates_app.recurrence.rrule.rule import Rule, parse_rule

_MOST_REMOVED = 50_000
"""Times removed in a row, after which a search is given up: more than the minutes of a month."""

_BEGINNING = datetime(1, 1, 1)  # noqa: DTZ001 - nominal times have no zone
_MOST_RULES = 100
_MOST_DATES = 10_000


@dataclass(frozen=True)
class RuleSet:
    """The times of all rules and of `rdates`, without those of `exrules` and `exdates`.

    DTSTART fires only if a rule matches it. With neither rules nor rdates it is the one time
    (RFC 5545 section 3.8.2.4: the first instance of a set that has no other). With rdates alone
    they are all there is.
    """

    dtstart: datetime
    all_day: bool
    zone: ZoneInfo
    rules: tuple[Rule, ...]
    exrules: tuple[Rule, ...]
    rdates: tuple[datetime, ...]
    exdates: frozenset[datetime]

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """The cautions of the rules, each once."""
        found = [caution for rule in self.rules for caution in rule.cautions]
        return tuple(dict.fromkeys(found))

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal time at or after `start`, in order and each once.

        Raises `RecurrenceError` with the code `too_costly` after 50,000 removed times in a row.
        """
        previous, removed = None, 0
        for at in self._named(start):
            if at == previous:
                continue
            previous = at
            if at in self.exdates or any(_fires_at(rule, at) for rule in self.exrules):
                removed += 1
                if removed > _MOST_REMOVED:
                    raise _all_removed()
                continue
            removed = 0
            yield at

    def _named(self, start: datetime) -> Iterator[datetime]:
        if len(self.rules) == 1 and not self.rdates:
            return self.rules[0].walls(start)
        dates = (at for at in self.rdates if at >= start)
        return merge(dates, *(rule.walls(start) for rule in self.rules))


def parse_set(
    *,
    dtstart: str,
    rules: Sequence[str],
    exrules: Sequence[str],
    rdates: Sequence[str],
    exdates: Sequence[str],
    zone: ZoneInfo,
) -> RuleSet:
    """Return the set that the JSON shape of an rrule recurrence names.

    A DTSTART written as a date alone is an all-day one: its rules' BYHOUR, BYMINUTE and BYSECOND
    are ignored, as RFC 5545 section 3.3.10 says. Raises `RecurrenceError`: its `field` is a part
    of the rule for a single rule, else `rules.1.BYDAY`, `exrules.0.FREQ`, `rdates.2`; its code is
    `never` when no time is left.
    """
    _bounded("rules", len(rules) + len(exrules), _MOST_RULES)
    _bounded("rdates", len(rdates) + len(exdates), _MOST_DATES)
    start = read_wall("dtstart", dtstart, zone)
    path = "rules.{}" if len(rules) > 1 else None
    named = tuple(sorted(set(_dates("rdates", rdates, zone))))
    parsed = RuleSet(
        dtstart=start.at,
        all_day=start.all_day,
        zone=zone,
        rules=tuple(_rule(text, i, path, start, zone) for i, text in enumerate(rules)),
        exrules=tuple(_rule(text, i, "exrules.{}", start, zone) for i, text in enumerate(exrules)),
        rdates=named or (() if rules else (start.at,)),
        exdates=frozenset(_dates("exdates", exdates, zone)),
    )
    if (exrules or exdates) and next(parsed.walls(_BEGINNING), None) is None:
        raise RecurrenceError(
            "never", "rrule", "This rule never fires: its exceptions remove every time."
        )
    return parsed


def _rule(text: str, index: int, path: str | None, start: Wall, zone: ZoneInfo) -> Rule:
    try:
        if start.all_day:
            return Rule(parse_parts(text).without_times(), start.at, zone)
        return parse_rule(text, dtstart=start.at, zone=zone)
    except RecurrenceError as fault:
        if path is None:
            raise
        raise fault.within(path.format(index)) from None


def _dates(field: str, texts: Sequence[str], zone: ZoneInfo) -> Iterator[datetime]:
    for index, text in enumerate(texts):
        yield read_wall(f"{field}.{index}", text, zone).at


def _bounded(field: str, count: int, most: int) -> None:
    if count > most:
        raise RecurrenceError("too_costly", field, f"At most {most:,} of them; here are {count:,}.")


def _fires_at(rule: Rule, at: datetime) -> bool:
    return next(rule.walls(at), None) == at


def _all_removed() -> RecurrenceError:
    return RecurrenceError(
        "too_costly",
        "exrules",
        f"The exceptions remove more than {_MOST_REMOVED:,} times in a row.",
        hint="Limit the rule itself instead (BYMONTH, BYDAY, BYHOUR).",
    )
