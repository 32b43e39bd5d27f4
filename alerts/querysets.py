"""Filters over what alerts keep. A row without a merchant is the platform's: only super admins see it."""

from typing import TYPE_CHECKING, Self

from tenants.scoping import MerchantOwnedQuerySet

if TYPE_CHECKING:
    from alerts.models import (  # noqa: F401 - named in type arguments
        Channel,
        Delivery,
        EscalationPolicy,
        Incident,
        Rule,
    )


class ChannelQuerySet(MerchantOwnedQuerySet["Channel"]):
    """Where messages go."""


class PolicyQuerySet(MerchantOwnedQuerySet["EscalationPolicy"]):
    """Who is told, in which order."""


class RuleQuerySet(MerchantOwnedQuerySet["Rule"]):
    """What counts as trouble."""


class IncidentQuerySet(MerchantOwnedQuerySet["Incident"]):
    """Trouble that was found."""

    def unresolved(self) -> Self:
        """Return those that are not over."""
        return self.exclude(state="resolved")


class DeliveryQuerySet(MerchantOwnedQuerySet["Delivery"]):
    """Messages."""
