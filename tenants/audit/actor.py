"""Who does something, and from where: a small value that is built at the edge and handed down."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from tenants.addresses import client_address

if TYPE_CHECKING:
    from tenants.models import User


class ActorKind(StrEnum):
    """What sort of actor did something."""

    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who does something. `name`: a person's e-mail, a key's name, or what in the platform acts.

    `address`: the IP address of the request, None when there is none or it cannot be known.
    """

    kind: ActorKind
    name: str
    id: UUID | None = None
    address: str | None = None

    @property
    def shown(self) -> str:
        """How the actor is named where people read who did something; at most 200 characters."""
        return (f"API key {self.name}" if self.kind is ActorKind.API_KEY else self.name)[:200]


SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, name="system")


def person(user: "User", request: HttpRequest | None = None) -> Actor:
    """Return the actor of a logged-in person, with the address of the request."""
    return Actor(
        kind=ActorKind.USER,
        name=user.email,
        id=user.pk,
        address=address_of(request) if request is not None else None,
    )


def address_of(request: Any) -> str | None:
    """Return the IP address of a request, as the trusted proxies saw it; None when unknown."""
    return client_address(request.META, trusted_proxies=settings.TRUSTED_PROXIES)
