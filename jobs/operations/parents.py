"""What a producer says of a new job's parents: which, how they must end, and what it takes of them."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from jobs.conditions import MAX_LENGTH, InvalidCondition, check_condition, unknown_names
from jobs.filling import BadPlaceholder, names_in
from jobs.handlers.registry import PayloadProblem
from jobs.operations.fields import FieldProblem, Fields
from jobs.states import Needs

MAX_PARENTS = 100
MAX_REF = 64
FAMILY_FIELDS = ("ref", "depends_on", "condition")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAME_RULE = "must be 1 to 64 letters, digits or underscores, and not begin with a digit."


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """A job that is to end first: a stored one by its id, or one of the same batch by its ref."""

    job: UUID | None
    ref: str
    name: str
    needs: str
    pointer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Where a new job stands in a graph."""

    ref: str = ""
    parents: tuple[Parent, ...] = ()
    condition: str = ""
    draws_on_parents: bool = False
    pointer: str = field(default="", compare=False)


NO_FAMILY = Family()


def read_family(fields: Fields) -> Family:
    """Return what a body says of its job's parents; look at the fields' problems before using it."""
    ref = _ref(fields)
    parents = _parents(fields)
    condition = fields.text("condition", longest=MAX_LENGTH)
    if condition:
        _check_condition(condition, parents, fields)
    drawn = drawn_names(fields, [parent.name for parent in parents]) if parents else frozenset()
    return Family(
        ref=ref,
        parents=tuple(parents),
        condition=condition,
        draws_on_parents=bool(condition or drawn),
        pointer=fields.pointer,
    )


def drawn_names(fields: Fields, names: Collection[str]) -> frozenset[str]:
    """Return the names of the parents that the payload speaks of; refuse others than `names`."""
    try:
        drawn = names_in(fields.data.get("payload"))
    except BadPlaceholder as fault:
        sentence = (
            f'holds "{fault.text}", which cannot be read; write '
            "{{ parents.NAME.result.FIELD }}, .status or .error."
        )
        fields.refuse("payload", "invalid_placeholder", sentence)
        return frozenset()
    for name in unknown_names(drawn, names):
        fields.refuse(
            "payload", "unknown_parent", f'speaks of "parents.{name}"; {_known_parents(names)}'
        )
    return drawn


def filled_later(payload: Any, problem: PayloadProblem) -> bool:
    """Tell whether a fault is of a text that its parents' results have yet to fill in."""
    value = payload
    for token in problem.pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return isinstance(value, str) and bool(names_in(value))


def _ref(fields: Fields) -> str:
    ref = fields.text("ref", longest=MAX_REF)
    if ref and not _NAME.fullmatch(ref):
        fields.refuse("ref", "invalid_name", _NAME_RULE)
    return ref


def _parents(fields: Fields) -> list[Parent]:
    asked = fields.data.get("depends_on", [])
    if not isinstance(asked, list):
        fields.refuse("depends_on", "wrong_type", 'must be a list such as [{"job": "…"}].')
        return []
    if len(asked) > MAX_PARENTS:
        fields.refuse("depends_on", "too_many", f"must have at most {MAX_PARENTS} items.")
        return []
    found = [
        _parent(each, f"{fields.pointer}/depends_on/{place}", fields)
        for place, each in enumerate(asked)
    ]
    parents = [parent for parent in found if parent is not None]
    _refuse_twice(parents, fields)
    return parents


def _parent(asked: Any, pointer: str, fields: Fields) -> Parent | None:
    inner = Fields(asked, ("job", "on", "as"), pointer)
    if "job" not in inner and not inner.problems:
        inner.refuse("job", "required", "is required: an id, or the ref of a job of this batch.")
    job = inner.text("job", longest=MAX_REF)
    needs = inner.choice("on", Needs.SUCCESS, options=[*Needs]) if "on" in inner else Needs.SUCCESS
    name = inner.text("as", longest=MAX_REF)
    if name and not _NAME.fullmatch(name):
        inner.refuse("as", "invalid_name", _NAME_RULE)
    identity = _identity(job)
    if identity is None and not _NAME.fullmatch(job) and not inner.problems:
        inner.refuse("job", "invalid_id", "must be a job's id, or the ref of a job of this batch.")
    fields.problems += inner.problems
    if inner.problems:
        return None
    name = name or (str(identity) if identity else job)
    return Parent(job=identity, ref=job, name=name, needs=str(needs), pointer=f"{pointer}/job")


def _identity(text: str) -> UUID | None:
    """Return the id that a text writes with its dashes: without them it may be a ref."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def _refuse_twice(parents: list[Parent], fields: Fields) -> None:
    jobs: set[UUID | str] = set()
    names: set[str] = set()
    for parent in parents:
        identity = parent.job or parent.ref
        if identity in jobs or parent.name in names:
            sentence = '"job" is named twice; every job and every name may stand here once.'
            fields.problems.append(FieldProblem(parent.pointer, "repeated", sentence))
        jobs.add(identity)
        names.add(parent.name)


def _check_condition(condition: str, parents: list[Parent], fields: Fields) -> None:
    if not parents:
        fields.refuse("condition", "conflict", 'needs "depends_on": it looks at parents\' results.')
        return
    try:
        named = check_condition(condition)
    except InvalidCondition as fault:
        fields.refuse("condition", "invalid_condition", str(fault))
        return
    names = [parent.name for parent in parents]
    for name in unknown_names(named, names):
        fields.refuse(
            "condition", "unknown_parent", f'speaks of "parents.{name}"; {_known_parents(names)}'
        )


def _known_parents(names: Collection[str]) -> str:
    return f"its parents are {', '.join(sorted(names)[:5])}."
