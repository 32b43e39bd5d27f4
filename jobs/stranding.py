"""What becomes of attempts that nobody looks after any more; who of them is to blame for a lost worker.

A worker that dies takes all its attempts along, and one of them may have killed it. By the third loss a
job is poison; but when several of one worker's get there together, most of them only kept bad
company. They are tried again, in turns: who is innocent ends before the other's turn comes, or begins
after. The turns are drawn anew and lie further apart after each loss, so that neither a slow restart
nor a long run keeps the same two together.
"""

import random
from collections import Counter, defaultdict
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
# Seconds between the turns of those who lost their worker together for the second time; they double
# with each loss.
APART = 2.0
# The longest that a turn waits, in seconds; those who would wait longer begin again at the front.
FURTHEST = 300.0
# Whoever loses so many times as many workers is poison in any company.
IN_COMPANY = 3


def endings(stranded: Sequence[Stranded], engine: Engine) -> list[Ending]:
    """Decide what each comes to: `worker_lost`, `poison` or `timeout`, and another try or none."""
    losses = engine.poison_losses
    suspects = Counter(f.worker_id for f in stranded if f.lost and _losses(f) >= losses)
    turns = _turns(stranded)
    decided = []
    for found in stranded:
        if not found.lost:
            decided.append(_ended(found, Result.TIMED_OUT, _OVERDUE, losses))
            continue
        alone = suspects[found.worker_id] <= 1
        ending = _ended(found, Result.LOST, WORKER_LOST, losses if alone else losses * IN_COMPANY)
        if _losses(found) > 1 and ending.status == JobStatus.RETRYABLE:
            wait = turns[found.attempt.ticket] * APART * 2 ** min(_losses(found) - 2, 10)
            ending = replace(ending, delay=ending.delay + wait % FURTHEST)
        decided.append(ending)
    return decided


def _turns(stranded: Sequence[Stranded]) -> dict[int, int]:
    """Draw, for each worker, in which order those try again who lost another worker before; by ticket."""
    companies = defaultdict(list)
    for found in stranded:
        if found.lost and _losses(found) > 1:
            companies[found.worker_id].append(found.attempt.ticket)
    for company in companies.values():
        random.shuffle(company)
    return {ticket: turn for company in companies.values() for turn, ticket in enumerate(company)}


def _losses(found: Stranded) -> int:
    return found.attempt.lost_count + 1


def _ended(found: Stranded, result: Result, failure: Failure, losses: int) -> Ending:
    return verdict(found.attempt, Outcome(result=result, failure=failure), poison_losses=losses)
