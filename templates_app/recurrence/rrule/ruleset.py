"""Several rules and dates together: RRULE, RDATE, EXRULE and EXDATE of one DTSTART."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapreplace, merge
from zoneinfo import ZoneInfo

from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.rrule.combinations import MOST_COUNT
from templates_app.recurrence.rrule.grammar import parse_parts
from templates_app.recurrence.rrule.moments import Written, read_wall
from templates_app.recurrence.rrule.rule import Rule

_MOST_WORK = 100_000
_MORE_WORK = 2_000
"""Steps that a search may take, and how many more for each time that it finds.

A step is a few microseconds: a time that is drawn, or a step of an exception beside it. With one
rule and one exception 50,000 times in a row may be removed, more than the minutes of a month.
"""
_RESTART = 5  # steps
_NEVER = datetime.max  # noqa: DTZ901 - with microseconds: no time of a rule

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

    start: Written
    zone: ZoneInfo
    rules: tuple[Rule, ...]
    exrules: tuple[Rule, ...]
    rdates: tuple[datetime, ...]
    exdates: frozenset[datetime]
    given_rdates: tuple[Written, ...] = ()
    given_exdates: tuple[Written, ...] = ()

    @property
    def dtstart(self) -> datetime:
        """The local time from which the rules count."""
        return self.start.at

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """The cautions of the rules, each once."""
        found = [caution for rule in self.rules for caution in rule.cautions]
        return tuple(dict.fromkeys(found))

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal time at or after `start`, in order and each once.

        Raises `RecurrenceError` with the code `too_costly` where exceptions remove some 50,000
        times in a row, fewer where there are many rules.
        """
        if self.exrules or self.exdates:
            return self._without_exceptions(start)
        if len(self.rules) == 1 and not self.rdates:
            return self.rules[0].walls(start)
        return _each_once(self._named(start))

    def removes(self, wall: datetime) -> bool:
        """Whether an exception names this local time."""
        return wall in self.exdates or any(
            next(rule.walls(wall), None) == wall for rule in self.exrules
        )

    def refuse_costly(self) -> None:
        """Raise `too_costly` for rules that count to more than 100,000 in all."""
        left = MOST_COUNT
        for path, rules in (("rules", self.rules), ("exrules", self.exrules)):
            for index, rule in enumerate(rules):
                left -= rule.parts.total or 0
                if left < 0:
                    raise RecurrenceError(
                        "too_costly",
                        f"{path}.{index}.COUNT",
                        f"The rules of a set may count to {MOST_COUNT:,} in all.",
                        hint="Use smaller counts, or UNTIL.",
                    )

    def refuse_idle(self) -> None:
        """Raise `never` for a rule or an exception rule that never fires."""
        alone = len(self.rules) == 1
        for path, rules in (("rules", self.rules), ("exrules", self.exrules)):
            for index, rule in enumerate(rules):
                try:
                    _ = rule.first
                except RecurrenceError as fault:
                    if alone and path == "rules":
                        raise
                    raise fault.within(f"{path}.{index}") from None

    def refuse_empty(self) -> None:
        """Raise `never` where exceptions remove every time."""
        if (self.exrules or self.exdates) and next(self.walls(_BEGINNING), None) is None:
            raise RecurrenceError(
                "never", "rrule", "This rule never fires: its exceptions remove every time."
            )

    def _without_exceptions(self, start: datetime) -> Iterator[datetime]:
        # Those that are far ahead cost nothing: the one whose turn is next stands first.
        ahead = [(_BEGINNING, index, _Exception(rule)) for index, rule in enumerate(self.exrules)]
        previous, left = None, _MOST_WORK
        for at in self._named(start):
            left -= 1
            if at == previous:
                continue
            previous = at
            while ahead and ahead[0][0] < at:
                _, index, exception = ahead[0]
                left -= exception.advance(at)
                heapreplace(ahead, (exception.following, index, exception))
            if left < 0:
                raise _all_removed("exrules" if self.exrules else "exdates")
            if at not in self.exdates and not (ahead and ahead[0][0] == at):
                yield at
                left += _MORE_WORK

    def _named(self, start: datetime) -> Iterator[datetime]:
        if len(self.rules) == 1 and not self.rdates:
            return self.rules[0].walls(start)
        dates = (at for at in self.rdates if at >= start)
        return merge(dates, *(rule.walls(start) for rule in self.rules))


