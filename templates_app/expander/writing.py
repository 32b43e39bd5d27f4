"""What a batch came to, written at once: jobs, rows of what did not run, where templates stand."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.db import transaction

from jobs import lifecycle, publishing
from templates_app import statements
from templates_app.calendars.versions import data_versions
from templates_app.expander.due import aware
from templates_app.expander.outcome import Outcome
from templates_app.expander.stand import Stand, stand_of
from templates_app.models import Cause
from templates_app.planning.window_book import naive
from templates_app.signals import MissedOccurrences, SetAside, tell_missed, tell_set_aside
from tenants.statement import execute

logger = logging.getLogger(__name__)

# After so many failures in a row a template is set aside; before, it is tried again this much later.
TRIES = 3
RETRY = timedelta(seconds=30)
# A job due this soon is worth waking the populator for.
SOON = timedelta(seconds=1)


def write_outcomes(outcomes: Sequence[Outcome], now: datetime) -> tuple[int, int, list[Stand]]:
    """Write what was planned, in the caller's transaction.

    Return how many jobs and skips that were, and where the templates stand now.
    """
    jobs = [job for outcome in outcomes for job in outcome.jobs]
    created = set(lifecycle.create_occurrences(jobs))
    for outcome in outcomes:
        outcome.note_created(created)
    _settle_late(outcomes, now)
    skipped = _record_skipped(outcomes, now)
    stands = [stand_of(outcome, naive(now)) for outcome in outcomes]
    execute(
        statements.ADVANCE,
        stands=json.dumps([stand.as_json() for stand in stands]),
        versions=versions(),
    )
    if any(outcome.release_jobs for outcome in outcomes) or any(
        job.run_at <= now + SOON for job in jobs
    ):
        transaction.on_commit(publishing.wake)
    return len(created), skipped, stands


def write_settled(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write what was decided about late jobs, in the caller's transaction."""
    _settle_late(outcomes, now)
    _record_skipped(outcomes, now)
    if any(outcome.release_jobs for outcome in outcomes):
        transaction.on_commit(publishing.wake)


def record_failures(failures: Mapping[UUID, str], now: datetime) -> None:
    """Try these templates again later, or set them aside after three failures in a row."""
    if not failures:
        return
    rows = execute(
        statements.RECORD_FAILURES,
        ids=list(failures),
        # PostgreSQL's texts cannot hold it, and the reason may quote anything.
        reasons=[reason.replace("\x00", "\N{SYMBOL FOR NULL}") for reason in failures.values()],
        tries=TRIES,
        now=now,
        again=now + RETRY,
    )
    aside = [
        SetAside(merchant_id=merchant_id, template_id=template_id, at=now)
        for template_id, set_aside, merchant_id in rows
        if set_aside
    ]
    tell_set_aside(aside)
    for one in aside:
        # The reason may quote the merchant's payload: it stays in the row.
        logger.error("Template %s was set aside after %d failures.", one.template_id, TRIES)


@lru_cache(maxsize=1)
def versions() -> str:
    """Return the versions of the data that plans depend on, as stored with each expansion."""
    found = data_versions()
    return f"tzdata {found.tzdata}, holidays {found.holidays}"


def _settle_late(outcomes: Iterable[Outcome], now: datetime) -> None:
    reasons: dict[UUID, str] = {}
    released: list[UUID] = []
    for outcome in outcomes:
        for one in outcome.missed:
            if one.job_id is not None:
                reasons[one.job_id] = one.reason
        released += outcome.release_jobs
    skipped = lifecycle.skip(reasons=reasons, now=now) if reasons else []
    done = {job.job_id for job in skipped}
    if released:
        lifecycle.release_missed(job_ids=released)
    for outcome in outcomes:
        # What somebody started at this very moment was not skipped.
        outcome.note_missed(done)


def _record_skipped(outcomes: Iterable[Outcome], now: datetime) -> int:
    rows = [(outcome.template, skip) for outcome in outcomes for skip in outcome.skips]
    if rows:
        execute(
            statements.RECORD_SKIPPED,
            merchants=[template.merchant_id for template, _ in rows],
            templates=[template.id for template, _ in rows],
            causes=[skip.cause for _, skip in rows],
            reasons=[skip.reason for _, skip in rows],
            firsts=[aware(skip.first_at) for _, skip in rows],
            lasts=[aware(skip.last_at) for _, skip in rows],
            counts=[skip.count for _, skip in rows],
        )
        tell_missed(
            [
                MissedOccurrences(
                    merchant_id=template.merchant_id,
                    template_id=template.id,
                    first_at=aware(skip.first_at),
                    last_at=aware(skip.last_at),
                    occurrences=skip.count,
                    at=now,
                )
                for template, skip in rows
                if skip.cause == Cause.MISSED
            ]
        )
    return sum(skip.count for _, skip in rows)
