"""Pages of the jobs app; importing a module registers its models."""

from jobs.admin import (
    breakers,
    dead_letters,
    executions,
    flows,
    idempotency,
    jobs,
    redrives,
    workers,
)

__all__ = [
    "breakers",
    "dead_letters",
    "executions",
    "flows",
    "idempotency",
    "jobs",
    "redrives",
    "workers",
]
