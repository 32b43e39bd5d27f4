"""HTTP jobs against real servers on loopback: what is sent, and what each status means."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from jobs.echo_target import make_app
from jobs.outcomes import Outcome, Result
from tests.handlers_kit import http_runner, make_attempt, run_http, serving
from tests.integration.http_handler.kit import app_with, call, failure


def test_expected_status_succeeds_and_the_answer_is_kept() -> None:
    outcome = call(make_app(), "/echo", {"json": {"order": 7}})
    assert outcome.result is Result.SUCCEEDED
    assert outcome.failure is None
    assert outcome.http_status == 200
    assert json.loads(outcome.output["body"]) == {
        "method": "POST",
        "attempt": "1",
        "body": {"order": 7},
    }
    assert outcome.output["headers"]["content-type"] == "application/json; charset=utf-8"
    assert outcome.output["body_truncated"] is False


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (204, Result.SUCCEEDED),
        (299, Result.SUCCEEDED),
        (302, Result.REJECTED),
        (304, Result.REJECTED),
        (400, Result.REJECTED),
        (404, Result.REJECTED),
        (410, Result.REJECTED),
        (408, Result.FAILED),
        (425, Result.FAILED),
        (429, Result.FAILED),
        (500, Result.FAILED),
        (503, Result.FAILED),
        (599, Result.FAILED),
    ],
)
def test_status_decides_between_success_retry_and_rejection(status: int, result: Result) -> None:
    outcome = call(make_app(), f"/status/{status}", {"method": "GET"})
    assert (outcome.result, outcome.http_status) == (result, status)
    if outcome.failure:
        assert (outcome.failure.code, outcome.failure.detail) == (f"http_{status}", "answered")


@pytest.mark.parametrize(
    ("expected", "status", "result"),
    [
        ([404], 404, Result.SUCCEEDED),
        (["4xx"], 418, Result.SUCCEEDED),
        (["2xx", 503], 503, Result.SUCCEEDED),
        ([201], 200, Result.REJECTED),
        ([302], 302, Result.SUCCEEDED),
    ],
)
def test_expected_statuses_replace_the_default(
    expected: list[int | str], status: int, result: Result
) -> None:
    payload = {"method": "GET", "expected_statuses": expected}
    assert call(make_app(), f"/status/{status}", payload).result is result


def test_redirect_is_not_followed() -> None:
    async def scenario() -> tuple[Outcome, dict[str, Any]]:
        async with serving(make_app()) as base, http_runner() as runner:
            attempt = make_attempt({"method": "GET", "url": f"{base}/redirect"})
            outcome = await run_http(runner, attempt)
            ledger = make_attempt({"method": "GET", "url": f"{base}/ledger"})
            return outcome, json.loads((await run_http(runner, ledger)).output["body"])

    outcome, ledger = asyncio.run(scenario())
    assert (outcome.result, outcome.http_status) == (Result.REJECTED, 302)
    assert outcome.output["headers"]["location"] == "/echo"
    assert ledger["requests"] == 1


def test_retry_after_of_a_retryable_status_is_honoured_and_of_another_ignored() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(
            status=int(request.path.strip("/")), headers={"Retry-After": request.query["wait"]}
        )

    assert call(app_with(answer), "/503?wait=17", {}).retry_after == 17
    assert call(app_with(answer), "/429?wait=-5", {}).retry_after is None
    assert call(app_with(answer), "/404?wait=17", {}).retry_after is None


def test_target_that_fails_twice_then_works_sees_one_idempotency_key() -> None:
    seen: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append(
            (headers["Idempotency-Key"], headers["webhook-id"], headers["X-TaskFlow-Attempt"])
        )
        return web.Response(status=503 if len(seen) < 3 else 200)

    async def scenario() -> tuple[str, list[Result]]:
        async with serving(app_with(answer)) as base, http_runner() as runner:
            first = make_attempt({"url": base})
            results = []
            for number in (1, 2, 3):
                attempt = make_attempt({"url": base}, job_id=first.job_id, number=number)
                results.append((await run_http(runner, attempt)).result)
            return str(first.job_id), results

    job, results = asyncio.run(scenario())
    assert results == [Result.FAILED, Result.FAILED, Result.SUCCEEDED]
    assert seen == [(job, job, "1"), (job, job, "2"), (job, job, "3")]


def test_producer_headers_arrive_beside_the_platforms_own() -> None:
    received: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append(dict(request.headers))
        return web.Response()

    payload = {"text": "x", "headers": {"X-Shop": "a\tb", "User-Agent": "Shop/1"}}
    attempt = make_attempt({})
    call(app_with(answer), "/", payload, job_id=attempt.job_id)
    headers = received[0]
    assert headers["X-Shop"] == "a\tb"
    assert headers["User-Agent"] == "Shop/1"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["X-TaskFlow-Job"] == str(attempt.job_id)
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, len(span), flags) == ("00", attempt.job_id.hex, 16, "01")


def test_stored_payload_that_is_not_valid_any_more_is_rejected() -> None:
    async def scenario() -> Outcome:
        async with http_runner() as runner:
            return await run_http(runner, make_attempt({"url": "ftp://example.com/"}))

    assert failure(asyncio.run(scenario())) == (Result.REJECTED, "invalid_payload", "not_sent")
