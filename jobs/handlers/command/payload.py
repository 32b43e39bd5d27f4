"""A command job's payload: which command, and the values of its parameters."""

from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from jobs.handlers.command.allow_list import AllowList, Command
from jobs.handlers.command.words import UnusableValue
from jobs.handlers.kinds import InvalidPayload, PayloadProblem
from jobs.handlers.schemas import PayloadSchema, pointer
from jobs.handlers.text import shown

# Bytes of all words together; Linux takes more, but no more than 128 KiB in one.
MAX_ARGV: Final = 64 * 1024
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["command"],
    "additionalProperties": False,
    "properties": {
        "command": {"type": "string", "minLength": 1, "maxLength": 100},
        "arguments": {"type": "object"},
    },
}
_COMPILED = PayloadSchema(SCHEMA)


@dataclass(frozen=True)
class Call:
    """A command and the words to start it with; `argv[0]` is the program."""

    command: Command
    argv: tuple[str, ...] = field(repr=False)


def parse_payload(payload: Any, allowed: AllowList) -> Call:
    """Return the call that the payload asks for. Raises InvalidPayload."""
    _COMPILED.check(payload)
    if not allowed.is_on:
        _refuse("/command", "cannot run: command jobs are switched off on this platform.")
    command = allowed.commands.get(payload["command"])
    if command is None:
        # Not the known ones: their names may tell one merchant of another's work.
        name = shown(payload["command"])
        _refuse("/command", f'is not a command that the operator allows ("{name}").')
    arguments = payload.get("arguments", {})
    command.arguments.check(arguments, "/arguments")
    values = {**command.defaults, **arguments}
    try:
        words = [word.filled(values) for word in command.words]
    except UnusableValue as error:
        _refuse(pointer("/arguments", error.name), str(error))
    if sum(len(word.encode()) for word in words) > MAX_ARGV:
        _refuse("/arguments", f"make a command line of more than {MAX_ARGV} bytes; shorten them.")
    return Call(command, (command.program, *words))


def _refuse(at: str, message: str) -> NoReturn:
    raise InvalidPayload((PayloadProblem(at, message),))
