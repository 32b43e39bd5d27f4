"""The field `unique` of a new job, and what a producer is told whose key is held."""

from dataclasses import dataclass
from uuid import UUID

from jobs.models import Job, UniqueClaim
from jobs.operations.fields import FieldProblem, Fields, bounded
from jobs.operations.limits import MAX_PERIOD, MAX_UNIQUE_KEY
from jobs.states import RESTARTABLE
from jobs.unique import OnConflict, Scope, Unique

UNIQUE_FIELDS = ("key", "scope", "period", "on_conflict")
MOST_TOLD = 100


@dataclass(frozen=True)
class HeldProblem(FieldProblem):
    """A key that another job holds."""

    job_id: str


class UniqueKeyHeld(Exception):
    """Keys of new jobs are held by other jobs; nothing was created. `problems` names each."""

    code = "unique_key_held"

    def __init__(self, problems: list[HeldProblem]) -> None:
        self.problems = bounded(problems, MOST_TOLD)
        super().__init__(
            problems[0].detail
            if len(problems) == 1
            else f"{len(problems)} unique keys are held by other jobs; `errors` names each."
        )


class CannotRetake(Exception):
    """A job cannot be restarted: another one holds its unique key."""

    code = "unique_key_held"


def read_unique(fields: Fields) -> Unique | None:
    """Return what the field `unique` asks for; None when absent, null or refused."""
    asked = fields.data.get("unique")
    if asked is None:
        return None
    if not isinstance(asked, dict):
        fields.refuse("unique", "wrong_type", 'must be an object such as {"key": "order-17"}.')
        return None
    inner = Fields(asked, UNIQUE_FIELDS, f"{fields.pointer}/unique")
    key = inner.text("key", longest=MAX_UNIQUE_KEY)
    if not key and not inner.problems:
        inner.refuse("key", "required", "is required: say what there may be only one of.")
    unique = Unique(
        key=key,
        scope=Scope(inner.choice("scope", Scope.UNFINISHED, options=list(Scope))),
        period=_period(inner),
        on_conflict=OnConflict(
            inner.choice("on_conflict", OnConflict.RETURN, options=list(OnConflict))
        ),
    )
    fields.problems += inner.problems
    return unique


def held(pointer: str, key: str, holder: UUID) -> HeldProblem:
    """Return the problem of one new job whose key is held."""
    shown = key if len(key) <= 60 else f"{key[:60]}…"
    return HeldProblem(
        f"{pointer}/unique/key",
        "unique_key_held",
        f'The unique key "{shown}" is held by job {holder}. Wait until it frees the key, or choose '
        "another key.",
        str(holder),
    )


def refuse_held(job: Job) -> None:
    """Raise CannotRetake when the key of `job`, which was not restarted, is the reason."""
    if not job.unique_key or not Job.objects.filter(pk=job.pk, status__in=RESTARTABLE).exists():
        return
    claims = UniqueClaim.objects.filter(merchant_id=job.merchant_id, key=job.unique_key)
    holder = claims.exclude(job_id=job.pk).values_list("job_id", flat=True).first()
    if holder is not None:
        raise CannotRetake(
            f"The job's unique key is held by job {holder}; wait until that one frees it, or "
            "cancel it."
        )


def _period(inner: Fields) -> float | None:
    if inner.data.get("scope") != Scope.PERIOD:
        if inner.data.get("period") is not None:
            inner.refuse("period", "conflict", 'goes with "scope": "period" only; leave it out.')
        return None
    if inner.data.get("period") is None:
        inner.refuse("period", "required", "is required: say for how many seconds.")
        return None
    return inner.number("period", 1, minimum=1, maximum=MAX_PERIOD)
