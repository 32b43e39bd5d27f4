"""Who makes an API request."""

from dataclasses import dataclass
from typing import Literal

from apikeys.models import ApiKey
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
