"""Publish jobs over AMQP: publisher confirms, refusals, silences."""

import asyncio
import json

import pytest

from jobs.handlers.publish.destinations import CeleryQueue, Exchange
from jobs.outcomes import Result
from tests.amqp_broker import CHANNEL_OPEN, OPEN, PUBLISH, SELECT, START_OK, Script, amqp_broker
from tests.publish_kit import destination, publish_attempt, publish_runner, run_publish

ORDERS = Exchange(name="orders", routing_key="order.due", routing_keys=("order.*",))
PASSWORD = "hunter2"


def amqp_url(server):
    return server.url.replace("http://", f"amqp://taskflow:{PASSWORD}@") + "/shop"


@pytest.fixture
def published_by(settings):
    """Run attempts against a scripted broker; gives their outcomes."""

    def run(script, *attempts, target=ORDERS):
        async def talk():
            async with amqp_broker(script) as server, publish_runner() as runner:
                there = destination(amqp_url(server), target)
                settings.TASKFLOW_DESTINATIONS = {"there": there}
                outcomes = [await run_publish(runner, attempt) for attempt in attempts]
                return outcomes, server.connections

        outcomes, connections = asyncio.run(talk())
        assert PASSWORD not in repr(outcomes)
        assert "secret reason" not in repr(outcomes)
        return outcomes, connections

    return run


def test_message_reaches_the_exchange_and_is_confirmed(published_by):
    script = Script()
    attempt = publish_attempt(
        {"json": {"order": 17}, "headers": {"shop": "7"}, "routing_key": "order.paid"}
    )
    (outcome,), _ = published_by(script, attempt)
    assert outcome.result is Result.SUCCEEDED
    assert outcome.output["exchange"] == "orders"
    assert outcome.output["routing_key"] == "order.paid"
    (arrived,) = script.arrived
    assert (arrived.exchange, arrived.routing_key) == ("orders", "order.paid")
    assert arrived.mandatory
    assert json.loads(arrived.body) == {"order": 17}
    assert arrived.properties["delivery_mode"] == 2  # persistent
    assert arrived.properties["content_type"] == "application/json"
    assert arrived.properties["message_id"] == str(attempt.job_id)
    headers = arrived.properties["application_headers"]
    assert headers["shop"] == "7"
    assert headers["Idempotency-Key"] == str(attempt.job_id)


def test_call_of_a_celery_task_goes_to_its_queue(published_by):
    script = Script()
    attempt = publish_attempt({"task": "shop.close", "args": [1]})
    target = CeleryQueue(queue="shop", tasks=("shop.close",))
    (outcome,), _ = published_by(script, attempt, target=target)
    assert outcome.result is Result.SUCCEEDED
    (arrived,) = script.arrived
    assert (arrived.exchange, arrived.routing_key) == ("", "shop")
    assert arrived.properties["application_headers"]["task"] == "shop.close"
    assert arrived.properties["correlation_id"] == str(attempt.job_id)


@pytest.mark.parametrize(
    ("reaction", "result", "code"),
    [
        ("nack", Result.FAILED, "not_confirmed"),
        ("return", Result.FAILED, "unroutable"),
        ("403", Result.FAILED, "access_refused"),
        ("404", Result.FAILED, "no_exchange"),
        ("406", Result.REJECTED, "message_refused"),
    ],
)
def test_refusal_of_the_broker_has_a_code_and_is_not_taken_for_sent(
    published_by, reaction, result, code
):
    (outcome,), _ = published_by(Script(on_publish=reaction), publish_attempt({"text": "x"}))
    assert (outcome.result, outcome.failure.code) == (result, code)
    assert outcome.failure.detail == "not_sent"
    assert "there" in outcome.failure.message


def test_refused_login_is_told_without_the_password(published_by):
    script = Script(refuse_login=True)
    (outcome,), connections = published_by(script, publish_attempt({"text": "x"}))
    assert connections == 1  # one attempt, one try
    assert (outcome.result, outcome.failure.code) == (Result.FAILED, "access_refused")


@pytest.mark.parametrize("method", [START_OK, OPEN, CHANNEL_OPEN, SELECT, PUBLISH])
def test_silent_broker_ends_the_attempt_at_its_timeout(published_by, method):
    script = Script(silent_at=method)
    (outcome,), _ = published_by(script, publish_attempt({"text": "x"}, timeout=0.5))
    assert outcome.result is Result.TIMED_OUT
    before = method in (START_OK, OPEN, CHANNEL_OPEN)
    assert outcome.failure.detail == ("not_sent" if before else "ambiguous")


def test_messages_follow_each_other_on_one_connection(published_by):
    script = Script()
    attempts = [publish_attempt({"json": number}) for number in range(20)]
    outcomes, connections = published_by(script, *attempts)
    assert {outcome.result for outcome in outcomes} == {Result.SUCCEEDED}
    assert [json.loads(arrived.body) for arrived in script.arrived] == list(range(20))
    assert connections == 1


def test_broker_is_told_goodbye(published_by):
    script = Script()
    published_by(script, publish_attempt({"text": "x"}))
    assert script.goodbyes == 1


def test_connection_with_an_error_is_not_used_again(published_by):
    script = Script(on_publish="404")
    _, connections = published_by(
        script, publish_attempt({"text": "x"}), publish_attempt({"text": "y"})
    )
    assert connections == 2
    assert len(script.arrived) == 2
