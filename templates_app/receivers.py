"""What templates_app hears of jobs."""

from collections.abc import Sequence
from typing import Any

from jobs.signals import SkippedOccurrence, occurrences_skipped
from templates_app import statements
from tenants.statement import execute


def listen() -> None:
    """Connect; called once when Django is ready."""
    occurrences_skipped.connect(record_skipped, dispatch_uid="templates_app.record_skipped")


def record_skipped(skipped: Sequence[SkippedOccurrence], **_: Any) -> None:
    """Keep a row for each occurrence that the engine did not run, in the engine's transaction."""
    rows = [one for one in skipped if one.occurrence_at is not None]
    if not rows:
        return
    execute(
        statements.RECORD_SKIPPED,
        merchants=[one.merchant_id for one in rows],
        templates=[one.template_id for one in rows],
        causes=[one.cause for one in rows],
        reasons=[one.reason for one in rows],
        firsts=[one.occurrence_at for one in rows],
        lasts=[one.occurrence_at for one in rows],
        counts=[1 for _ in rows],
    )
