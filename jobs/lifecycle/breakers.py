"""Breakers of hosts: told by the endings of calls, heeded before these are written; and their end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobs.breaker import Host, News, Tally, by_host, heard, silence, spared, tally
from jobs.engine import Engine
from jobs.lifecycle.announcing import announce, ends_jobs
from jobs.outcomes import Ending
from jobs.rows import Moved, moved_row
from jobs.statements import abandoning, breaking
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Heeded:
    """Endings as they are to be written; whether a host that was given up lets more calls go."""

    endings: list[Ending]
    recovered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """What was found of a host. `probe_at`: of one that is given up."""

    id: UUID
    probe_at: datetime | None


def heed_breakers(endings: Sequence[Ending], engine: Engine) -> Heeded:
    """Note which hosts answered. Attempts at hosts that are given up do not count against their jobs.

    A statement when something was called; one more when something did not answer, and when something
    answers that failed of late; some more while a host is given up. Done again for the same endings,
    failures and answers count twice; that does no harm.
    """
    calls = by_host(ending.call for ending in endings if ending.call is not None)
    if not calls:
        return Heeded(endings=list(endings))
    kept = _kept(calls)
    tallies: dict[Host, Tally] = {}
    news: dict[tuple[UUID, datetime], News] = {}
    given_up: set[Host] = set()
    for host, made in calls.items():
        one = kept.get(host)
        if one is None or one.probe_at is None:
            tallies[host] = tally(made)
        else:
            given_up.add(host)
            news[one.id, one.probe_at] = heard(made, probe_at=one.probe_at)
    _note_up([kept[host].id for host, one in tallies.items() if one.answered and host in kept])
    given_up |= _note_down({host: one for host, one in tallies.items() if one.failures}, engine)
    _note_again({which: one for which, one in news.items() if one.failures}, engine)
    recovered = _note_answers({which: one for which, one in news.items() if one.answers}, engine)
    written = [spared(one) if _is_away(one, given_up) else one for one in endings]
    return Heeded(endings=written, recovered=recovered)


@ends_jobs
def abandon(*, now: datetime, patience: float, limit: int) -> list[Moved]:
    """Fail at most `limit` jobs that waited `patience` seconds and more for a host that is given up.

    For a host that was tried all that time, without a long silence: the last try in vain is so much
    later than both the job's first stop and the first of these tries. So a job that nobody could try is
    not failed.
    """
    found = execute(abandoning.FIND_UNANSWERED, now=now, patience=patience, limit=limit)
    if not found:
        return []
    moved = execute(
        abandoning.ABANDON,
        ids=[row[0] for row in found],
        breakers=[row[1] for row in found],
        now=now,
        patience=patience,
    )
    return announce("abandon", [moved_row(row) for row in moved])


def forget_breakers(*, before: datetime, limit: int) -> int:
    """Forget at most `limit` hosts that nobody waits for and that nobody called since `before`.

    Return how many. The next call to one of them is its first.
    """
    return len(execute(breaking.FORGET, before=before, limit=limit))


def _kept(hosts: Mapping[Host, object]) -> dict[Host, _Kept]:
    found = execute(
        breaking.KEPT,
        merchants=[merchant_id for merchant_id, _ in hosts],
        handlers=[handler for _, handler in hosts],
    )
    return {(row[1], row[2]): _Kept(id=row[0], probe_at=row[3]) for row in found}


def _note_up(ids: Sequence[UUID]) -> None:
    if ids:
        execute(breaking.NOTE_UP, ids=list(ids))


def _note_down(down: Mapping[Host, Tally], engine: Engine) -> set[Host]:
    """Return those of these hosts that are given up now."""
    if not down:
        return set()
    found = execute(
        breaking.NOTE_DOWN,
        merchants=[merchant_id for merchant_id, _ in down],
        handlers=[handler for _, handler in down],
        failures=[one.failures for one in down.values()],
        codes=[one.code for one in down.values()],
        most=engine.breaker_failures,
        pause=engine.breaker_pause,
    )
    return {(row[0], row[1]) for row in found if row[2]}


def _note_again(failed: Mapping[tuple[UUID, datetime], News], engine: Engine) -> None:
    if failed:
        execute(
            breaking.NOTE_AGAIN,
            ids=[breaker_id for breaker_id, _ in failed],
            probes_at=[probe_at for _, probe_at in failed],
            failures=[one.failures for one in failed.values()],
            codes=[one.code for one in failed.values()],
            reopens=[one.reopens for one in failed.values()],
            timeouts=[one.timeout for one in failed.values()],
            silence=silence(longest=engine.breaker_longest, patience=engine.breaker_patience),
            pause=engine.breaker_pause,
            longest=engine.breaker_longest,
        )


def _note_answers(answered: Mapping[tuple[UUID, datetime], News], engine: Engine) -> bool:
    """Tell whether any of these hosts lets more calls go now; those that recovered are forgotten."""
    if not answered:
        return False
    found = execute(
        breaking.NOTE_ANSWERS,
        ids=[breaker_id for breaker_id, _ in answered],
        probes_at=[probe_at for _, probe_at in answered],
        answers=[one.answers for one in answered.values()],
    )
    if found:
        execute(breaking.CLOSE, ids=[row[0] for row in found], unbound=engine.breaker_unbound)
    return bool(found)


def _is_away(ending: Ending, given_up: set[Host]) -> bool:
    call = ending.call
    return call is not None and not call.answered and (call.merchant_id, call.handler) in given_up
