"""Pages of the jobs app; importing a module registers its models."""

from jobs.admin import dead_letters, executions, idempotency, jobs, workers

__all__ = ["dead_letters", "executions", "idempotency", "jobs", "workers"]
