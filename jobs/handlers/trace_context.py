"""What a target's tracing may tie to a job. Pure."""

import hashlib
from uuid import UUID


def traceparent(job_id: UUID, attempt: int) -> str:
    """Return a W3C trace context: the job is the trace, each attempt a span of it."""
    span = hashlib.sha256(job_id.bytes + attempt.to_bytes(8, "big")).hexdigest()[:16]
    return f"00-{job_id.hex}-{span}-01"
