"""Which addresses HTTP jobs may go to: the table of denied networks, and what opens some of them."""

import ipaddress

import pytest

from jobs.handlers.http.policy import AddressPolicy
from tests.security.address_policies import CLOSED, OPEN_LOOPBACK

DENIED_IPV4 = [
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "10.0.0.0",
    "10.1.2.3",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.20.1.1",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.0",
    "224.0.0.1",
    "239.1.1.1",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
]
DENIED_IPV6 = [
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "3ffe::1",
]


@pytest.mark.parametrize("address", DENIED_IPV4 + DENIED_IPV6)
def test_special_address_is_denied(address: str) -> None:
    assert CLOSED.refusal(address) is not None


@pytest.mark.parametrize("address", ALLOWED)
def test_public_address_is_allowed(address: str) -> None:
    assert CLOSED.refusal(address) is None


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "1.2.3.4.5", "٨.8.8.8"])
def test_what_is_no_address_is_denied(text: str) -> None:
    assert CLOSED.refusal(text) is not None


def test_allow_list_opens_its_network_and_nothing_beside_it() -> None:
    assert OPEN_LOOPBACK.refusal("127.0.0.1") is None
    assert OPEN_LOOPBACK.refusal("::ffff:127.0.0.1") is None
    for bystander in ("::1", "::127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"):
        assert OPEN_LOOPBACK.refusal(bystander) is not None


def test_opened_nat64_prefix_still_does_not_translate_to_denied_addresses() -> None:
    nat64 = AddressPolicy((ipaddress.ip_network("64:ff9b::/96"),))
    assert nat64.refusal("64:ff9b::808:808") is None
    assert nat64.refusal("64:ff9b::7f00:1") is not None
    assert nat64.refusal("64:ff9b::a9fe:a9fe") is not None
