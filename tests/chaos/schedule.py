"""Which fault strikes when: a shuffled deck of all of them, drawn from a seed, again and again."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs import fault_points
from tests.chaos import faults
from tests.chaos.faults import Fault
from tests.chaos.stack import PROCESSES, WORKER_LEASE

SHORTEST, LONGEST = 5.0, 15.0
# Where code may be interrupted by an exception: beside statements and what is sent.
_ALL = ("kill", "stall", "raise")
ACTIONS = {
    # After the effect nothing can fail but the process itself.
    fault_points.EXECUTOR_AFTER_EFFECT: ("kill", "stall"),
}
# Points that are reached a hundred times a second, or once in a tick.
RARE = frozenset(
    {
        fault_points.EXPANDER_AFTER_COMMIT,
        fault_points.EXPANDER_BEFORE_COMMIT,
        fault_points.WATCHER_BETWEEN_STATEMENTS,
    }
)
POINT_HOLD = 6.0
SERVERS_APART = 3.0


@dataclass(frozen=True)
class Strike:
    """A fault and its time, in seconds from the first moment of the chaos."""

    at: float
    fault: Fault


def schedule(seconds: float, seed: int) -> list[Strike]:
    """Return the strikes of a run: one every 5 to 15 s, kinds in random order, none left out long.

    A short run begins with what its verdict needs: a zombie, a killed worker, a broker without memory.
    """
    chance = random.Random(f"{seed} schedule")
    strikes: list[Strike] = []
    dealt = _dealt(chance)
    at = chance.uniform(2.0, SHORTEST)
    while at < seconds:
        strikes.append(Strike(at, next(dealt)))
        at += chance.uniform(SHORTEST, LONGEST)
    return strikes


def names_of(strikes: Sequence[Strike]) -> set[str]:
    """Return the kinds of faults that strike."""
    return {strike.fault.name for strike in strikes}


def deck(chance: random.Random) -> list[Fault]:
    """Return one fault of every kind."""
    cards: list[Fault] = []
    for kind in sorted({process.split("#")[0] for process in PROCESSES}):
        twins = [process for process in PROCESSES if process.split("#")[0] == kind]
        hold = chance.uniform(2, 5)
        cards.append(faults.Kill(process=chance.choice(twins), hold=hold))
        past_lease = WORKER_LEASE + chance.uniform(1.5, 4)
        hold = past_lease if kind in {"worker-async", "worker-process"} else chance.uniform(3, 9)
        cards.append(faults.Freeze(process=chance.choice(twins), hold=hold))
    for point in fault_points.POINTS:
        cards += [_at(point, action, chance) for action in ACTIONS.get(point, _ALL)]
    return [*cards, *_servers(chance)]


def _servers(chance: random.Random) -> list[Fault]:
    return [
        faults.Zombie(hold=WORKER_LEASE + chance.uniform(2, 4)),
        faults.FlushValkey(),
        faults.RestartValkey(hold=chance.uniform(0.5, 4)),
        faults.RestoreSnapshot(hold=chance.uniform(1.5, 4)),
        faults.FreezeValkey(hold=chance.uniform(2, 11)),
        faults.CutSockets(proxy="proxy-valkey"),
        faults.CutSockets(proxy="proxy-postgres"),
        faults.SilentNetwork(proxy="proxy-postgres", hold=chance.uniform(2, 8)),
        faults.RestartPostgres(crash=False, hold=chance.uniform(0.5, 4)),
        faults.RestartPostgres(crash=True, hold=chance.uniform(0.5, 3)),
        faults.TerminateBackends(),
        faults.ExhaustConnections(hold=chance.uniform(2, 5)),
    ]


def _at(point: str, action: str, chance: random.Random) -> Fault:
    probability = 1.0 if point in RARE else 0.3
    return faults.AtPoint(
        point=point,
        action=action,
        hold=POINT_HOLD,
        probability=probability,
        stall=chance.uniform(1, 4),
        seed=chance.randrange(2**31),
    )


def _dealt(chance: random.Random) -> Iterator[Fault]:
    first = deck(chance)
    chance.shuffle(first)
    needed = ("wake a zombie", "kill worker-async", "flush Valkey", "restart PostgreSQL")
    opening = [fault for name in needed for fault in first if fault.name == name]
    yield from opening
    yield from (fault for fault in first if fault.name not in needed)
    while True:
        cards = deck(chance)
        chance.shuffle(cards)
        yield from cards
