"""The tables of the jobs app."""

from .breaker import Breaker
from .dead_letter import DeadLetter, Resolution
from .dependency import Dependency
from .execution import Execution
from .flow import Flow
from .idempotency import IdempotencyRecord
from .job import Job
from .redrive import Redrive, RedriveItem
from .unique_claim import UniqueClaim
from .worker import Worker, WorkerState

__all__ = [
    "Breaker",
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
    "Worker",
    "WorkerState",
]
