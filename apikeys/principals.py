"""Who makes an API request."""

from dataclasses import dataclass
from typing import Literal

from rest_framework.request import Request

from apikeys.models import ApiKey
from tenants.audit import Actor, ActorKind
from tenants.audit.actor import address_of
from tenants.models import Merchant


@dataclass(frozen=True, slots=True)
class Producer:
    """A service of a merchant that proved itself with a key; `request.user` in the API."""

    merchant: Merchant
    key: ApiKey

    @property
    def is_authenticated(self) -> Literal[True]:
        """Always true; Django and DRF ask."""
        return True

    @property
    def is_anonymous(self) -> Literal[False]:
        """Always false; Django and DRF ask."""
        return False


def producing(producer: Producer, request: Request) -> Actor:
    """Return the actor of a request that proved itself with a key."""
    return Actor(
        kind=ActorKind.API_KEY,
        name=producer.key.name,
        id=producer.key.pk,
        address=address_of(request),
    )
