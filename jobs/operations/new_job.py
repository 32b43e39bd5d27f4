"""What a producer may ask for: the rules of a new job and of an edit, in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from jobs.backoff import MAX_DELAY, STRATEGIES, Backoff, Strategy
from jobs.handlers.registry import InvalidPayload, UnknownKind, find_kind
from jobs.masking import MASK, masks_left, restored
from jobs.models import Job
from jobs.operations.fields import FieldProblem, Fields, json_size, pointer_token

MAX_NAME = 200
MAX_TAGS = 20
MAX_TAG = 64
MAX_METADATA = 16 * 1024  # bytes of JSON
MAX_PAYLOAD = 128 * 1024  # bytes of JSON
MAX_PRIORITY = 10
MAX_ATTEMPTS = 100
MIN_TIMEOUT = 0.1  # seconds
MAX_TIMEOUT = 86_400  # seconds
HORIZON = timedelta(days=3653)  # ten years
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MAX_FACTOR = 100
DEFAULT_PRIORITY = 5
DEFAULT_ATTEMPTS = 5
DEFAULT_TIMEOUT = 60.0

JOB_FIELDS = (
    "kind",
    "payload",
    "run_at",
    "delay",
    "priority",
    "max_attempts",
    "backoff",
    "timeout",
    "deadline",
    "name",
    "tags",
    "metadata",
)
EDIT_FIELDS = tuple(name for name in JOB_FIELDS if name != "kind")
BACKOFF_FIELDS = ("strategy", "base", "factor", "cap", "jitter")


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A payload that fits its kind, with the lane and handler that follow from it."""

    kind: str
    payload: dict[str, Any]
    lane: str
    handler: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """A checked request for one job."""

    work: Work
    run_at: datetime
    priority: int
    max_attempts: int
    backoff: dict[str, Any] | None
    timeout: float
    expires_at: datetime | None
    name: str
    tags: list[str]
    metadata: dict[str, Any]


def read_new_job(data: Any, *, now: datetime, pointer: str = "") -> NewJob:
    """Return what one JSON object asks for. Raises InvalidFields with every fault."""
    fields = Fields(data, JOB_FIELDS, pointer)
    run_at = _run_at(fields, now) or now
    new_job = NewJob(
        work=_work(fields),
        run_at=run_at,
        priority=_priority(fields),
        max_attempts=_max_attempts(fields),
        backoff=_backoff(fields),
        timeout=_timeout(fields),
        expires_at=_deadline(fields, run_at=run_at, now=now),
        name=fields.text("name", longest=MAX_NAME),
        tags=fields.texts("tags", most=MAX_TAGS, longest=MAX_TAG),
        metadata=fields.json_object("metadata", largest=MAX_METADATA),
    )
    fields.raise_problems()
    return new_job


def read_changes(data: Any, *, job: Job, now: datetime) -> dict[str, Any]:
    """Return the columns of this job that an edit changes.

    Raises InvalidFields, also when the edit changes nothing.
    """
    fields = Fields(data, EDIT_FIELDS)
    changes: dict[str, Any] = {}
    moved = _run_at(fields, now)
    if moved is not None:
        changes["run_at"] = moved
    if "payload" in fields:
        work = check_work(job.kind, restored(fields.data["payload"], job.payload), fields)
        if work is not None:
            changes |= {"payload": work.payload, "lane": work.lane, "handler": work.handler}
    if "deadline" in fields:
        changes["expires_at"] = _deadline(fields, run_at=moved or job.scheduled_at, now=now)
    elif moved is not None:
        _refuse_after_deadline(fields, moved, job.expires_at)
    changes |= {name: read(fields) for name, read in _PLAIN.items() if name in fields}
    if "max_attempts" in changes:
        _refuse_used_up(fields, changes["max_attempts"], job.attempt - job.earlier_attempts)
    if not changes and not fields.problems:
        fields.refuse(None, "nothing_to_change", f"must name one of {', '.join(EDIT_FIELDS)}.")
    fields.raise_problems()
    return changes


def read_payload(data: Any, *, kind: str, original: Mapping[str, Any]) -> Work:
    """Check an edited payload that replaces `original`. Raises InvalidFields."""
    fields = Fields({"payload": data}, ("payload",))
    work = check_work(kind, restored(data, original), fields)
    fields.raise_problems()
    assert work is not None
    return work


def check_work(kind_name: str, payload: Any, fields: Fields) -> Work | None:
    """Return the payload with its lane and handler; None after adding its faults to `fields`."""
    try:
        kind = find_kind(kind_name)
    except UnknownKind as error:
        fields.problems.append(FieldProblem(f"{fields.pointer}/kind", "unknown_kind", str(error)))
        return None
    if isinstance(payload, dict) and json_size(payload) > MAX_PAYLOAD:
        fields.refuse(
            "payload", "too_large", f"must have at most {MAX_PAYLOAD // 1024} KiB as JSON."
        )
        return None
    if _refuse_masks(kind.name, payload, fields):
        return None
    try:
        kind.validate(payload)
    except InvalidPayload as error:
        fields.problems += [
            FieldProblem(
                f"{fields.pointer}/payload{problem.pointer}",
                "invalid_payload",
                f'"payload{problem.pointer}" {problem.message}',
            )
            for problem in error.problems
        ]
        return None
    return Work(
        kind=kind.name, payload=payload, lane=kind.lane(payload), handler=kind.handler(payload)
    )


