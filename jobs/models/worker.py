"""The worker: one process that runs jobs, and its heartbeat."""

from django.db import models
from django.db.models import Q


class WorkerState(models.TextChoices):
    """Whether the process may hold jobs."""

    ALIVE = "alive", "Alive"
    STOPPED = "stopped", "Stopped"  # said goodbye and handed its jobs back
    LOST = "lost", "Lost"  # fell silent; its jobs were taken away


class Worker(models.Model):
    """A row per process start. A lost worker that wakes registers as a new one."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=200)
    lane = models.CharField(max_length=16)
    capacity = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=WorkerState, default=WorkerState.ALIVE)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    finished_jobs = models.PositiveBigIntegerField(default=0)
    # {"kind:handler": mean seconds an attempt takes}, measured lately by this process.
    run_times = models.JSONField(default=dict)

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(
                fields=["heartbeat_at"], name="worker_alive", condition=Q(state=WorkerState.ALIVE)
            )
        ]

    def __str__(self) -> str:
        return self.name
