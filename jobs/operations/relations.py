"""From the refs and ids that new jobs name as parents to the dependencies that are stored."""

from collections.abc import Mapping, Sequence

from jobs.dependency_rows import NewDependency
from jobs.models import Job
from jobs.operations.fields import FieldProblem
from jobs.operations.new_job import NewJob
from jobs.operations.parents import Parent
from jobs.operations.unique_keys import HeldProblem, held
from jobs.unique import Decisions


class Orphaned(Exception):
    """Jobs depend on others of their batch that are refused, as their unique keys are held.

    `held` are these, `problems` what is wrong with those, by pointer.
    """

    def __init__(self, problems: Mapping[str, FieldProblem], held: list[HeldProblem]) -> None:
        super().__init__(f"{len(problems)} jobs depend on jobs that are refused.")
        self.problems = problems
        self.held = held


def dependencies_of(
    new_jobs: Sequence[NewJob], jobs: Sequence[Job], decided: Decisions
) -> list[NewDependency]:
    """Return what is to be stored. Who depends on a job whose key is held depends on the holder."""
    pairs = list(zip(new_jobs, jobs, strict=True))
    found = decided.found
    refs = {new.family.ref: found.get(job.id, job.id) for new, job in pairs if new.family.ref}
    return [
        NewDependency(
            parent_id=parent.job or refs[parent.ref],
            child_id=job.id,
            name=parent.name,
            needs=parent.needs,
        )
        for new, job in pairs
        if job.id not in found and job.id not in decided.refused
        for parent in new.family.parents
    ]


def refuse_orphans(new_jobs: Sequence[NewJob], jobs: Sequence[Job], decided: Decisions) -> None:
    """Raise Orphaned when jobs depend on refused ones, at any depth."""
    pairs = list(zip(new_jobs, jobs, strict=True))
    problems = _orphans(
        [new for new, job in pairs if job.id not in decided.refused],
        [new.family.ref for new, job in pairs if job.id in decided.refused and new.family.ref],
    )
    if problems:
        raise Orphaned(
            problems,
            [
                held(new.pointer, new.unique.key, decided.refused[job.id])
                for new, job in pairs
                if new.unique is not None and job.id in decided.refused
            ],
        )


def _orphans(new_jobs: Sequence[NewJob], refused: list[str]) -> dict[str, FieldProblem]:
    """Return the problems of the jobs that depend on refused ones, by pointer. Linear."""
    children: dict[str, list[tuple[NewJob, Parent]]] = {}
    for new in new_jobs:
        for parent in new.family.parents:
            if parent.job is None:
                children.setdefault(parent.ref, []).append((new, parent))
    problems: dict[str, FieldProblem] = {}
    left = list(refused)
    while left:
        ref = left.pop()
        for new, parent in children.get(ref, ()):
            if new.pointer not in problems:
                sentence = f'"job" names "{ref}", which is refused since a unique key is held.'
                problems[new.pointer] = FieldProblem(parent.pointer, "parent_refused", sentence)
                if new.family.ref:
                    left.append(new.family.ref)
    return problems
