"""What webhooks do when Django is ready."""

from alerts.webhooks import listening, sending
from jobs.handlers.registry import register_kind


def start() -> None:
    """Register the job kind and listen to what happens."""
    register_kind(sending.KIND)
    listening.listen()
