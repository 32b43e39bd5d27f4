"""The dependency: a job that waits for another one's end."""

from django.db import models
from django.db.models import Func, Q

from jobs.states import NeedOutcome, Needs

from .job import Job


class Dependency(models.Model):
    """One arrow of a graph. `jobs.lifecycle` alone writes it; parent and child are of one merchant."""

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    # Not enforced: ended jobs go to the archive (AnyJob), and their dependencies stay.
    parent = models.ForeignKey(
        Job,
        on_delete=models.DO_NOTHING,
        related_name="children",
        db_index=False,
        db_constraint=False,
    )
    # The unique constraint serves it as well.
    child = models.ForeignKey(
        Job,
        on_delete=models.DO_NOTHING,
        related_name="parents",
        db_index=False,
        db_constraint=False,
    )
    name = models.CharField(
        max_length=64, help_text="What the child's condition and payload call the parent."
    )
    needs = models.CharField(max_length=8, choices=[(n.value, n.value) for n in Needs])
    outcome = models.CharField(max_length=5, choices=[(o.value, o.value) for o in NeedOutcome])

    class Meta:
        constraints = [
            models.UniqueConstraint(name="dependency_once", fields=["child", "parent"]),
            models.CheckConstraint(name="dependency_needs_known", condition=Q(needs__in=[*Needs])),
            models.CheckConstraint(
                name="dependency_outcome_known", condition=Q(outcome__in=[*NeedOutcome])
            ),
            models.CheckConstraint(
                name="dependency_not_on_itself", condition=~Q(parent=models.F("child"))
            ),
        ]
        indexes = [
            # The graph, and deletion.
            models.Index(fields=["parent"], name="dependency_children"),
            # What an ended parent has still to settle; the settled rows cost nothing.
            models.Index(
                fields=["parent"],
                name="dependency_open",
                condition=Q(outcome=NeedOutcome.OPEN),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.child_id} after {self.parent_id}"
