"""From the refs and ids that new jobs name as parents to the dependencies that are stored."""

from collections.abc import Mapping, Sequence

from jobs.dependency_rows import NewDependency
from jobs.models import Job
from jobs.operations.fields import FieldProblem
from jobs.operations.new_job import NewJob
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
    """Raise Orphaned when jobs depend on refused ones, at first hand."""
    pairs = list(zip(new_jobs, jobs, strict=True))
    # Not what is refused, and not what was left out before for the same reason.
    there = {new.family.ref for new, job in pairs if job.id not in decided.refused}
    problems = {
        new.pointer: FieldProblem(
            parent.pointer,
            "parent_refused",
            f'"job" names "{parent.ref}", which is refused since a unique key is held.',
        )
        for new, job in pairs
        if job.id not in decided.refused
        for parent in new.family.parents
        if parent.job is None and parent.ref not in there
    }
    if problems:
        raise Orphaned(
            problems,
            [
                held(new.pointer, new.unique.key, decided.refused[job.id])
                for new, job in pairs
                if new.unique is not None and job.id in decided.refused
            ],
        )
