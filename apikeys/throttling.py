"""How much a merchant may ask of the API in a minute, all its keys together.

DRF imports this module while it defines its views: nothing here may import `rest_framework.views`.
"""

from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apikeys.limiter import Verdict, limiter
from apikeys.principals import Producer

if TYPE_CHECKING:
    from rest_framework.views import APIView


class MerchantRateThrottle(BaseThrottle):
    """Answers 429 with Retry-After beyond `merchant.requests_per_minute` (a sliding minute)."""

    def __init__(self) -> None:
        self._verdict = Verdict(allowed=True)

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count the request; those without a producer are counted elsewhere."""
        if isinstance(request.user, Producer):
            merchant = request.user.merchant
            limit = RateLimitItemPerMinute(merchant.requests_per_minute)
            self._verdict = limiter().hit(limit, "merchant", str(merchant.pk))
        return self._verdict.allowed

    def wait(self) -> float | None:
        """Return after how many seconds to come back; None when the request passed."""
        return None if self._verdict.allowed else self._verdict.retry_after