class _Exception:
    """An exception rule that is walked beside the times: `following` is its next one."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._walls: Iterator[datetime] = iter(())
        self.following = _BEGINNING

    def advance(self, at: datetime) -> int:
        """Move to the first time at or after `at`, and return the steps that it took."""
        self.following = next(self._walls, _BEGINNING)
        if self.following >= at:
            return 1
        # What lies between is not walked.
        self._walls = self._rule.walls(at)
        self.following = next(self._walls, _NEVER)
        return _RESTART


def parse_set(
    *,
    dtstart: str,
    rules: Sequence[str],
    exrules: Sequence[str],
    rdates: Sequence[str],
    exdates: Sequence[str],
    zone: ZoneInfo,
) -> RuleSet:
    """Return the set as `read_set` does, if it may be searched and ever fires.

    Raises `RecurrenceError` (code `never`) when no time is left, or (`too_costly`).
    """
    found = read_set(
        dtstart=dtstart, rules=rules, exrules=exrules, rdates=rdates, exdates=exdates, zone=zone
    )
    found.refuse_costly()
    found.refuse_idle()
    found.refuse_empty()
    return found


def read_set(
    *,
    dtstart: str,
    rules: Sequence[str],
    exrules: Sequence[str],
    rdates: Sequence[str],
    exdates: Sequence[str],
    zone: ZoneInfo,
) -> RuleSet:
    """Return the set that the JSON shape of an rrule recurrence names, without asking if it fires.

    A DTSTART written as a date alone is an all-day one: its rules' BYHOUR, BYMINUTE and BYSECOND
    are ignored, as RFC 5545 section 3.3.10 says. Raises `RecurrenceError`: its `field` is a part
    of the rule for a single rule, else `rules.1.BYDAY`, `exrules.0.FREQ`, `rdates.2`.
    """
    _bounded("rules", len(rules) + len(exrules), _MOST_RULES)
    _bounded("rdates", len(rdates) + len(exdates), _MOST_DATES)
    start = read_wall("dtstart", dtstart, zone)
    path = "rules.{}" if len(rules) > 1 else None
    added, removed = _dates("rdates", rdates, zone), _dates("exdates", exdates, zone)
    named = tuple(sorted({one.at for one in added}))
    return RuleSet(
        start=start,
        zone=zone,
        rules=tuple(_rule(text, i, path, start, zone) for i, text in enumerate(rules)),
        exrules=tuple(_rule(text, i, "exrules.{}", start, zone) for i, text in enumerate(exrules)),
        rdates=named or (() if rules else (start.at,)),
        exdates=frozenset(one.at for one in removed),
        given_rdates=added,
        given_exdates=removed,
    )


def _rule(text: str, index: int, path: str | None, start: Written, zone: ZoneInfo) -> Rule:
    try:
        parts = parse_parts(text)
    except RecurrenceError as fault:
        if path is None:
            raise
        raise fault.within(path.format(index)) from None
    return Rule(parts.without_times() if start.all_day else parts, start.at, zone)


def _dates(field: str, texts: Sequence[str], zone: ZoneInfo) -> tuple[Written, ...]:
    if not texts:
        return ()
    return tuple(read_wall(f"{field}.{index}", text, zone) for index, text in enumerate(texts))


def _each_once(walls: Iterator[datetime]) -> Iterator[datetime]:
    previous = None
    for at in walls:
        if at != previous:
            previous = at
            yield at


def _bounded(field: str, count: int, most: int) -> None:
    if count > most:
        raise RecurrenceError("too_costly", field, f"At most {most:,} of them; here are {count:,}.")


def _all_removed(field: str) -> RecurrenceError:
    return RecurrenceError(
        "too_costly",
        field,
        "The exceptions remove too many times in a row to look for what is left.",
        hint="Limit the rule itself instead (BYMONTH, BYDAY, BYHOUR).",
    )
