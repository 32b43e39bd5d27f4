"""What a job is to do: a kind and a payload that fits it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from jobs.handlers.registry import InvalidPayload, Kind, PayloadProblem, UnknownKind, find_kind
from jobs.masking import MASK, masks_left, restored
from jobs.operations.fields import FieldProblem, Fields, json_size, pointer_token
from jobs.operations.limits import MAX_PAYLOAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A payload that fits its kind, with the lane and handler that follow from it."""

    kind: str
    payload: dict[str, Any]
    lane: str
    handler: str


def read_payload(data: Any, *, kind: str, original: Mapping[str, Any], merchant_id: UUID) -> Work:
    """Check an edited payload that replaces `original`. Raises InvalidFields."""
    fields = Fields({"payload": data}, ("payload",))
    work = check_work(kind, restored(data, original), fields, merchant_id=merchant_id)
    fields.raise_problems()
    assert work is not None
    return work


def nothing_excused(_payload: Any, _problem: PayloadProblem) -> bool:
    """Excuse no fault of a payload: it is final."""
    return False


def check_work(
    kind_name: str,
    payload: Any,
    fields: Fields,
    *,
    merchant_id: UUID,
    excused: Callable[[Any, PayloadProblem], bool] = nothing_excused,
) -> Work | None:
    """Return the payload with its lane and handler; None after adding its faults to `fields`.

    A fault that is `excused` is looked at again when the payload is final.
    """
    kind = known_kind(kind_name, fields)
    if kind is None or too_large(payload, fields) or _refuse_masks(kind.name, payload, fields):
        return None
    try:
        kind.admit(payload, merchant_id)
        kind.validate(payload)
    except InvalidPayload as error:
        problems = [
            FieldProblem(
                f"{fields.pointer}/payload{problem.pointer}",
                "invalid_payload",
                f'"payload{problem.pointer}" {problem.message}',
            )
            for problem in error.problems
            if not excused(payload, problem)
        ]
        fields.problems += problems
        if problems:
            return None
    return Work(
        kind=kind.name, payload=payload, lane=kind.lane(payload), handler=kind.handler(payload)
    )


def own_retries(work: Work, fields: Fields) -> dict[str, Any]:
    """Return the columns of the handler's retry policy that `fields` names nothing for."""
    wished = find_kind(work.kind).retries(work.payload)
    columns: dict[str, Any] = {}
    if wished.max_attempts is not None and "max_attempts" not in fields:
        columns["max_attempts"] = wished.max_attempts
    if wished.backoff is not None and fields.data.get("backoff") is None:
        columns["backoff"] = asdict(wished.backoff)
    return columns


def asked_for(fields: Fields) -> tuple[str, Any] | None:
    """Return the kind and payload that a body names; None after adding what is missing."""
    if "kind" not in fields:
        fields.refuse("kind", "required", "is required: say what kind of job this is.")
        return None
    if "payload" not in fields:
        fields.refuse("payload", "required", "is required: say what the job is to do.")
        return None
    kind = fields.data["kind"]
    if not isinstance(kind, str):
        fields.refuse("kind", "wrong_type", "must be a text.")
        return None
    return kind, fields.data["payload"]


def known_kind(name: str, fields: Fields) -> Kind | None:
    """Return the kind; None after adding to `fields` that there is none of that name."""
    try:
        return find_kind(name)
    except UnknownKind as error:
        fields.problems.append(FieldProblem(f"{fields.pointer}/kind", "unknown_kind", str(error)))
        return None


def too_large(payload: Any, fields: Fields) -> bool:
    """Tell whether a payload is larger than any may be, after adding that to `fields`."""
    if not isinstance(payload, dict) or json_size(payload) <= MAX_PAYLOAD:
        return False
    fields.refuse("payload", "too_large", f"must have at most {MAX_PAYLOAD // 1024} KiB as JSON.")
    return True


def _refuse_masks(kind: str, payload: Any, fields: Fields) -> bool:
    """Add a fault for every mask that would be sent as it is; tell whether there was one."""
    paths = ["/".join(map(pointer_token, path)) for path in masks_left(kind, payload)]
    fields.problems += [
        FieldProblem(
            f"{fields.pointer}/payload/{path}",
            "masked_value",
            f'"payload/{path}" holds {MASK}, which stands for a hidden value; send the value '
            "itself. A hidden value is kept only while the URL's scheme, host and port stay, or "
            "the destination.",
        )
        for path in paths
    ]
    return bool(paths)
