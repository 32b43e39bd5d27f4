"""The operator's allow-list: which commands there are, how they are called, what they may use."""

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

from jobs.handlers.command.allow_list_schema import SCHEMA
from jobs.handlers.command.limits import Limits
from jobs.handlers.command.words import InvalidWord, Word, parse_word
from jobs.handlers.schemas import InvalidSchema, PayloadSchema
from jobs.handlers.text import shown
from jobs.strict_json import MalformedJson, read_json

ALL_MERCHANTS: Final = "all"
_CLOSED: Final = ("", "proc", "dev", "sys")
_SCALARS: Final = {"type": ["string", "number", "boolean"]}
_COMPILED = PayloadSchema(SCHEMA)


class InvalidAllowList(ValueError):
    """The allow-list cannot be used; the message names the file and every fault that was found."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One allowed command. `merchants` is None when everybody may use it; `timeout` is seconds."""

    name: str
    program: str
    words: tuple[Word, ...]
    arguments: PayloadSchema
    defaults: Mapping[str, Any]
    environment: Mapping[str, str] = field(repr=False)
    readable: tuple[str, ...]
    merchants: frozenset[UUID] | None
    limits: Limits
    timeout: float | None
    permanent_exit_codes: frozenset[int]

    def allows(self, merchant_id: UUID) -> bool:
        """Tell whether the merchant's jobs may use the command."""
        return self.merchants is None or merchant_id in self.merchants


@dataclass(frozen=True, kw_only=True)
class AllowList:
    """All commands by name; empty when command jobs are switched off.

    `bubblewrap` is the path of the sandbox's program, "" for the one on the PATH.
    """

    commands: Mapping[str, Command] = field(default_factory=dict)
    bubblewrap: str = ""

    @property
    def is_on(self) -> bool:
        return bool(self.commands)


def read_allow_list(path: str) -> AllowList:
    """Return what the JSON file at `path` allows; nothing for "". Raises InvalidAllowList."""
    if not path:
        return AllowList()
    try:
        document = read_json(Path(path).read_bytes())
    except OSError as error:
        raise InvalidAllowList(f"cannot read {path!r} ({type(error).__name__}).") from error
    except MalformedJson as error:
        raise InvalidAllowList(f"{path!r}: {error}") from error
    try:
        return parse_allow_list(document)
    except InvalidAllowList as error:
        raise InvalidAllowList(f"{path!r}: {error}") from error


def parse_allow_list(document: Any) -> AllowList:
    """Return what the document allows. Raises InvalidAllowList."""
    problems = _COMPILED.problems(document)
    if problems:
        raise InvalidAllowList(" ".join(f"{p.pointer or '/'} {p.message}" for p in problems))
    return AllowList(
        commands={name: _command(name, given) for name, given in document["commands"].items()},
        bubblewrap=document.get("bubblewrap", ""),
    )


def _command(name: str, given: dict[str, Any]) -> Command:
    program, *templates = given["argv"]
    at = f"/commands/{name}"
    if not _is_plain_path(program):
        _refuse(f"{at}/argv/0 must be the program's absolute path, without a parameter.")
    words = tuple(_word(at, number, text) for number, text in enumerate(templates, start=1))
    parameters: dict[str, Any] = given.get("parameters", {})
    _check_parameters(at, words, parameters)
    readable = tuple(given.get("readable", ()))
    for number, path in enumerate(readable):
        # Mounted over the sandbox's own root, /proc or /dev, a folder would open it.
        if not _is_plain_path(path) or path == "/tmp" or path.split("/")[1] in _CLOSED:  # noqa: S108
            _refuse(
                f"{at}/readable/{number} must be an absolute path; not /, /tmp, /proc, /dev or /sys."
            )
    merchants = given["merchants"]
    return Command(
        name=name,
        program=program,
        words=words,
        arguments=_arguments(at, parameters),
        defaults={key: value["default"] for key, value in parameters.items() if "default" in value},
        environment=given.get("environment", {}),
        readable=readable,
        merchants=None if merchants == ALL_MERCHANTS else frozenset(map(UUID, merchants)),
        limits=Limits(**given.get("limits", {})),
        timeout=given.get("timeout"),
        permanent_exit_codes=frozenset(given.get("permanent_exit_codes", ())),
    )


def _word(at: str, number: int, template: str) -> Word:
    try:
        return parse_word(template)
    except InvalidWord as error:
        raise InvalidAllowList(f"{at}/argv/{number} {error}") from error


def _check_parameters(at: str, words: tuple[Word, ...], parameters: Mapping[str, Any]) -> None:
    used = {name for word in words for name in word.parameters()}
    for name in sorted(used - parameters.keys()):
        _refuse(f"{at}/parameters has no {shown(name)!r}, which argv uses; say what it may be.")
    for name in sorted(parameters.keys() - used):
        _refuse(f"{at}/parameters/{shown(name)} is used nowhere in argv; use or remove it.")


def _arguments(at: str, parameters: Mapping[str, Any]) -> PayloadSchema:
    """Return the schema of a payload's `arguments`: scalars that fit the operator's schemas."""
    try:
        schema = PayloadSchema(
            {
                "type": "object",
                "additionalProperties": False,
                "required": [name for name, given in parameters.items() if "default" not in given],
                "properties": {
                    name: {"allOf": [_SCALARS, given]} for name, given in parameters.items()
                },
            }
        )
    except InvalidSchema as error:
        raise InvalidAllowList(f"{at}/parameters: {error}") from error
    defaults = {name: given["default"] for name, given in parameters.items() if "default" in given}
    # What has no default is missing here, which is no fault of the defaults.
    faults = [
        problem
        for problem in schema.problems(defaults, f"{at}/parameters")
        if problem.pointer.rpartition("/")[2] in defaults
    ]
    if faults:
        _refuse(f"{faults[0].pointer}/default {faults[0].message}")
    return schema


def _is_plain_path(path: str) -> bool:
    return path.startswith("/") and os.path.normpath(path) == path and "{" not in path


def _refuse(sentence: str) -> NoReturn:
    raise InvalidAllowList(sentence)
