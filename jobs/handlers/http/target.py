"""The URL of an HTTP job: parsed once, by the parser that also sends it (yarl)."""

import ipaddress
import re
import socket
from functools import lru_cache
from typing import Any

import yarl

from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.text import shown

MAX_URL = 4096
MAX_HANDLER = 200  # characters of the column
KEPT_TARGETS = 1024

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_NOT_OF_A_HOST = re.compile(r"[/?#@\[\]]")
_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?\Z")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")


class InvalidTarget(ValueError):
    """The URL cannot be called; the message is a sentence that names the remedy."""


@lru_cache(KEPT_TARGETS)
def parse_target(url: str, policy: AddressPolicy) -> yarl.URL:
    """Return the URL to call.

    Raises InvalidTarget for what is no plain http(s) URL (RFC 3986, without user information), and
    AddressDenied for a literal address or a name that the policy refuses. Names are not resolved:
    their addresses are checked at every attempt. Pure, so the latest answers are kept.
    """
    if _FORBIDDEN.search(url):
        raise InvalidTarget("holds a space, a control character or a backslash; percent-encode it.")
    authority = _AUTHORITY.match(url)
    if authority is None:
        raise InvalidTarget('must start with "http://" or "https://".')
    _check_authority(authority[1])
    try:
        parsed = yarl.URL(url)
        host = parsed.raw_host or ""
    except ValueError:
        raise InvalidTarget("is not a valid URL; check its host and port.") from None
    if ":" in host or authority[1].startswith("["):
        _check_ipv6(host, policy)
    else:
        _check_name(host.rstrip("."), policy)
    return parsed


def host_of(url: Any) -> str:
    """Return the host of a URL as jobs are grouped by it, without its port; '' when it has none.

    Never raises: the URL may still hold a placeholder.
    """
    try:
        host = yarl.URL(url).raw_host or ""
    except (TypeError, ValueError):
        return ""
    return host.lower().rstrip(".")[:MAX_HANDLER]


def host_named(name: str, policy: AddressPolicy) -> str | None:
    """Return the host as jobs that call `name` are grouped by; None when no job may call it.

    A name may end in a dot, as fully qualified ones do; an IPv6 address goes without brackets.
    """
    if _NOT_OF_A_HOST.search(name):
        return None
    url = f"http://[{name}]/" if ":" in name else f"http://{name}/"
    try:
        parse_target(url, policy)
    except (InvalidTarget, AddressDenied):
        return None
    return host_of(url)


def _check_authority(authority: str) -> None:
    if "@" in authority:
        raise InvalidTarget(
            "must not hold a user name or password; send them in an Authorization header."
        )
    port = _PORT.match(authority)
    if port is None or (port[1] is not None and not 1 <= int(port[1]) <= 65535):
        raise InvalidTarget("has a port that is not a number from 1 to 65535.")


def _check_ipv6(host: str, policy: AddressPolicy) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise InvalidTarget("has a host in brackets that is not an IPv6 address.") from None
    _refuse(policy.refusal(host), host)


def _check_name(host: str, policy: AddressPolicy) -> None:
    if not host:
        raise InvalidTarget("names no host.")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        raise InvalidTarget("has a host that is not a valid name.")
    if not _NUMERIC.match(labels[-1]):
        _refuse(policy.name_refusal(host), host)
        return
    try:
        address = str(ipaddress.IPv4Address(host))
    except ValueError:
        # "127.1", "0x7f000001", "017700000001": the system's resolver reads all of them.
        _refuse(_legacy_refusal(host, policy), host)
        raise InvalidTarget(
            "has a host made of numbers; write an IPv4 address as four decimal numbers."
        ) from None
    _refuse(policy.refusal(address), host)


def _legacy_refusal(host: str, policy: AddressPolicy) -> str | None:
    try:
        return policy.refusal(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        return None


def _refuse(what: str | None, host: str) -> None:
    if what is not None:
        raise AddressDenied(
            f"points to {shown(host, 80)}, which is {what}; HTTP jobs reach public hosts only."
        )
