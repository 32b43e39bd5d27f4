"""One step of the expander: a batch of due templates, or what is left to do when none is due."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from jobs.fault_points import EXPANDER_AFTER_COMMIT, EXPANDER_BEFORE_COMMIT, reach
from templates_app.expander.batch import Written, claim, claim_these, write_batch
from templates_app.expander.due import DueTemplate
from templates_app.expander.late import settle_late
from templates_app.expander.writing import record_failures
from templates_app.expansion import Expansion
from templates_app.surroundings_lock import hold_surroundings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Expanded:
    """What one step did; `more` when there is more to do now."""

    templates: int = 0
    jobs: int = 0
    skipped: int = 0
    failed: int = 0
    settled: int = 0
    more: bool = False


def alone() -> None:
    """Ask nobody."""


def expand(
    now: datetime, expansion: Expansion, *, ask_others: Callable[[], None] = alone
) -> Expanded:
    """Turn what is due within the horizon into jobs, for one batch of templates.

    With the last batch, the misfire policies decide on jobs that nobody queued in time (the populator
    was away). A template that cannot be expanded is tried three times and then set aside; it does
    not hold up the others. What a batch has no time for stays due, for the next step. `ask_others`
    is called once a full batch is claimed, before it is worked on: others may take what is left.
    """
    try:
        with transaction.atomic():
            hold_surroundings()
            due = claim(now, expansion.batch)
            if len(due) >= expansion.batch:
                ask_others()
            written = write_batch(due, now, expansion, failed=_log)
            record_failures(written.failures, now)
            reach(EXPANDER_BEFORE_COMMIT)
        reach(EXPANDER_AFTER_COMMIT)
    except (DataError, IntegrityError):
        # One template's values broke the statement for all; one by one, only it fails.
        logger.exception("A batch could not be written; its templates are expanded one by one.")
        written = _one_by_one([template.id for template in due], now, expansion)
    full = written.left > 0 or written.claimed >= expansion.batch
    settled = 0 if full else settle_late(now, expansion)
    return Expanded(
        templates=written.claimed - len(written.failures),
        jobs=written.created,
        skipped=written.skipped,
        failed=len(written.failures),
        settled=settled,
        more=full or settled >= expansion.batch,
    )


def _one_by_one(ids: list[UUID], now: datetime, expansion: Expansion) -> Written:
    total = Written()
    for template_id in ids:
        try:
            with transaction.atomic():
                hold_surroundings()
                written = write_batch(claim_these([template_id]), now, expansion, failed=_log)
        except (DataError, IntegrityError) as error:
            written = Written(claimed=1, failures={template_id: f"{type(error).__name__}: {error}"})
        with transaction.atomic():
            record_failures(written.failures, now)
        total.claimed += written.claimed
        total.created += written.created
        total.skipped += written.skipped
        total.failures |= written.failures
    return total


def _log(template: DueTemplate, error: Exception) -> None:
    logger.warning(
        "Template %s could not be expanded (%s).", template.id, type(error).__name__, exc_info=error
    )
