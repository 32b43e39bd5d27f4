"""The client's address, which decides over allow-lists, cannot be forged."""

import pytest
from django.core.exceptions import ValidationError

from apikeys.networks import validate_network
from tenants.addresses import client_address, is_within


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9, nonsense", None),
        (1, "198.51.100.7:4711", "198.51.100.7"),
        (1, "[2001:db8::7]:4711", "2001:db8::7"),
        (1, "2001:0DB8::0007", "2001:db8::7"),
        (1, "::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(proxies, forwarded, expected):
    meta = {"REMOTE_ADDR": "192.0.2.1"}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    assert client_address(meta, trusted_proxies=proxies) == expected


def test_a_peer_without_an_address_has_none():
    assert client_address({"REMOTE_ADDR": ""}, trusted_proxies=0) is None


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("192.0.2.1", ["192.0.2.0/24"], True),
        ("192.0.3.1", ["192.0.2.0/24"], False),
        ("192.0.2.1", ["2001:db8::/32", "192.0.2.1/32"], True),
        ("2001:db8::1", ["2001:db8::/32"], True),
        ("2001:db8::1", ["0.0.0.0/0"], False),
        (None, ["0.0.0.0/0", "::/0"], False),
    ],
)
def test_an_address_is_within_its_own_networks_only(address, networks, expected):
    assert is_within(address, networks) is expected


@pytest.mark.parametrize("text", ["192.0.2.1/24", "300.0.0.0/8", "example.org", "", "10.0.0.0/33"])
def test_a_network_that_is_none_is_refused_with_the_remedy(text):
    with pytest.raises(ValidationError, match="CIDR notation such as"):
        validate_network(text)
