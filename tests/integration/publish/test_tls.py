"""A broker's certificate and host name are always checked: kombu by itself takes any on Redis."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from jobs.handlers.publish.destinations import Exchange, RedisList
from jobs.outcomes import Result
from tests.amqp_broker import Script, amqp_broker
from tests.certificates import self_signed
from tests.publish_kit import (
    destination,
    failure,
    publish_attempt,
    publish_runner,
    run_publish,
)


async def copy(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        return
    finally:
        writer.close()


@asynccontextmanager
async def tls_before(port, certificate):
    """Serve TLS before a plain port of loopback; gives the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def certificates(tmp_path):
    """Certificates of the broker's host and of another, by name."""
    return {host: self_signed(tmp_path, host) for host in ("localhost", "other.example")}


def to_valkey(settings, redis_url, valkey, certificate, ca_file):
    """Publish by TLS to the Valkey of this run; gives the outcome and what arrived."""
    parts = urlsplit(redis_url)

    async def talk():
        async with publish_runner() as runner, tls_before(parts.port, certificate) as port:
            url = f"rediss://:{parts.password}@localhost:{port}/0"
            there = destination(url, RedisList(key="tests:list"), ca_file=ca_file)
            settings.TASKFLOW_DESTINATIONS = {"there": there}
            outcome = await run_publish(runner, publish_attempt({"text": "x"}))
            await runner.close()
            return outcome

    return asyncio.run(talk()), valkey.llen("tests:list")


def to_amqp(settings, certificate, ca_file):
    """Publish by TLS to a scripted broker; gives the outcome and what arrived."""
    script = Script()

    async def talk():
        async with amqp_broker(script) as server, publish_runner() as runner:
            plain = urlsplit(server.url).port
            async with tls_before(plain, certificate) as port:
                url = f"amqps://taskflow:hunter2@localhost:{port}/shop"
                there = destination(url, Exchange(routing_key="q"), ca_file=ca_file)
                settings.TASKFLOW_DESTINATIONS = {"there": there}
                outcome = await run_publish(runner, publish_attempt({"text": "x"}))
                await runner.close()
                return outcome

    return asyncio.run(talk()), len(script.arrived)


def test_certificate_that_is_trusted_lets_the_message_through(
    settings, redis_url, valkey, certificates
):
    shown = certificates["localhost"]
    for outcome, arrived in (
        to_valkey(settings, redis_url, valkey, shown, str(shown)),
        to_amqp(settings, shown, str(shown)),
    ):
        assert (outcome.result, arrived) == (Result.SUCCEEDED, 1)


@pytest.mark.parametrize(
    ("shown", "trusted"),
    [("localhost", None), ("localhost", "other.example"), ("other.example", "other.example")],
)
def test_certificate_of_nobody_known_or_of_another_host_is_refused(
    settings, redis_url, valkey, certificates, shown, trusted
):
    ca_file = str(certificates[trusted]) if trusted else ""
    for outcome, arrived in (
        to_valkey(settings, redis_url, valkey, certificates[shown], ca_file),
        to_amqp(settings, certificates[shown], ca_file),
    ):
        assert failure(outcome) == (Result.FAILED, "tls_failure", "not_sent")
        assert arrived == 0
