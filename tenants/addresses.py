"""From which address a request comes, and whether it lies in a network. Pure."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any


def client_address(meta: Mapping[str, Any], *, trusted_proxies: int) -> str | None:
    """Return the client's address in canonical form, or None when it cannot be known.

    Without proxies of ours it is the peer's. With n of them it is the n-th entry from the right of
    X-Forwarded-For: each proxy appends the address it saw, so whatever the client sent itself stands
    further left and is never looked at. A header with fewer entries did not pass all our proxies;
    then the peer's address counts.
    """
    peer = str(meta.get("REMOTE_ADDR") or "")
    if not trusted_proxies:
        return _canonical(peer)
    entries = str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")
    if len(entries) < trusted_proxies or entries == [""]:
        return _canonical(peer)
    return _canonical(_without_port(entries[-trusted_proxies].strip()))


def is_within(address: str | None, networks: Iterable[str]) -> bool:
    """Say whether a canonical `address` lies in one of `networks`; an unknown one lies in none."""
    if address is None:
        return False
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(network) for network in networks)


def _canonical(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is how a dual-stack socket spells an IPv4 peer.
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _, port = text.partition(":")
    return host if port.isdigit() else text
