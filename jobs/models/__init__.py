"""The tables of the jobs app."""

from .archived_job import AnyJob, ArchivedJob
from .breaker import Breaker
from .canary import Canary
from .dead_letter import DeadLetter, Resolution
from .dependency import Dependency
from .execution import Execution
from .flow import Flow
from .idempotency import IdempotencyRecord
from .job import Job
from .redrive import Redrive, RedriveItem
from .unique_claim import UniqueClaim
from .watch import Watch
from .worker import Worker, WorkerState

__all__ = [
    "AnyJob",
    "ArchivedJob",
    "Breaker",
    "Canary",
    "DeadLetter",
    "Dependency",
    "Execution",
    "Flow",
    "IdempotencyRecord",
    "Job",
    "Redrive",
    "RedriveItem",
    "Resolution",
    "UniqueClaim",
    "Watch",
    "Worker",
    "WorkerState",
]
