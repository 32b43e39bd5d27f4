"""A part of a template's future or past, planned by all of its rules."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import takewhile

from templates_app.planning.rules import Rules
from templates_app.planning.work import Work
from templates_app.recurrence.moments import Moment
from templates_app.recurrence.value import END, Recurrence


@dataclass(frozen=True, eq=False, kw_only=True)
class _Part(Recurrence):
    """The moments of `whole` up to `until`, without those that are done with."""

    whole: Recurrence
    until: datetime
    done: frozenset[datetime]

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `Recurrence.moments`. Jitter is that of the whole."""
        until, done = self.until, self.done
        found = takewhile(lambda one: one.scheduled <= until, self.whole.moments(after))
        return (one for one in found if one.scheduled not in done) if done else found


@dataclass(frozen=True, kw_only=True)
class _PartRules(Rules):
    whole: Rules

    def released(self, at: datetime, work: Work) -> datetime:
        """See `Rules.released`: a window's release is shared by all that it holds."""
        return self.whole.released(at, work)


def part_of(
    rules: Rules, *, until: datetime = END, done: Collection[datetime] = frozenset()
) -> Rules:
    """Return rules that name the same moments up to `until` (included), but for those `done`."""
    if until == END and not done:
        return rules
    whole = rules.recurrence
    values = {one.name: getattr(whole, one.name) for one in fields(Recurrence)}
    return _PartRules(
        recurrence=_Part(**values, whole=whole, until=until, done=frozenset(done)),
        seed=rules.seed,
        opening=rules.opening,
        on_closed=rules.on_closed,
        windows=rules.windows,
        born=rules.born,
        whole=rules,
    )
