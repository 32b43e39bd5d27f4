"""Which URLs HTTP jobs may have: every spelling of a denied place is refused at creation."""

from typing import Any

import pytest

from jobs.engine import Engine
from jobs.handlers.http.kind import HttpRunner
from jobs.handlers.http.policy import AddressDenied
from jobs.handlers.http.target import InvalidTarget, parse_target
from jobs.handlers.kinds import InvalidPayload
from tests.security.address_policies import CLOSED, OPEN_LOOPBACK

DENIED_URLS = [
    "http://127.0.0.1/",
    "http://127.0.0.1:6379/",
    "HTTP://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://①②⑦.0.0.1/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "https://10.0.0.1:8443/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://a.localhost/",
    "http://printer.local/",
    "http://vault.internal/",
    "http://metadata/",
    "http://metadata.google.internal/",
    "http://metadata.goog./",
    "http://instance-data/latest",
    "http://kubernetes.default.svc/",
    "http://redis/",
    "http://postgres:5432/",
]
INVALID_URLS = [
    "",
    "//example.com/",
    "example.com",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:6379/_x",
    "http:example.com",
    "http:/example.com",
    "http:///path",
    "http://:80/",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://exa mple.com/",
    " http://example.com/",
    "http://example.com/\t",
    "http://example.com/\r\nHost: x",
    "http://example.com/\x00",
    "http://example.com/\u0085",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:999999/",
    "http://example.com:+80/",
    "http://example.com:\uff18\uff10/",
    "http://example.com:8o/",
    "http://example.com:80:80/",
    "http://[::1/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    "http://a..example.com/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%2f.example.com/",
    "http://-bad-.example.com/",
    "http://1.2.3.4.5/",
    "http://1.2.3.400/",
    "http://010.8.8.8/",
    f"http://{'a' * 64}.example.com/",
    f"http://{'a.' * 127}example.com/",
]


@pytest.mark.parametrize("url", DENIED_URLS)
def test_url_that_names_a_denied_place_is_refused_at_creation(url: str) -> None:
    with pytest.raises(AddressDenied):
        parse_target(url, CLOSED)


@pytest.mark.parametrize("url", INVALID_URLS)
def test_url_that_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(InvalidTarget):
        parse_target(url, CLOSED)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com", "example.com"),
        ("https://EXAMPLE.com:8443/a?b=c#d", "example.com"),
        ("https://a-b.example.co.uk./", "a-b.example.co.uk."),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("http://8.8.8.8:65535/", "8.8.8.8"),
        ("http://[2606:4700::1111]:1/", "2606:4700::1111"),
        ("http://example.com/@x?y=@z#@", "example.com"),
        ("http://example.com#@127.0.0.1/", "example.com"),
        ("http://127.0.0.1.example.com/", "127.0.0.1.example.com"),
        ("http://1.2.3.4x/", "1.2.3.4x"),
    ],
)
def test_public_url_is_accepted_with_the_host_it_will_be_sent_to(url: str, host: str) -> None:
    assert parse_target(url, CLOSED).raw_host == host


def test_allow_list_leaves_local_names_to_their_addresses_but_never_metadata_names() -> None:
    assert parse_target("http://localhost:8000/", OPEN_LOOPBACK).raw_host == "localhost"
    assert parse_target("http://127.0.0.1:8000/", OPEN_LOOPBACK).raw_host == "127.0.0.1"
    with pytest.raises(AddressDenied):
        parse_target("http://metadata.google.internal/", OPEN_LOOPBACK)
    with pytest.raises(AddressDenied):
        parse_target("http://192.168.0.1/", OPEN_LOOPBACK)


def test_creation_names_the_field_of_a_denied_url(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = Engine()
    with pytest.raises(InvalidPayload) as refused:
        HttpRunner().validate({"url": "http://127.0.0.1/secret?token=abc"})
    (problem,) = refused.value.problems
    assert problem.pointer == "/url"
    assert "127.0.0.1" in problem.message
    assert "abc" not in problem.message
