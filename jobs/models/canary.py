"""The canary: a tiny job that shows that a lane's workers really take and finish jobs."""

from django.db import models


class Canary(models.Model):
    """One row a lane that ever had a worker; `job_id` is the latest canary's. Written by jobs.lifecycle."""

    lane = models.CharField(primary_key=True, max_length=16, editable=False)
    job_id = models.UUIDField()
    due_at = models.DateTimeField()
    # Not finished yet: no other one is made meanwhile, so none pile up in a dead lane.
    waits = models.BooleanField()
    succeeded_at = models.DateTimeField(null=True)
    # Seconds from being due to its success, of the last that succeeded.
    took = models.FloatField(null=True)

    class Meta:
        verbose_name_plural = "canaries"

    def __str__(self) -> str:
        return f"canary of lane {self.lane}"
