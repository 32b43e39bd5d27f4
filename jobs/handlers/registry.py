"""The job kinds by name: how to check a payload and how to run an attempt.

A kind is one file of this package that defines a `Kind`, listed in `KINDS` below; an app further up
the ladder registers its own when Django starts.
"""

from typing import Any
from uuid import UUID

from jobs.handlers import python_kind
from jobs.handlers.command import kind as command_kind
from jobs.handlers.http import kind as http_kind
from jobs.handlers.kinds import (
    ASYNC,
    COMMAND,
    LANES,
    PROCESS,
    InvalidPayload,
    Kind,
    PayloadProblem,
    Run,
    RunInProcess,
)
from jobs.handlers.publish import kind as publish_kind

__all__ = [
    "ASYNC",
    "COMMAND",
    "KINDS",
    "LANES",
    "PROCESS",
    "InvalidPayload",
    "Kind",
    "PayloadProblem",
    "Run",
    "RunInProcess",
    "UnknownKind",
    "at_most_once",
    "close_kinds",
    "find_host",
    "find_kind",
    "handler_names",
    "kind_names",
    "most_active",
    "register_kind",
    "validate_payload",
]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (command_kind.KIND, http_kind.KIND, publish_kind.KIND, python_kind.KIND)
}


class UnknownKind(ValueError):
    """No kind has this name; the message lists those that exist."""


def register_kind(kind: Kind) -> None:
    """Add a kind of another app; call it in `AppConfig.ready`, so that every process knows it."""
    KINDS[kind.name] = kind


def kind_names() -> tuple[str, ...]:
    """Return the names of the kinds that anybody's jobs may have, sorted."""
    return tuple(sorted(kind.name for kind in KINDS.values() if not kind.platform_only))


def find_kind(name: str) -> Kind:
    """Return the kind called `name`. Raises UnknownKind."""
    try:
        return KINDS[name]
    except (KeyError, TypeError):
        known = ", ".join(f'"{known}"' for known in kind_names())
        raise UnknownKind(f'There is no job kind "{name!s:.60}"; use one of {known}.') from None


def validate_payload(kind_name: str, payload: Any) -> None:
    """Check a payload against its kind. Raises UnknownKind or InvalidPayload."""
    find_kind(kind_name).validate(payload)


def handler_names(merchant_id: UUID | None) -> list[str]:
    """Return the functions, commands and destinations that a merchant's jobs may name, sorted.

    None: those of all merchants.
    """
    return sorted({name for kind in KINDS.values() for name in kind.handlers(merchant_id)})


def find_host(name: str) -> str | None:
    """Return the handler of jobs that call the host `name`; None when no job may."""
    hosts = (kind.host(name) for kind in KINDS.values())
    return next((host for host in hosts if host is not None), None)


def at_most_once() -> list[str]:
    """Return the handlers that must not run twice, as "kind:handler"."""
    return [f"{kind.name}:{handler}" for kind in KINDS.values() for handler in kind.at_most_once()]


def most_active() -> dict[tuple[str, str], int]:
    """Return how many attempts may be in workers' hands at once, by kind and handler."""
    return {
        (kind.name, handler): most
        for kind in KINDS.values()
        for handler, most in kind.most_active().items()
    }


async def close_kinds() -> None:
    """Close what the kinds hold for the running event loop; call it as the loop's last work."""
    for kind in KINDS.values():
        await kind.close()
