"""Jobs in every status, with the columns that the status implies; no illegal row can be built."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.models import DeadLetter, Job, Worker
from jobs.states import FINAL, Gate, JobStatus
from tenants.identifiers import new_id
from tenants.models import Merchant

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def make_merchant(slug: str = "", **overrides: Any) -> Merchant:
    """Return a stored merchant."""
    slug = slug or f"shop-{new_id().hex[-12:]}"
    return Merchant.objects.create(**{"name": slug.title(), "slug": slug, **overrides})


def make_worker(**overrides: Any) -> Worker:
    """Return a stored live worker of the async lane that beats at NOW."""
    values: dict[str, Any] = {
        "id": new_id(),
        "name": "test-worker",
        "lane": "async",
        "capacity": 100,
        "started_at": NOW,
        "heartbeat_at": NOW,
    }
    return Worker.objects.create(**{**values, **overrides})


def make_job(*, status: str = JobStatus.SCHEDULED, **overrides: Any) -> Job:
    """Return a stored job in the status, due at NOW unless said otherwise."""
    values: dict[str, Any] = {
        "kind": "python",
        "handler": "demo.noop",
        "lane": "async",
        "payload": {"handler": "demo.noop", "arguments": {}},
        "run_at": overrides.get("scheduled_at", NOW),
        "scheduled_at": overrides.get("run_at", NOW),
        "status": status,
        **_implied(status),
        **_gate(status, overrides),
        **overrides,
    }
    if "merchant" not in values and "merchant_id" not in values:
        values["merchant"] = make_merchant()
    job = Job.objects.create(**values)
    if status == JobStatus.FAILED:
        DeadLetter.objects.create(
            job=job,
            merchant_id=job.merchant_id,
            kind=job.kind,
            handler=job.handler,
            error_code="http_500",
            error_message="The target answered 500.",
            fingerprint="f" * 16,
            attempts=job.attempt,
        )
    return job


def _implied(status: str) -> dict[str, Any]:
    if status == JobStatus.QUEUED:
        return {"ticket": _ticket(), "queued_at": NOW, "queue_lease_until": NOW + 60 * SECOND}
    if status == JobStatus.RUNNING:
        return {
            "ticket": _ticket(),
            "attempt": 1,
            "queued_at": NOW,
            "started_at": NOW,
            "deadline_at": NOW + 70 * SECOND,
            "worker_id": new_id(),
        }
    if status == JobStatus.RETRYABLE:
        return {"attempt": 1, "started_at": NOW - SECOND}
    if status in {JobStatus.FAILED, JobStatus.SUCCEEDED}:
        return {"attempt": 5, "started_at": NOW, "finalized_at": NOW}
    if status in FINAL:
        return {"finalized_at": NOW}
    return {}


def _gate(status: str, overrides: dict[str, Any]) -> dict[str, Any]:
    if overrides.get("overlap") and status == JobStatus.SCHEDULED:
        return {"gate": Gate.SHUT}
    if overrides.get("concurrency_key"):
        if status in {JobStatus.BLOCKED, JobStatus.SCHEDULED}:
            return {"gate": Gate.KEYED}
        return {"holds_place": status not in FINAL}
    return {}


def _ticket() -> int:
    return new_id().int & (2**62 - 1)
