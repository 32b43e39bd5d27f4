"""What the watcher remembers from tick to tick, for all watchers."""

from django.db import models
from django.db.models import F, Q

from jobs.brake import Cause


class Watch(models.Model):
    """One row: the last tick, the brake that was put on last, how far the search for orphans came.

    Written by jobs.braking. In PostgreSQL, so that any number of watchers agree and one that was
    started anew knows what went before.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    ticked_at = models.DateTimeField()
    held_after = models.DateTimeField(null=True)
    held_since = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    cause = models.CharField(
        max_length=10, choices=[(c.value, c.value) for c in Cause], blank=True, default=""
    )
    # How often the brake was put on.
    brakes = models.PositiveBigIntegerField(default=0)
    # The last blocked job that was looked at; the next tick goes on behind it.
    orphans_after = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="watch_is_one_row", condition=Q(id=1)),
            models.CheckConstraint(
                name="watch_brake_is_whole",
                condition=Q(held_after=None, held_since=None, held_until=None, cause="")
                | Q(
                    held_after__isnull=False,
                    held_since__isnull=False,
                    held_until__gt=F("held_since"),
                    cause__in=[*Cause],
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"last tick at {self.ticked_at}"