def _refuse_masks(kind: str, payload: Any, fields: Fields) -> bool:
    """Add a fault for every mask that would be sent as it is; tell whether there was one."""
    paths = ["/".join(map(pointer_token, path)) for path in masks_left(kind, payload)]
    fields.problems += [
        FieldProblem(
            f"{fields.pointer}/payload/{path}",
            "masked_value",
            f'"payload/{path}" holds {MASK}, which stands for a hidden value; send the value '
            "itself. A hidden value is kept only while the URL's scheme, host and port stay.",
        )
        for path in paths
    ]
    return bool(paths)


def _work(fields: Fields) -> Work:
    nothing = Work(kind="", payload={}, lane="", handler="")
    if "kind" not in fields:
        fields.refuse("kind", "required", "is required: say what kind of job this is.")
        return nothing
    if "payload" not in fields:
        fields.refuse("payload", "required", "is required: say what the job is to do.")
        return nothing
    kind = fields.data["kind"]
    if not isinstance(kind, str):
        fields.refuse("kind", "wrong_type", "must be a text.")
        return nothing
    return check_work(kind, fields.data["payload"], fields) or nothing


def _run_at(fields: Fields, now: datetime) -> datetime | None:
    if fields.data.get("delay") is not None:
        if fields.data.get("run_at") is not None:
            fields.refuse(
                "delay", "conflict", 'cannot be combined with "run_at"; send one of them.'
            )
            return None
        most = HORIZON.total_seconds()
        return now + timedelta(seconds=fields.number("delay", 0, minimum=0, maximum=most))
    moment = fields.moment("run_at")
    if moment is None:
        return None
    if moment < EARLIEST:
        fields.refuse("run_at", "too_early", "is before the year 2000; leave it out for now.")
    elif moment > now + HORIZON:
        fields.refuse("run_at", "too_late", "is more than ten years ahead; choose an earlier time.")
    return moment


def _deadline(fields: Fields, *, run_at: datetime, now: datetime) -> datetime | None:
    moment = fields.moment("deadline")
    if moment is None:
        return None
    if moment <= now:
        fields.refuse("deadline", "too_early", "has passed; choose a later time or leave it out.")
    elif moment <= run_at:
        fields.refuse("deadline", "too_early", "must be later than the time the job is due.")
    elif moment > now + 2 * HORIZON:
        fields.refuse("deadline", "too_late", "is more than twenty years ahead; leave it out.")
    return moment


def _refuse_after_deadline(fields: Fields, moved: datetime, deadline: datetime | None) -> None:
    if deadline is not None and deadline <= moved:
        name = "delay" if fields.data.get("delay") is not None else "run_at"
        fields.refuse(
            name,
            "too_late",
            f'must be before the job\'s deadline, {deadline:%FT%TZ}; send a later "deadline" too.',
        )


def _refuse_used_up(fields: Fields, most: int, used: int) -> None:
    if most < used:
        fields.refuse(
            "max_attempts",
            "out_of_range",
            f"must be at least {used}, the attempts already made; cancel the job to stop it.",
        )


def _backoff(fields: Fields) -> dict[str, Any] | None:
    if fields.data.get("backoff") is None:
        return None
    default = Backoff()
    inner = Fields(fields.data["backoff"], BACKOFF_FIELDS, f"{fields.pointer}/backoff")
    base = inner.number("base", default.base, minimum=0.1, maximum=MAX_DELAY)
    policy = Backoff(
        strategy=cast(Strategy, inner.choice("strategy", default.strategy, options=STRATEGIES)),
        base=base,
        factor=inner.number("factor", default.factor, minimum=1, maximum=MAX_FACTOR),
        cap=inner.number("cap", max(default.cap, base), minimum=0.1, maximum=MAX_DELAY),
        jitter=inner.number("jitter", default.jitter, minimum=0, maximum=1),
    )
    if policy.cap < policy.base and not inner.problems:
        inner.refuse("cap", "out_of_range", 'must be at least "base".')
    fields.problems += inner.problems
    return dict(vars(policy))


def _priority(fields: Fields) -> int:
    return fields.integer("priority", DEFAULT_PRIORITY, minimum=0, maximum=MAX_PRIORITY)


def _max_attempts(fields: Fields) -> int:
    return fields.integer("max_attempts", DEFAULT_ATTEMPTS, minimum=1, maximum=MAX_ATTEMPTS)


def _timeout(fields: Fields) -> float:
    return fields.number("timeout", DEFAULT_TIMEOUT, minimum=MIN_TIMEOUT, maximum=MAX_TIMEOUT)


_PLAIN: dict[str, Callable[[Fields], Any]] = {
    "priority": _priority,
    "max_attempts": _max_attempts,
    "backoff": _backoff,
    "timeout": _timeout,
    "name": lambda fields: fields.text("name", longest=MAX_NAME),
    "tags": lambda fields: fields.texts("tags", most=MAX_TAGS, longest=MAX_TAG),
    "metadata": lambda fields: fields.json_object("metadata", largest=MAX_METADATA),
}
