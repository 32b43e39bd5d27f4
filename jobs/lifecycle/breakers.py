"""Breakers of hosts: told by the endings of calls, heeded before these are written."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.breaker import Host, spared, tally
from jobs.engine import Engine
from jobs.outcomes import Ending
from jobs.statements import breaking
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Heeded:
    """Endings as they are to be written; whether a host that was given up answered."""

    endings: list[Ending]
    recovered: bool = False


def heed_breakers(endings: Sequence[Ending], engine: Engine) -> Heeded:
    """Note which hosts answered. Attempts at hosts that are given up do not count against their jobs.

    A statement when something was called, one more when something did not answer. Done again for the
    same endings, failures count twice; that does no harm.
    """
    tallies = tally(ending.call for ending in endings if ending.call is not None)
    if not tallies:
        return Heeded(endings=list(endings))
    recovered = _note_up([host for host, one in tallies.items() if one.answered])
    down = {host: one for host, one in tallies.items() if one.failures}
    if not down:
        return Heeded(endings=list(endings), recovered=recovered)
    found = execute(
        breaking.NOTE_DOWN,
        merchants=[merchant_id for merchant_id, _ in down],
        handlers=[handler for _, handler in down],
        failures=[one.failures for one in down.values()],
        codes=[one.code for one in down.values()],
        most=engine.breaker_failures,
        pause=engine.breaker_pause,
        longest=engine.breaker_longest,
    )
    given_up = {(row[0], row[1]) for row in found if row[2]}
    written = [spared(one) if _is_away(one, given_up) else one for one in endings]
    return Heeded(endings=written, recovered=recovered)


def _note_up(hosts: Sequence[Host]) -> bool:
    if not hosts:
        return False
    found = execute(
        breaking.NOTE_UP,
        merchants=[merchant_id for merchant_id, _ in hosts],
        handlers=[handler for _, handler in hosts],
    )
    return any(row[0] for row in found)


def _is_away(ending: Ending, given_up: set[Host]) -> bool:
    call = ending.call
    return call is not None and not call.answered and (call.merchant_id, call.handler) in given_up
