"""What becomes of attempts that nobody looks after any more; who of them is to blame for a lost worker.

A worker that dies takes all its attempts along, and one of them may have killed it. By the third loss a
job is poison; but when several of one worker's get there together, most of them only kept bad
company. They are tried once more, apart: who is innocent ends before its turn comes, or begins after.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from jobs.engine import Engine
from jobs.outcomes import Ending, Failure, Outcome, Result
from jobs.rows import Stranded
from jobs.states import JobStatus
from jobs.verdict import WORKER_LOST, verdict

_OVERDUE = Failure(
    code="timeout", message="The attempt overran its timeout and its worker did not stop it."
)
# Seconds between those who lost their worker together for the second time; and the longest wait.
APART = 1.0
FURTHEST = 60
# Whoever loses so many times as many workers is poison in any company.
IN_COMPANY = 2


def endings(stranded: Sequence[Stranded], engine: Engine) -> list[Ending]:
    """Decide what each comes to: `worker_lost`, `poison` or `timeout`, and another try or none."""
    losses = engine.poison_losses
    suspects = Counter(f.worker_id for f in stranded if f.lost and _losses(f) >= losses)
    turns: Counter[object] = Counter()
    decided = []
    for found in stranded:
        if not found.lost:
            decided.append(_ended(found, Result.TIMED_OUT, _OVERDUE, losses))
            continue
        alone = suspects[found.worker_id] <= 1
        ending = _ended(found, Result.LOST, WORKER_LOST, losses if alone else losses * IN_COMPANY)
        if _losses(found) > 1 and ending.status == JobStatus.RETRYABLE:
            turn = turns[found.worker_id] % FURTHEST
            turns[found.worker_id] += 1
            ending = replace(ending, delay=ending.delay + turn * APART)
        decided.append(ending)
    return decided


def _losses(found: Stranded) -> int:
    return found.attempt.lost_count + 1


def _ended(found: Stranded, result: Result, failure: Failure, losses: int) -> Ending:
    return verdict(found.attempt, Outcome(result=result, failure=failure), poison_losses=losses)
