"""What a Valkey, a network or a certificate may refuse: each has a code, and no secret in it."""

import asyncio
import os
import socket
from urllib.parse import urlsplit

import pytest
import redis

from jobs.handlers.publish.destinations import Exchange, RedisList, RedisStream
from jobs.outcomes import Result
from tests.publish_kit import (
    destination,
    failure,
    publish_attempt,
    publish_runner,
    published,
    run_publish,
)

LIST = RedisList(key="tests:list")


@pytest.fixture
def refused(settings):
    """Publish one message to a destination; gives the failure's code and reach."""

    def publish(url, target=LIST):
        settings.TASKFLOW_DESTINATIONS = {"there": destination(url, target)}
        outcome = published(publish_attempt({"text": "x"}))
        password = urlsplit(url).password
        assert password not in repr(outcome)
        result, code, reach = failure(outcome)
        assert result is Result.FAILED
        return code, reach

    return publish


def test_wrong_password_is_told_as_such(refused, redis_url):
    parts = urlsplit(redis_url)
    assert refused(f"redis://:hunter2@{parts.hostname}:{parts.port}/0") == (
        "access_refused",
        "not_sent",
    )


def test_missing_right_is_told_as_such(refused, redis_url, valkey):
    valkey.acl_setuser(
        "limited", enabled=True, passwords=["+hunter2"], keys=["other:*"], commands=["+@all"]
    )
    try:
        parts = urlsplit(redis_url)
        found = refused(f"redis://limited:hunter2@{parts.hostname}:{parts.port}/0")
    finally:
        valkey.acl_deluser("limited")
    assert found == ("access_refused", "not_sent")


def test_key_of_another_type_is_told_as_such(refused, redis_url, valkey):
    valkey.set("tests:list", "a string")
    assert refused(redis_url) == ("wrong_key_type", "not_sent")
    stream = RedisStream(key="tests:list")
    assert refused(redis_url, stream) == ("wrong_key_type", "not_sent")
    assert valkey.get("tests:list") == b"a string"


@pytest.mark.parametrize("target", [LIST, Exchange(routing_key="tests.queue")])
def test_full_memory_is_told_as_such(refused, redis_url, valkey, target):
    valkey.config_set("maxmemory", "1mb")
    try:
        found = refused(redis_url, target)
    finally:
        valkey.config_set("maxmemory", "0")
    assert found == ("broker_full", "not_sent")


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_refused_connection_is_told_as_such(refused, scheme):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"{scheme}://u:hunter2@127.0.0.1:{taken.getsockname()[1]}/0"
        assert refused(url, LIST if scheme == "redis" else Exchange(routing_key="q")) == (
            "connection_refused",
            "not_sent",
        )


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_name_without_an_address_is_told_as_such(refused, monkeypatch, scheme):
    def nobody(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)  # else a name server would be asked
    target = LIST if scheme == "redis" else Exchange(routing_key="q")
    assert refused(f"{scheme}://u:hunter2@no.such.host.invalid/0", target) == (
        "dns_failure",
        "not_sent",
    )


# -- forks -------------------------------------------------------------------------------------


def test_forked_child_opens_its_own_connection(settings, redis_url, valkey: redis.Redis):
    settings.TASKFLOW_DESTINATIONS = {"there": destination(redis_url, LIST)}
    loop = asyncio.new_event_loop()

    async def send(runner):
        outcome = await run_publish(runner, publish_attempt({"json": os.getpid()}))
        return outcome.result is Result.SUCCEEDED

    async def all_of_it():
        async with publish_runner() as runner:
            assert await send(runner)
            child = os.fork()
            if child == 0:
                asyncio.set_event_loop(None)
                asyncio._set_running_loop(None)
                os._exit(0 if asyncio.run(send(runner)) else 1)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            before = valkey.info("stats")["total_connections_received"]
            assert await send(runner)
            opened = valkey.info("stats")["total_connections_received"] - before
        return status, opened

    try:
        status, opened = loop.run_until_complete(all_of_it())
    finally:
        loop.close()
    assert os.waitstatus_to_exitcode(status) == 0
    assert opened == 0  # the parent's connection was left alone
    assert valkey.llen("tests:list") == 3
