"""Unique jobs: how long a job keeps its key, and what a second one gets. Pure.

A key has at most one holder, the job that took it last; the scope of that job says how long it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """How long a job keeps its unique key."""

    WAITING = "waiting"  # until its first attempt starts (of a round: a restart begins a new one)
    UNFINISHED = "unfinished"  # until it has ended
    PERIOD = "period"  # for a time since its creation, whatever becomes of it but being cancelled


class OnConflict(StrEnum):
    """What a new job gets whose key is held."""

    RETURN = "return"  # the holder instead of a new job
    REJECT = "reject"  # an error that names the holder
    # The holder is cancelled; one that runs, or has ended within its period, refuses as REJECT.
    REPLACE = "replace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unique:
    """What a new job asks for."""

    key: str
    scope: Scope
    period: float | None  # seconds, of Scope.PERIOD
    on_conflict: OnConflict


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A job to be, by the id that it will have, and what it asks for."""

    job_id: UUID
    unique: Unique


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds a key, and whether nothing of it is lost by replacing it: it does not run."""

    job_id: UUID
    replaceable: bool


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What becomes of jobs that asked for keys. Those in neither map are to be created."""

    found: Mapping[UUID, UUID]  # by the id asked for: the holder, which is given instead
    refused: Mapping[UUID, UUID]  # by the id asked for: the holder that stands in the way
    replaced: Sequence[UUID]  # to be cancelled once the others are created, in no order
    takers: Mapping[str, Asked]  # by key: who holds it from now on


def decide(asked: Sequence[Asked], holders: Mapping[str, Holder]) -> Decisions:
    """Give each job in turn what its key allows; jobs of one batch meet each other alike."""
    held = dict(holders)
    found: dict[UUID, UUID] = {}
    refused: dict[UUID, UUID] = {}
    replaced: list[UUID] = []
    takers: dict[str, Asked] = {}
    for one in asked:
        key = one.unique.key
        holder = held.get(key)
        if holder is not None:
            if one.unique.on_conflict is OnConflict.RETURN:
                found[one.job_id] = holder.job_id
                continue
            if one.unique.on_conflict is OnConflict.REJECT or not holder.replaceable:
                refused[one.job_id] = holder.job_id
                continue
            replaced.append(holder.job_id)
        held[key] = Holder(job_id=one.job_id, replaceable=True)
        takers[key] = one
    return Decisions(found=found, refused=refused, replaced=replaced, takers=takers)
