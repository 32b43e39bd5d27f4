"""Who sends this request: the header `x-api-key`, checked with one query.

Why a key is refused is only said to those who hold its secret; everybody else learns that it is
invalid. Nothing is cached, so a revocation holds from the next request on.

DRF imports this module while it defines its views: nothing here may import `rest_framework.views`.
"""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models.functions import Now
from limits import RateLimitItemPerMinute
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from apikeys.hashing import KeyParts, MalformedKey, parse_key, secret_matches
from apikeys.limiter import limiter
from apikeys.models import ApiKey
from apikeys.operations import note_use
from apikeys.principals import Producer
from apikeys.status import KeyStatus
from tenants.addresses import client_address, is_within

FAILURES_PER_ADDRESS: Final = RateLimitItemPerMinute(60)


class ApiKeyAuthentication(BaseAuthentication):
    """Makes `request.user` a Producer and `request.auth` its ApiKey."""

    def authenticate(self, request: Request) -> tuple[Producer, ApiKey] | None:
        """Return who sends the request; None without the header.

        Raises AuthenticationFailed (codes invalid_api_key, api_key_expired, api_key_revoked),
        PermissionDenied (merchant_inactive, address_not_allowed), and Throttled when too many keys
        from this address were invalid.
        """
        text = request.META.get("HTTP_X_API_KEY")
        if text is None:
            return None
        address = client_address(request.META, trusted_proxies=settings.TRUSTED_PROXIES)
        key, now = _proven_key(text, address)
        _require_usable(key, address, now)
        note_use(key=key, address=address, now=now)
        return Producer(merchant=key.merchant, key=key), key

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 9110, section 11.6.1)."""
        return "ApiKey"


def _proven_key(text: str, address: str | None) -> tuple[ApiKey, datetime]:
    """Return the key whose secret the sender holds, and the database's time."""
    try:
        parts = parse_key(text)
    except MalformedKey:
        raise _refusal(address) from None
    key, now = _known_key(parts)
    digest = key.digest if key else None
    # Unknown keys cost the same work, so that time does not tell which public ids exist.
    matches = secret_matches(parts.secret, digest, pepper=settings.API_KEY_PEPPER)
    if key is None or now is None or not matches:
        raise _refusal(address)
    return key, now


def _known_key(parts: KeyParts) -> tuple[ApiKey | None, datetime | None]:
    found: Any = (
        ApiKey.objects.filter(public_id=parts.public_id)
        .select_related("merchant")
        .annotate(database_now=Now())
        .first()
    )
    return (found, found.database_now) if found else (None, None)


def _refusal(address: str | None) -> AuthenticationFailed | Throttled:
    """Count a failure and return its error. A valid key is never held up by its neighbours'."""
    verdict = limiter().hit(FAILURES_PER_ADDRESS, "failed-authentication", address or "unknown")
    if not verdict.allowed:
        return Throttled(
            wait=verdict.retry_after,
            detail="Too many requests with an invalid API key came from this address.",
            code="too_many_failures",
        )
    return AuthenticationFailed(
        "The API key in the header x-api-key is not valid. Check that it was copied whole.",
        code="invalid_api_key",
    )


def _require_usable(key: ApiKey, address: str | None, now: datetime) -> None:
    match key.status_at(now):
        case KeyStatus.REVOKED:
            raise AuthenticationFailed(
                "This API key was revoked. Use another one.", code="api_key_revoked"
            )
        case KeyStatus.EXPIRED:
            raise AuthenticationFailed(
                "This API key has expired. Use its successor or issue a new one.",
                code="api_key_expired",
            )
    if not key.merchant.active:
        raise PermissionDenied(
            "This merchant is switched off. Ask the platform's operator.", code="merchant_inactive"
        )
    if key.allowed_networks and not is_within(address, key.allowed_networks):
        raise PermissionDenied(
            "This API key may not be used from your network address. Add the network to the key's"
            " allowed networks.",
            code="address_not_allowed",
        )
