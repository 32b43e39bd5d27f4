"""What the jobs' table is searched by, and who does it. Almost all are partial: history costs nothing."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from jobs.states import FINAL, WAITING, Gate, JobStatus, Overlap

INDEXES: list[models.Index] = [
    # A merchant's list, newest first: ids are UUIDv7, so their order is creation order.
    models.Index(fields=["merchant", "-id"], name="job_merchant_newest"),
    # A merchant's quota is counted over its unfinished jobs. Not by status: an index of all
    # statuses but four is proved for every statement that names one of the others, and whoever
    # was planned while nothing waited would read all that waits by it.
    models.Index(
        fields=["merchant"], name="job_unfinished", condition=Q(finalized_at__isnull=True)
    ),
    # The populator: waiting rows only, so finished history costs it nothing.
    models.Index(
        fields=["lane", "priority", "scheduled_at", "id"],
        name="job_due",
        condition=Q(status__in=WAITING, gate=""),
    ),
    # The same while more is due than there is room for: merchants take turns.
    models.Index(
        fields=["lane", "merchant", "priority", "scheduled_at", "id"],
        name="job_due_of_merchant",
        condition=Q(status__in=WAITING, gate=""),
    ),
    # Overlap, decided when such a job falls due; and when what it waits for has ended.
    models.Index(
        fields=["scheduled_at"],
        name="job_shut",
        condition=Q(gate=Gate.SHUT, status=JobStatus.SCHEDULED),
    ),
    models.Index(
        fields=["template_id", "overlap", "origin", "occurrence_at", "id"],
        name="job_held",
        condition=Q(gate=Gate.HELD, status=JobStatus.SCHEDULED),
    ),
    models.Index(
        fields=["template_id"],
        name="job_held_cancelling",
        condition=Q(gate=Gate.HELD, overlap=Overlap.CANCEL_RUNNING, status=JobStatus.SCHEDULED),
    ),
    # A template's siblings, waiting or going; its history is not in here.
    models.Index(
        fields=["template_id", "gate", "scheduled_at"],
        name="job_template_unfinished",
        condition=Q(template_id__isnull=False) & ~Q(status__in=FINAL),
    ),
    models.Index(
        fields=["template_id", "-id"],
        name="job_template_newest",
        condition=Q(template_id__isnull=False),
    ),
    # The expander's hunt for what nobody queued in time.
    models.Index(
        fields=["missed_at"],
        name="job_missable",
        condition=Q(missed_at__isnull=False, attempt=0, status=JobStatus.SCHEDULED),
    ),
    # The lines of each flow rule, one a merchant and lane.
    models.Index(
        fields=["parked_by", "merchant", "lane", "parked_rank", "id"],
        name="job_parked",
        condition=Q(status__in=WAITING, gate=Gate.PARKED),
    ),
    # The watcher's hunt for what waited too long for a host.
    models.Index(
        fields=["parked_by", "unanswered_since", "id"],
        name="job_unanswered",
        condition=Q(unanswered_since__isnull=False, status__in=WAITING, gate=Gate.PARKED),
    ),
    # The same, of those who tried it themselves and are in no line yet.
    models.Index(
        fields=["merchant", "handler", "unanswered_since", "id"],
        name="job_spared",
        condition=Q(unanswered_since__isnull=False, status=JobStatus.RETRYABLE, gate=""),
    ),
    # A concurrency key: who holds its places, who waits for one, in which order.
    models.Index(
        fields=["merchant", "concurrency_key"],
        name="job_place_held",
        condition=Q(holds_place=True, finalized_at__isnull=True),
    ),
    models.Index(
        fields=["merchant", "concurrency_key", "scheduled_at", "id"],
        name="job_keyed",
        condition=Q(gate=Gate.KEYED, status=JobStatus.SCHEDULED),
    ),
    # What moves the lines of keys: a place that was left, a line that was left, a job that fell due.
    models.Index(
        fields=["id"],
        name="job_place_left",
        condition=Q(holds_place=True, finalized_at__isnull=False),
    ),
    models.Index(
        fields=["id"],
        name="job_line_left",
        condition=Q(gate=Gate.KEYED, finalized_at__isnull=False),
    ),
    models.Index(fields=["id"], name="job_tells_line", condition=Q(tells_line=True)),
    models.Index(
        fields=["scheduled_at", "id"],
        name="job_keyed_not_in_line",
        condition=Q(gate=Gate.KEYED, in_line=False, status=JobStatus.SCHEDULED),
    ),
    # How many stand in the lines of keys.
    models.Index(
        fields=["lane"],
        name="job_in_line",
        condition=Q(in_line=True, status=JobStatus.SCHEDULED),
    ),
    # Backpressure counts per lane, and the watcher's hunt for lost messages.
    models.Index(
        fields=["lane", "queue_lease_until"],
        name="job_queued",
        condition=Q(status=JobStatus.QUEUED),
    ),
    # What ended, by whatever way, while others depend on it.
    models.Index(
        fields=["id"],
        name="job_awaited_ended",
        condition=Q(awaited=True, finalized_at__isnull=False),
    ),
    # The watcher's search for blocked jobs whose parents are gone.
    models.Index(fields=["id"], name="job_blocked", condition=Q(status=JobStatus.BLOCKED)),
    # The archiver's walk over what ended long ago. It grows at its right end only.
    models.Index(
        fields=["finalized_at", "id"],
        name="job_finalized",
        condition=Q(finalized_at__isnull=False),
    ),
    # A worker's running jobs: heartbeat, cancel requests, rescue.
    models.Index(fields=["worker_id"], name="job_running", condition=Q(status=JobStatus.RUNNING)),
    models.Index(fields=["deadline_at"], name="job_overdue", condition=Q(status=JobStatus.RUNNING)),
    models.Index(
        fields=["expires_at"],
        name="job_expiring",
        condition=Q(expires_at__isnull=False) & ~Q(status__in=(*FINAL, JobStatus.RUNNING)),
    ),
    GinIndex(fields=["tags"], name="job_tags", condition=~Q(tags=[])),
]
