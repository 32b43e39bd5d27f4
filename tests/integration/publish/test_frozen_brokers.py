"""A broker that answers nothing holds up its own jobs only, and those not beyond their timeout."""

import asyncio
import threading

import pytest

from jobs.handlers.publish.destinations import Exchange, RedisList
from jobs.outcomes import Result
from tests.amqp_broker import CHANNEL_OPEN, CLOSE, Script, amqp_broker
from tests.handlers_kit import PATIENCE, RawServer
from tests.integration.publish.test_amqp import amqp_url
from tests.publish_kit import destination, publish_attempt, publish_runner, run_publish

FROZEN = RedisList(key="tests:frozen")


async def never(_reader, _writer):
    await asyncio.Event().wait()


def redis_url_of(server):
    return server.url.replace("http://", "redis://") + "/0"


def sending_threads(name="publish"):
    return [thread for thread in threading.enumerate() if thread.name == name]


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("timeout", [0.3, 1.0])
def test_attempt_ends_at_its_timeout_and_the_loop_goes_on(settings, timeout):
    async def talk():
        async with RawServer(never) as server, publish_runner() as runner:
            settings.TASKFLOW_DESTINATIONS = {"there": destination(redis_url_of(server), FROZEN)}
            attempt = publish_attempt({"text": "x"}, timeout=timeout)
            running = asyncio.create_task(run_publish(runner, attempt))
            turns = 0
            while not running.done():
                await asyncio.sleep(0.01)
                turns += 1
            await until(lambda: not sending_threads())
            return running.result(), turns

    outcome, turns = asyncio.run(talk())
    assert (outcome.result, outcome.failure.code) == (Result.TIMED_OUT, "timeout")
    assert outcome.failure.detail == "not_sent"
    assert turns > 1  # the loop turned while the thread was stuck


def test_threads_are_bounded_and_other_destinations_work(settings, redis_url, valkey):
    async def talk():
        async with RawServer(never) as server, publish_runner() as runner:
            settings.TASKFLOW_DESTINATIONS = {
                "there": destination(redis_url_of(server), FROZEN, connections=2),
                "elsewhere": destination(redis_url, RedisList(key="tests:list"), name="elsewhere"),
            }
            stuck = [
                asyncio.create_task(run_publish(runner, publish_attempt({"text": "x"}, timeout=2)))
                for _ in range(20)
            ]
            await until(lambda: len(sending_threads()) == 2)
            most = 0
            for number in range(20):
                other = publish_attempt({"destination": "elsewhere", "json": number})
                assert (await run_publish(runner, other)).result is Result.SUCCEEDED
                most = max(most, server.connections)
            outcomes = await asyncio.gather(*stuck)
            await until(lambda: not sending_threads())
            return outcomes, most

    outcomes, most = asyncio.run(talk())
    assert {outcome.result for outcome in outcomes} == {Result.TIMED_OUT}
    assert most == 2
    assert valkey.llen("tests:list") == 20


def test_valkey_that_freezes_in_mid_command_leaves_the_outcome_open(settings, redis_url, valkey):
    async def talk():
        settings.TASKFLOW_DESTINATIONS = {
            "there": destination(redis_url, RedisList(key="tests:list"), connections=1)
        }
        async with publish_runner() as runner:
            first = await run_publish(runner, publish_attempt({"text": "x"}))
            valkey.client_pause(60_000, all=False)  # writes only, as a failover does
            try:
                second = await run_publish(runner, publish_attempt({"text": "y"}, timeout=0.5))
            finally:
                valkey.client_unpause()
            await until(lambda: not sending_threads())
            third = await run_publish(runner, publish_attempt({"text": "z"}))
        return first, second, third

    first, second, third = asyncio.run(talk())
    assert (first.result, third.result) == (Result.SUCCEEDED, Result.SUCCEEDED)
    assert second.result is Result.TIMED_OUT
    assert second.failure.detail == "ambiguous"


def test_message_of_an_ended_attempt_does_not_leave_later(settings):
    async def talk():
        script = Script(silent_at=CHANNEL_OPEN, until=asyncio.Event())
        async with amqp_broker(script) as server, publish_runner() as runner:
            there = destination(amqp_url(server), Exchange(name="orders", routing_key="x"))
            settings.TASKFLOW_DESTINATIONS = {"there": there}
            attempt = publish_attempt({"text": "late"})
            running = asyncio.create_task(run_publish(runner, attempt))
            await until(lambda: script.silent)
            running.cancel()
            await asyncio.wait([running])
            script.until.set()
            await until(lambda: not sending_threads())
            outcome = await run_publish(runner, publish_attempt({"text": "in time"}))
            assert outcome.result is Result.SUCCEEDED
        return [arrived.body for arrived in script.arrived]

    assert asyncio.run(talk()) == [b"in time"]


def test_cancelled_attempt_that_waits_for_a_place_sends_nothing(settings):
    async def talk():
        script = Script()
        async with RawServer(never) as frozen, amqp_broker(script), publish_runner() as runner:
            settings.TASKFLOW_DESTINATIONS = {
                "there": destination(redis_url_of(frozen), FROZEN, connections=1)
            }
            first = asyncio.create_task(
                run_publish(runner, publish_attempt({"text": "1"}, timeout=1))
            )
            await until(lambda: frozen.connections == 1)
            second = asyncio.create_task(run_publish(runner, publish_attempt({"text": "2"})))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.wait([first, second])
            await until(lambda: not sending_threads())
            return first.result(), second.cancelled(), frozen.connections

    first, cancelled, connections = asyncio.run(talk())
    assert first.result is Result.TIMED_OUT
    assert cancelled
    assert connections == 1


def test_closing_does_not_wait_for_a_frozen_broker(settings):
    async def talk():
        script = Script(silent_at=CLOSE, until=asyncio.Event())
        async with amqp_broker(script) as server, publish_runner() as runner:
            there = destination(amqp_url(server), Exchange(name="orders", routing_key="x"))
            settings.TASKFLOW_DESTINATIONS = {"there": there}
            outcome = await run_publish(runner, publish_attempt({"text": "x"}))
            assert outcome.result is Result.SUCCEEDED
            await runner.close()
            left = sending_threads("publish-close")
            script.until.set()
            await until(lambda: not sending_threads("publish-close"))
            return left

    assert len(asyncio.run(talk())) == 1
