"""Who goes when a flow rule has room again: merchants take turns by weight. Pure."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

# Jobs that are moved between lines before others are looked at.
MOST_REACH = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The parked jobs of one rule, merchant and lane."""

    rule_id: UUID
    merchant_id: UUID
    lane: str
    weight: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How many of a line may go."""

    line: Line
    room: int


def shares(
    lines: Sequence[Line],
    *,
    rooms: Mapping[UUID, int],
    places: Mapping[str, int],
    shuffle: Callable[[list[Line]], None],
) -> list[Share]:
    """Divide each rule's room among its lines whose lane has places, at least one each.

    When there are more lines than room, those that `shuffle` puts first get it: nobody is always the
    last.
    """
    by_rule: dict[UUID, list[Line]] = defaultdict(list)
    for line in lines:
        if places.get(line.lane, 0) > 0 and rooms.get(line.rule_id, 0) > 0:
            by_rule[line.rule_id].append(line)
    found: list[Share] = []
    for rule_id, group in by_rule.items():
        shuffle(group)
        left = room = rooms[rule_id]
        weight = sum(line.weight for line in group)
        for line in group:
            part = min(math.ceil(room * line.weight / weight), left, places[line.lane])
            if part > 0:
                found.append(Share(line=line, room=part))
                left -= part
    return found


class Reach:
    """How many of a line a step lets out at least. Not shared; one a populator.

    What is let out and must wait for another rule all the same makes room for those behind it: twice as
    many go each time, so that a thousand of them cost ten looks and not a thousand.
    """

    def __init__(self) -> None:
        self.jobs = 1
        self._moved = 0

    def told(self, *, released: int, room: int, went: int) -> bool:
        """Take in how many a step let out, how many of them there was room for, and how many went.

        Tells whether to look again now.
        """
        if went >= room:
            self.jobs, self._moved = 1, 0
            return False
        self.jobs = min(self.jobs * 2, MOST_REACH)
        self._moved += released
        if self._moved < MOST_REACH:
            return True
        # Others' jobs wait as well: the rest with the next steps.
        self._moved = 0
        return False
