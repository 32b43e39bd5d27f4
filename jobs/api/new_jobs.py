"""Creating jobs: from a request's JSON to stored rows and an answer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.api.representations import job_receipt, job_summary
from jobs.operations.create import Placed, create_jobs, place_jobs
from jobs.operations.fields import FieldProblem, Fields, InvalidFields, bounded
from jobs.operations.graph import check_graph
from jobs.operations.idempotency import Answer
from jobs.operations.new_job import NewJob, read_new_job
from tenants.models import Merchant

MOST_IN_BATCH = 1000
# Beyond these, so that one bad list of 1,000 does not make an endless answer, an item's problems
# are one and a count.
MOST_PER_ITEM = 20
MOST_IN_ANSWER = 100


@dataclass(frozen=True)
class _Item:
    index: int
    new_job: NewJob | None
    problems: tuple[FieldProblem, ...] = ()


def create_one(body: Any, *, merchant: Merchant, now: datetime) -> Answer:
    """Create the job that the body describes; 200 with the one that holds its unique key.

    Raises InvalidFields, QuotaExceeded, UniqueKeyHeld.
    """
    new_job = read_new_job(body, now=now, merchant_id=merchant.pk)
    if problems := check_graph(merchant, {0: new_job}):
        raise InvalidFields(problems[0])
    [placed] = create_jobs(merchant=merchant, new_jobs=[new_job], now=now)
    return Answer(status=201 if placed.created else 200, body=job_summary(placed.job))


def create_all(body: Any, *, merchant: Merchant, now: datetime) -> Answer:
    """Create every job of a batch, or none. Raises InvalidFields, QuotaExceeded, UniqueKeyHeld."""
    items = _read_batch(body, merchant, now)
    if problems := [problem for item in items for problem in item.problems]:
        raise InvalidFields(problems)
    placed = create_jobs(merchant=merchant, new_jobs=_good(items), now=now)
    return Answer(
        status=201, body={"count": len(placed), "jobs": [_receipt(one) for one in placed]}
    )


def create_some(body: Any, *, merchant: Merchant, now: datetime) -> Answer:
    """Create the good jobs of a batch and say what is wrong with the others (207 when there are).

    Raises InvalidFields for the batch itself, QuotaExceeded.
    """
    items = _read_batch(body, merchant, now)
    outcomes = iter(place_jobs(merchant=merchant, new_jobs=_good(items), now=now))
    told = created = refused = 0
    results: list[dict[str, Any]] = []
    for item in items:
        outcome = next(outcomes) if item.new_job else None
        if isinstance(outcome, Placed):
            created += outcome.created
            results.append({"index": item.index, "job": _receipt(outcome)})
            continue
        problems = (outcome,) if outcome else item.problems
        shown = bounded(problems, MOST_PER_ITEM if told < MOST_IN_ANSWER else 1)
        told += len(shown)
        refused += 1
        results.append({"index": item.index, "errors": [asdict(problem) for problem in shown]})
    found = len(items) - created - refused
    answer = {"created": created, "found": found, "refused": refused, "results": results}
    return Answer(status=207 if refused else 200, body=answer)


def _receipt(placed: Placed) -> dict[str, Any]:
    return {**job_receipt(placed.job), "created": placed.created}


def _read_batch(body: Any, merchant: Merchant, now: datetime) -> list[_Item]:
    fields = Fields(body, ("jobs",))
    listed = fields.data.get("jobs")
    if not fields.problems and not isinstance(listed, list):
        code = "wrong_type" if "jobs" in fields else "required"
        fields.refuse("jobs", code, "must be a list of jobs.")
    elif isinstance(listed, list) and not 1 <= len(listed) <= MOST_IN_BATCH:
        code = "too_many" if listed else "required"
        fields.refuse(
            "jobs", code, f"must hold 1 to {MOST_IN_BATCH:,} jobs; it has {len(listed):,}."
        )
    fields.raise_problems()
    assert isinstance(listed, list)
    items = [_read_item(index, item, now, merchant.pk) for index, item in enumerate(listed)]
    return _related(items, merchant)


def _related(items: list[_Item], merchant: Merchant) -> list[_Item]:
    """Refuse the items whose parents are not there, or wait for them in turn."""
    problems = check_graph(merchant, {item.index: item.new_job for item in items if item.new_job})
    return [
        _Item(item.index, None, problems[item.index]) if item.index in problems else item
        for item in items
    ]


def _read_item(index: int, item: Any, now: datetime, merchant_id: UUID) -> _Item:
    try:
        return _Item(
            index, read_new_job(item, now=now, merchant_id=merchant_id, pointer=f"/jobs/{index}")
        )
    except InvalidFields as error:
        return _Item(index, None, error.problems)


def _good(items: Sequence[_Item]) -> list[NewJob]:
    return [item.new_job for item in items if item.new_job is not None]
