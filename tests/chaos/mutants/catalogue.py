"""The mutants: what is replaced in which file, the run that is aimed at it, who must notice."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """Text that stands once in a file, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One broken engine. `noticed_by`: promises of which at least one must be broken."""

    name: str
    aim: str
    noticed_by: tuple[str, ...]
    edits: tuple[Edit, ...]
    # SQL for the chaos test's own database.
    prepare: str = ""


class DoesNotFit(ValueError):
    """A mutant's text does not stand once in the engine any more."""


def apply(mutant: Mutant, root: Path) -> None:
    """Break the engine in `root`. Raises DoesNotFit."""
    for edit in mutant.edits:
        path = root / edit.path
        source = path.read_text(encoding="utf-8")
        if source.count(edit.old) != 1:
            raise DoesNotFit(
                f"{mutant.name}: {edit.path} has its text {source.count(edit.old)} times"
            )
        path.write_text(source.replace(edit.old, edit.new), encoding="utf-8")


_RUNNING = "jobs/statements/running.py"
_KEYING = "jobs/statements/keying.py"
_CLAIM_GUARD = "     WHERE job.status = (SELECT 'queued')\n       AND (job.expires_at"

MUTANTS = (
    Mutant(
        name="a result is written whatever its ticket says",
        aim="zombie",
        noticed_by=("no_stale_write", "attempts_without_gap", "one_call_an_attempt"),
        edits=(
            Edit(
                _RUNNING,
                "JOIN ending ON job.id = ending.id AND job.ticket = ending.ticket",
                "JOIN ending ON job.id = ending.id",
            ),
        ),
    ),
    Mutant(
        name="a message starts what waits, whatever its ticket says",
        aim="replay",
        noticed_by=("no_start_before_due",),
        edits=(
            Edit(
                _RUNNING,
                "        ON job.id = given.id AND job.ticket = given.ticket\n" + _CLAIM_GUARD,
                "        ON job.id = given.id\n"
                "     WHERE job.status IN ('queued', 'retryable')\n       AND (job.expires_at",
            ),
            Edit(
                _RUNNING,
                "       attempt = job.attempt + 1,\n",
                "       attempt = job.attempt + 1,\n"
                "       ticket = coalesce(job.ticket, random(1, 9223372036854775807)),\n",
            ),
        ),
    ),
    Mutant(
        name="a message that comes twice starts its job twice",
        aim="replay",
        noticed_by=("attempts_without_gap", "one_call_an_attempt"),
        edits=(
            Edit(
                _RUNNING,
                _CLAIM_GUARD,
                "     WHERE job.status IN ('queued', 'running')\n       AND (job.expires_at",
            ),
        ),
    ),
    Mutant(
        name="publish before commit",
        aim="slow_commit",
        noticed_by=("calm_needs_no_rescue",),
        edits=(
            Edit(
                "jobs/management/commands/populate.py",
                "        result = populator.populate(now, self._engine, self._pace, self._reach)\n",
                "        from django.db import transaction\n"
                "        with transaction.atomic():\n"
                "            result = populator.populate(\n"
                "                now, self._engine, self._pace, self._reach\n"
                "            )\n",
            ),
        ),
    ),
    Mutant(
        name="only the first attempt is counted",
        aim="nothing",
        noticed_by=("attempts_without_gap", "one_call_an_attempt"),
        edits=(
            Edit(_RUNNING, "attempt = job.attempt + 1,", "attempt = greatest(job.attempt, 1),"),
        ),
    ),
    Mutant(
        name="the watcher ignores queue leases",
        aim="silent_populator",
        noticed_by=("every_job_ends",),
        edits=(
            Edit(
                "jobs/watcher.py",
                "    requeued = _unless_it_fails(_requeue, tick.judged_at, engine)\n",
                "    requeued = 0\n",
            ),
        ),
    ),
    Mutant(
        name="the watcher leaves lost attempts alone",
        aim="killed_worker",
        noticed_by=("every_job_ends",),
        edits=(
            Edit(
                "jobs/watcher.py",
                "    rescued = _unless_it_fails(_rescue, tick.judged_at, engine)\n",
                "    rescued = 0\n",
            ),
        ),
    ),
    Mutant(
        name="a result can be recorded twice",
        aim="lost_acknowledgement",
        noticed_by=("attempts_without_gap",),
        edits=(
            Edit(
                _RUNNING,
                "     WHERE job.status = (SELECT 'running')\n"
                "     ORDER BY job.id\n       FOR UPDATE OF job\n), done AS (",
                "     ORDER BY job.id\n       FOR UPDATE OF job\n), done AS (",
            ),
            Edit(
                _RUNNING,
                "           ticket = NULL, queued_at = NULL, worker_id = NULL",
                "           queued_at = NULL, worker_id = NULL",
            ),
        ),
    ),
    Mutant(
        name="an occurrence may have several jobs, and nobody locks its template",
        aim="two_expanders",
        noticed_by=("occurrences_exactly_once",),
        edits=(
            Edit(
                "jobs/statements/creating.py",
                "ON CONFLICT (template_id, occurrence_at) WHERE template_id IS NOT NULL DO NOTHING\n",
                "",
            ),
            Edit(
                "templates_app/statements.py",
                " LIMIT %(limit)s\n   FOR NO KEY UPDATE OF template SKIP LOCKED\n",
                " LIMIT %(limit)s\n",
            ),
        ),
        prepare="DROP INDEX job_one_per_occurrence",
    ),
    Mutant(
        name="concurrency limits are ignored",
        aim="keys",
        noticed_by=("concurrency_limits_hold",),
        edits=(
            Edit(
                _KEYING,
                "first.concurrency_limit - line.taken AS places",
                "first.concurrency_limit + 5 AS places",
            ),
            Edit(_KEYING, "     WHERE first.concurrency_limit > line.taken\n", ""),
            Edit(
                _KEYING,
                "bool_and(waiting.concurrency_limit >= room.taken + waiting.turn)",
                "bool_and(waiting.turn > 0)",
            ),
        ),
    ),
    Mutant(
        name="a cancelled job is started",
        aim="cancels",
        noticed_by=("no_start_after_cancel", "one_final_state"),
        edits=(
            Edit(
                "jobs/statements/steering.py",
                "       ticket = CASE WHEN job.status = 'running' THEN job.ticket END,\n",
                "",
            ),
            Edit(
                _RUNNING,
                _CLAIM_GUARD,
                "     WHERE job.status IN ('queued', 'cancelled')\n       AND (job.expires_at",
            ),
            Edit(
                _RUNNING,
                "       queue_lease_until = NULL,\n       at_most_once",
                "       queue_lease_until = NULL,\n       finalized_at = NULL,\n       at_most_once",
            ),
        ),
    ),
    Mutant(
        name="a repeated request is done again",
        aim="lost_answers",
        noticed_by=("no_phantom",),
        edits=(
            Edit(
                "jobs/operations/idempotency.py",
                " WHERE record.created_at <= %(before)s\n",
                " WHERE record.created_at <= %(before)s OR true\n",
            ),
        ),
    ),
)
