"""Which addresses an HTTP job may reach. Pure: no name is resolved, nothing is connected to.

The table is our own (IANA special-purpose registries, RFC 6890, plus cloud metadata services):
`ipaddress.is_global` calls multicast, NAT64, 6to4 and Azure's 168.63.129.16 global.
"""

import ipaddress
from dataclasses import dataclass

from jobs.engine import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_DENIED_IPV4 = tuple(
    (ipaddress.IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's shared network"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud platform's service"),
        ("169.254.0.0/16", "link-local or a cloud metadata service"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "a protocol assignment or a cloud metadata service"),
        ("192.0.2.0/24", "a documentation network"),
        ("192.31.196.0/24", "a special-purpose network"),
        ("192.52.193.0/24", "a special-purpose network"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("192.175.48.0/24", "a special-purpose network"),
        ("198.18.0.0/15", "a benchmarking network"),
        ("198.51.100.0/24", "a documentation network"),
        ("203.0.113.0/24", "a documentation network"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "a reserved network"),
    )
)
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_DENIED_IPV6 = tuple(
    (ipaddress.IPv6Network(network), what)
    for network, what in (
        ("2001::/23", "a special-purpose network"),  # Teredo, ORCHID, benchmarking
        ("2001:db8::/32", "a documentation network"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "a special-purpose network"),
        ("3fff::/20", "a documentation network"),
    )
)
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_METADATA_LABELS = frozenset({"metadata", "instance-data"})
_LOCAL_SUFFIXES = frozenset(
    {"localhost", "local", "internal", "localdomain", "lan", "home", "arpa"}
)


class AddressDenied(Exception):
    """The target lies where HTTP jobs must not go; the message is a sentence for the user.

    Not an OSError: aiohttp takes those for failed connections and tries the next address.
    """


@dataclass(frozen=True)
class AddressPolicy:
    """The deny table, with the networks that the operator opened (TASKFLOW_HTTP_ALLOW_NETWORKS)."""

    allow: tuple[Network, ...] = ()

    def refusal(self, address: str) -> str | None:
        """Return what forbids the literal `address` in a few words, None when it may be reached."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return "not an IP address"
        return self._refusal(parsed)

    def name_refusal(self, name: str) -> str | None:
        """Return what forbids a host name whatever it resolves to, None when its addresses decide.

        With an operator's allow-list, local names are left to their addresses.
        """
        labels = name.lower().rstrip(".").split(".")
        if labels[0] in _METADATA_LABELS or labels[:2] == ["kubernetes", "default"]:
            return "the name of a metadata or cluster service"
        if self.allow:
            return None
        if labels[-1] in _LOCAL_SUFFIXES:
            return "a name of a local network"
        if len(labels) == 1:
            return "a name without a domain"
        return None

    def _refusal(self, address: Address) -> str | None:
        if isinstance(address, ipaddress.IPv6Address):
            if address.scope_id:
                return "an address with a zone"
            if address.ipv4_mapped:
                return self._refusal(address.ipv4_mapped)
        if any(address in network for network in self.allow):
            # An opened translation prefix must not reach what it translates to and is not opened.
            inner = _translated(address)
            return self._refusal(inner) if inner else None
        return _listed(address)


def _listed(address: Address) -> str | None:
    if isinstance(address, ipaddress.IPv4Address):
        return next((what for network, what in _DENIED_IPV4 if address in network), None)
    if address.is_loopback:
        return "loopback"
    if address not in _PUBLIC_IPV6:
        return "not a public IPv6 network"
    return next((what for network, what in _DENIED_IPV6 if address in network), None)


def _translated(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a compatible, NAT64 or 6to4 address stands for."""
    if not isinstance(address, ipaddress.IPv6Address) or address.is_loopback:
        return None
    if address.sixtofour:
        return address.sixtofour
    if address in _IPV4_COMPATIBLE or any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
