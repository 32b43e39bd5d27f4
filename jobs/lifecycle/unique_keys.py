"""Unique keys: taken in the transaction that creates or restarts the job."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobs.lifecycle.announcing import announce, ends_jobs
from jobs.rows import Moved, moved_row
from jobs.statements import unique_keys
from jobs.unique import Asked, Decisions, Holder, OnConflict, Scope, decide
from tenants.statement import execute

LOOK_AFTER = timedelta(days=1)

Key = tuple[UUID, str]  # merchant, key


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one step of the upkeep found."""

    seen: int
    forgotten: int


@dataclass(frozen=True, kw_only=True)
class _Claim:
    merchant_id: UUID
    key: str
    job_id: UUID
    scope: str
    until: datetime | None
    look_at: datetime


def settle_keys(
    asked: Sequence[Asked], *, merchant_id: UUID, now: datetime, beside: Collection[UUID] = ()
) -> Decisions:
    """Decide who gets the keys that new jobs ask for, and hand them over.

    Call it in the transaction that then creates what is neither found nor refused, and replaces what
    is replaced: the keys stay locked until its end. A constant number of statements. `beside`: jobs
    of the merchant that the transaction will lock, too.
    """
    first = {one.unique.key: one for one in reversed(asked)}
    taken = _take(_claim(one, merchant_id, now) for one in first.values())
    known = [one for one in asked if (merchant_id, one.unique.key) not in taken]
    holders = _holders(known, merchant_id, now, beside) if known else {}
    decisions = decide(asked, holders)
    _hand_over(
        [
            _claim(one, merchant_id, now)
            for key, one in decisions.takers.items()
            if (merchant_id, key) not in taken or one is not first[key]
        ]
    )
    return decisions


@ends_jobs
def replace(job_ids: Sequence[UUID]) -> list[Moved]:
    """Cancel waiting jobs whose keys `settle_keys` has just handed to newer ones."""
    if not job_ids:
        return []
    found = execute(unique_keys.REPLACE, ids=list(job_ids))
    return announce("replace", [moved_row(row) for row in found])


def retake(job_ids: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Take the keys of jobs that are to be restarted; return the jobs that do not get theirs.

    Call it in the transaction of the restart. Of two jobs with one key the older one gets it.
    """
    found = execute(unique_keys.FIND_KEYED, ids=list(job_ids))
    if not found:
        return set()
    wanted: dict[Key, _Claim] = {}
    for job_id, merchant_id, key, scope in found:
        claim = _Claim(
            merchant_id=merchant_id,
            key=key,
            job_id=job_id,
            scope=scope,
            until=None,
            look_at=now + LOOK_AFTER,
        )
        wanted.setdefault((merchant_id, key), claim)
    taken = _take(wanted.values())
    held = _find_holders([key for key in wanted if key not in taken], now)
    winners = [
        claim
        for key, claim in wanted.items()
        if key not in held or held[key].job_id == claim.job_id
    ]
    # Also what it holds already: a later look_at keeps the upkeep off.
    _hand_over([claim for claim in winners if (claim.merchant_id, claim.key) not in taken])
    return {row[0] for row in found} - {claim.job_id for claim in winners}


def forget_keys(*, now: datetime, limit: int) -> Looked:
    """Look at `limit` keys whose time to be looked at has come; forget those that nobody holds."""
    [(seen, forgotten)] = execute(unique_keys.FORGET, now=now, limit=limit)
    return Looked(seen=seen, forgotten=forgotten)


def _claim(one: Asked, merchant_id: UUID, now: datetime) -> _Claim:
    until = None
    if one.unique.scope is Scope.PERIOD:
        until = now + timedelta(seconds=one.unique.period or 0)
    return _Claim(
        merchant_id=merchant_id,
        key=one.unique.key,
        job_id=one.job_id,
        scope=one.unique.scope,
        until=until,
        look_at=until or now + LOOK_AFTER,
    )


def _take(claims: Iterable[_Claim]) -> set[Key]:
    found = execute(unique_keys.TAKE, **_columns(claims))
    return {(row[0], row[1]) for row in found}


def _hand_over(claims: Collection[_Claim]) -> None:
    if claims:
        execute(unique_keys.HAND_OVER, **_columns(claims))


def _holders(
    asked: Sequence[Asked], merchant_id: UUID, now: datetime, beside: Collection[UUID]
) -> Mapping[str, Holder]:
    keys = [(merchant_id, key) for key in {one.unique.key for one in asked}]
    if any(one.unique.on_conflict is OnConflict.REPLACE for one in asked):
        execute(unique_keys.LOCK_HOLDERS, beside=list(beside), **_keys(keys))
    found = _find_holders(keys, now)
    return {key: holder for (_, key), holder in found.items()}


def _find_holders(keys: Collection[Key], now: datetime) -> dict[Key, Holder]:
    if not keys:
        return {}
    found = execute(unique_keys.FIND_HOLDERS, now=now, **_keys(keys))
    return {(row[0], row[1]): Holder(job_id=row[2], replaceable=row[3]) for row in found}


def _keys(keys: Collection[Key]) -> dict[str, Any]:
    return {"merchants": [merchant for merchant, _ in keys], "keys": [key for _, key in keys]}


def _columns(claims: Iterable[_Claim]) -> dict[str, Any]:
    given = list(claims)
    return {
        **_keys([(claim.merchant_id, claim.key) for claim in given]),
        "ids": [claim.job_id for claim in given],
        "scopes": [str(claim.scope) for claim in given],
        "untils": [claim.until for claim in given],
        "looks": [claim.look_at for claim in given],
    }
