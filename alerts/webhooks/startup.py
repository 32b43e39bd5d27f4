"""What webhooks do when Django is ready."""

from alerts.webhooks import recording, sending
from jobs.handlers.registry import register_kind


def start() -> None:
    """Register the job kind and listen to jobs' ends."""
    register_kind(sending.KIND)
    recording.listen()
