"""Who may read /metrics: whoever has the token, and nobody else where there is one.

Without a token nobody may, but for a developer's own machine. A reverse proxy on the same machine
makes every request come from loopback, and need not leave a trace; so production takes no address
for a proof.
"""

import ipaddress
from enum import Enum, auto
from hmac import compare_digest
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from tenants.addresses import client_address

# What proxies add. Any of them, and the peer is not who asks.
_FORWARDED: Final = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


class Access(Enum):
    """What a request gets to see."""

    GRANTED = auto()
    NO_TOKEN = auto()  # there is a token, and the request does not bear it
    HIDDEN = auto()  # there is none, and the request comes from elsewhere


def access(request: HttpRequest) -> Access:
    """Return whether this request may read the metrics."""
    if settings.METRICS_TOKEN:
        return Access.GRANTED if _bears(request, settings.METRICS_TOKEN) else Access.NO_TOKEN
    return Access.GRANTED if _is_developers_own(request) else Access.HIDDEN


def _bears(request: HttpRequest, token: str) -> bool:
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())


def _is_developers_own(request: HttpRequest) -> bool:
    if settings.PRODUCTION or settings.TRUSTED_PROXIES:
        return False
    if any(name in request.META for name in _FORWARDED):
        return False
    host, _ = split_domain_port(request.get_host())
    # A tunnel to this machine keeps the name under which it was asked.
    return _is_loopback(client_address(request.META, trusted_proxies=0)) and (
        host == "localhost" or _is_loopback(host.strip("[]"))
    )


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
