"""Whether new jobs and their parents make a graph: every parent is there, and nothing goes in circles."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from jobs.models import AnyJob, Job
from jobs.operations.fields import FieldProblem
from jobs.operations.new_job import NewJob
from jobs.operations.parents import Family, Parent
from tenants.models import Merchant

_MOST_SHOWN = 10
MOST_DEPENDENCIES = 10_000


def check_graph(
    merchant: Merchant, new_jobs: Mapping[int, NewJob]
) -> dict[int, tuple[FieldProblem, ...]]:
    """Return the problems of the new jobs, by the numbers that they are given by.

    What depends on a job that is refused is refused as well. Costs one query, and none when nothing
    depends on a stored job.
    """
    families = {number: new_job.family for number, new_job in new_jobs.items()}
    problems = _repeated_keys(new_jobs) | _too_many(families)
    places = _places(families, problems)
    stored = _stored(merchant, families)
    for number, family in families.items():
        missing = [
            _missing(parent)
            for parent in family.parents
            if (parent.job not in stored if parent.job else parent.ref not in places)
        ]
        if missing:
            problems[number] = (*problems.get(number, ()), *missing)
    problems |= _circular(families, places, set(problems))
    return problems


def _places(
    families: Mapping[int, Family], problems: dict[int, tuple[FieldProblem, ...]]
) -> dict[str, int]:
    places: dict[str, int] = {}
    for number, family in families.items():
        if family.ref and places.setdefault(family.ref, number) != number:
            sentence = '"ref" is the name of another job of this batch; names must differ.'
            problem = FieldProblem(f"{family.pointer}/ref", "repeated", sentence)
            problems[number] = (*problems.get(number, ()), problem)
    return places


def _too_many(families: Mapping[int, Family]) -> dict[int, tuple[FieldProblem, ...]]:
    """Refuse what goes beyond the dependencies that one request may store: parents are locked meanwhile."""
    problems: dict[int, tuple[FieldProblem, ...]] = {}
    seen = 0
    for number, family in families.items():
        seen += len(family.parents)
        if family.parents and seen > MOST_DEPENDENCIES:
            sentence = (
                f"The jobs of one request may have {MOST_DEPENDENCIES:,} dependencies in all; put a job "
                "between them that waits for all parents, or send several requests."
            )
            problems[number] = (FieldProblem(f"{family.pointer}/depends_on", "too_many", sentence),)
    return problems


def _repeated_keys(new_jobs: Mapping[int, NewJob]) -> dict[int, tuple[FieldProblem, ...]]:
    """Refuse keys that two related jobs share: one would stand for the other, perhaps in a circle."""
    seen: set[str] = set()
    problems: dict[int, tuple[FieldProblem, ...]] = {}
    for number, new_job in new_jobs.items():
        if new_job.unique is None or not (new_job.family.ref or new_job.family.parents):
            continue
        key = new_job.unique.key
        if key in seen:
            sentence = '"unique.key" is that of another job of this graph; keys must differ.'
            problem = FieldProblem(f"{new_job.pointer}/unique/key", "repeated", sentence)
            problems[number] = (problem,)
        seen.add(key)
    return problems


def _stored(merchant: Merchant, families: Mapping[int, Family]) -> set[UUID]:
    wanted = {parent.job for family in families.values() for parent in family.parents if parent.job}
    if not wanted:
        return set()
    found = set(Job.objects.of(merchant).filter(pk__in=wanted).values_list("pk", flat=True))
    if found == wanted:
        return found
    archived = AnyJob.objects.of(merchant).filter(pk__in=wanted - found)
    return found.union(archived.values_list("pk", flat=True))


def missing_parent(parent: Parent) -> FieldProblem:
    """Return the problem of a parent that is no job of the merchant."""
    sentence = '"job" is the id of no job of yours; create the parents first, or in one batch.'
    return FieldProblem(parent.pointer, "not_found", sentence)


def _missing(parent: Parent) -> FieldProblem:
    if parent.job:
        return missing_parent(parent)
    sentence = f'"job" names "{parent.ref}", which is the ref of no good job of this batch.'
    return FieldProblem(parent.pointer, "not_found", sentence)


def _circular(
    families: Mapping[int, Family], places: Mapping[str, int], refused: set[int]
) -> dict[int, tuple[FieldProblem, ...]]:
    """Return the problems of jobs that wait for one another, or for one that is refused."""
    waits_for = {
        number: [
            places[parent.ref]
            for parent in family.parents
            if parent.job is None and parent.ref in places
        ]
        for number, family in families.items()
        if number not in refused
    }
    children: dict[int, list[int]] = {}
    for number, parents in waits_for.items():
        for parent in parents:
            children.setdefault(parent, []).append(number)
    left = {number: len(parents) for number, parents in waits_for.items()}
    ready = [number for number, count in left.items() if not count]
    while ready:
        number = ready.pop()
        del left[number]
        for child in children.get(number, ()):
            left[child] -= 1
            if not left[child]:
                ready.append(child)
    # Whatever is left waits for something that is left, or was refused.
    following = {
        number: next((parent for parent in waits_for[number] if parent in left), None)
        for number in left
    }
    return {number: (_why(number, families, waits_for, following),) for number in left}


def _why(
    number: int,
    families: Mapping[int, Family],
    waits_for: Mapping[int, Sequence[int]],
    following: Mapping[int, int | None],
) -> FieldProblem:
    """Say which circle a job is in or behind, or which refused job it is behind."""
    pointer = f"{families[number].pointer}/depends_on"
    way: dict[int, None] = {}
    at = number
    while at not in way:
        way[at] = None
        onwards = following[at]
        if onwards is None:
            refused = families[next(p for p in waits_for[at] if p not in waits_for)].ref
            sentence = f'"depends_on" leads to "{refused}", which is refused; mend that one first.'
            return FieldProblem(pointer, "parent_refused", sentence)
        at = onwards
    steps = list(way)
    circle = [families[each].ref for each in steps[steps.index(at) :]]
    shown = circle[:_MOST_SHOWN] + (["…"] if len(circle) > _MOST_SHOWN else [])
    named = " -> ".join([*shown, circle[0]])
    sentence = f'"depends_on" goes in a circle, each waiting for the next: {named}.'
    return FieldProblem(pointer, "dependency_cycle", sentence)
