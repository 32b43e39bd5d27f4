"""HTTP jobs are signed with the secret of their own merchant, looked up once for many."""

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web
from django.db import OperationalError
from standardwebhooks import Webhook, WebhookVerificationError

from jobs.echo_target import make_app
from jobs.handlers.http.secrets import load_secret
from jobs.outcomes import Outcome, Result
from tests.factories.jobs import make_merchant
from tests.handlers_kit import SECRET, http_runner, make_attempt, run_http, serving
from tests.integration.http_handler.kit import app_with, call, failure


@pytest.mark.parametrize(
    "payload",
    [
        {"json": {"name": "Zoë", "amounts": [1, 2.5], "none": None}},
        {"json": None},
        {"text": '{"a": "\\u00e9 ☃"}'},
        {"text": "", "headers": {"Content-Type": "application/xml"}},
        {},
    ],
)
def test_signature_is_accepted_by_the_independent_verifier(payload: dict[str, Any]) -> None:
    received: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.read(), dict(request.headers)))
        return web.Response()

    assert call(app_with(answer), "/", payload).result is Result.SUCCEEDED
    body, headers = received[0]
    Webhook(SECRET).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers, json_parse=False)


def test_one_lookup_of_the_secret_serves_many_jobs_of_a_merchant() -> None:
    asked: list[Any] = []

    def load(merchant: Any) -> str:
        asked.append(merchant)
        return SECRET

    async def scenario() -> set[Result]:
        async with serving(make_app()) as base, http_runner(load=load) as runner:
            attempts = [make_attempt({"url": f"{base}/echo"}) for _ in range(20)]
            outcomes = await asyncio.gather(*(run_http(runner, one) for one in attempts))
            await run_http(runner, attempts[0])
            return {outcome.result for outcome in outcomes}

    assert asyncio.run(scenario()) == {Result.SUCCEEDED}
    assert len(asked) == 1


@pytest.mark.parametrize("offset", [0, 2, -9])
def test_timestamp_is_the_attempts_start_whatever_its_zone(offset: int) -> None:
    received: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.read(), dict(request.headers)))
        return web.Response()

    started = datetime.now(timezone(timedelta(hours=offset))) - timedelta(seconds=100)
    call(app_with(answer), "/", {}, started_at=started)
    body, headers = received[0]
    assert headers["webhook-timestamp"] == str(int(started.timestamp()))
    Webhook(SECRET).verify(body, headers, json_parse=False)


@pytest.mark.django_db(transaction=True)
def test_request_is_signed_with_the_secret_of_its_own_merchant() -> None:
    mine, bystander = make_merchant(), make_merchant()
    received: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.read(), dict(request.headers)))
        return web.Response()

    async def scenario() -> Outcome:
        async with serving(app_with(answer)) as base, http_runner(load=load_secret) as runner:
            attempt = make_attempt({"url": base, "json": {}}, merchant_id=mine.id)
            return await run_http(runner, attempt)

    assert asyncio.run(scenario()).result is Result.SUCCEEDED
    body, headers = received[0]
    Webhook(mine.signing_secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(bystander.signing_secret).verify(body, headers, json_parse=False)


@pytest.mark.django_db(transaction=True)
def test_job_of_a_merchant_that_is_gone_is_rejected() -> None:
    async def scenario() -> Outcome:
        async with http_runner(load=load_secret) as runner:
            return await run_http(runner, make_attempt({"url": "http://127.0.0.1:9/"}))

    assert failure(asyncio.run(scenario())) == (Result.REJECTED, "unknown_merchant", "not_sent")


def test_database_that_is_away_is_no_fault_of_the_job() -> None:
    def load(merchant: Any) -> str:
        raise OperationalError("server closed the connection")

    async def scenario() -> Outcome:
        async with http_runner(load=load) as runner:
            return await run_http(runner, make_attempt({"url": "http://127.0.0.1:9/"}))

    assert failure(asyncio.run(scenario())) == (Result.FAILED, "secret_unavailable", "not_sent")
