"""A producer's view of the whole platform: real API process, workers and target."""

import itertools
import json
import urllib.request

import pytest

from apikeys.operations import issue_key
from jobs.engine import Engine
from jobs.models import Worker
from tenants.clock import database_now
from tests.acceptance.stack import eventually, running_stack
from tests.factories.jobs import make_merchant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Producer:
    """Speaks HTTP with one API key."""

    def __init__(self, url: str) -> None:
        merchant = make_merchant()
        scopes = ["jobs:read", "jobs:write", "deadletters:read", "deadletters:write"]
        issued = issue_key(merchant=merchant, name="shop", scopes=scopes, now=database_now())
        self._url = f"{url}/api/v1"
        self._key = issued.text

    def call(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self._key, "content-type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def status(self, job):
        return self.call(f"/jobs/{job['id']}")["status"]

    def executions(self, job):
        found = self.call(f"/jobs/{job['id']}/executions")
        return sorted(found["results"], key=lambda execution: execution["number"])


def ledger(stack):
    with urllib.request.urlopen(f"{stack.echo_url}/ledger", timeout=10) as answer:
        return json.load(answer)


@pytest.fixture
def stack(database_url, redis_url, tmp_path):
    names = ("echo", "api", "populator", "worker-async")
    with running_stack(database_url, redis_url, tmp_path, *names) as running:
        eventually(lambda: Worker.objects.filter(state="alive").exists(), "a worker registers")
        eventually(lambda: is_live(running), "the API answers")
        yield running


def is_live(stack):
    try:
        with urllib.request.urlopen(f"{stack.api_url}/health/live", timeout=1):
            return True
    except OSError:
        return False


def test_a_thousand_http_jobs_of_one_batch_each_reach_the_target_once(stack):
    producer = Producer(stack.api_url)
    payload = {"method": "POST", "url": f"{stack.echo_url}/echo", "json": {"n": 1}}
    jobs = [{"kind": "http", "payload": payload, "name": f"call {n}"} for n in range(1000)]
    created = producer.call("/jobs/batch", {"jobs": jobs})["jobs"]

    waiting = "/jobs?status=scheduled&status=queued&status=running&status=retryable"
    eventually(lambda: not producer.call(waiting)["results"], "no job is unfinished")
    assert not producer.call("/jobs?status=failed&status=cancelled")["results"]
    assert ledger(stack)["jobs"] == {job["id"]: 1 for job in created}


def test_retries_come_with_growing_delays_and_a_dead_letter_is_redriven_with_a_new_payload(stack):
    producer = Producer(stack.api_url)

    def create(path, **fields):
        payload = {"method": "POST", "url": f"{stack.echo_url}{path}", "json": {}}
        backoff = {"strategy": "exponential", "base": 0.4, "factor": 3, "cap": 60, "jitter": 0}
        return producer.call(
            "/jobs", {"kind": "http", "payload": payload, "backoff": backoff, **fields}
        )

    shaky, broken = create("/fail/2"), create("/status/500", max_attempts=2)
    eventually(lambda: producer.status(shaky) == "succeeded", "the third attempt succeeds")
    eventually(lambda: producer.status(broken) == "failed", "the second attempt is the last")

    first, second, third = producer.executions(shaky)
    starts = [float(e["started_at"][17:-1]) for e in (first, second, third)]
    waits = [(b - a) % 60 for a, b in itertools.pairwise(starts)]
    assert 0.4 <= waits[0] < waits[1]
    assert waits[1] >= 1.2

    (letter,) = producer.call("/dead-letters")["results"]
    assert (letter["job_id"], letter["attempts"]) == (broken["id"], 2)
    mended = {"method": "POST", "url": f"{stack.echo_url}/echo", "json": {"mended": True}}
    producer.call(f"/dead-letters/{letter['id']}/redrive", {"payload": mended})
    eventually(lambda: producer.status(broken) == "succeeded", "the redriven job succeeds")
    assert [e["number"] for e in producer.executions(broken)] == [1, 2, 3]


def test_target_that_is_down_for_a_while_costs_no_attempts_and_recovers_by_itself(stack):
    producer = Producer(stack.api_url)
    stack.kill("echo")
    payload = {"method": "POST", "url": f"{stack.echo_url}/echo", "json": {}}
    backoff = {"strategy": "fixed", "base": 0.1, "jitter": 0}
    job = {"kind": "http", "payload": payload, "max_attempts": 10, "backoff": backoff}
    created = producer.call("/jobs/batch", {"jobs": [job] * 30})["jobs"]

    def reasons():
        return [producer.call(f"/jobs/{one['id']}")["waiting_reason"] or "" for one in created]

    eventually(lambda: all("did not answer" in reason for reason in reasons()), "all are parked")
    [breaker] = producer.call("/breakers")["results"]
    assert breaker["state"] in {"open", "half_open"}
    assert breaker["most_active"] in {0, 1}
    stack.start("echo")
    done = "/jobs?status=succeeded&page_size=100"
    eventually(lambda: len(producer.call(done)["results"]) == 30, "all succeed")

    eventually(lambda: not producer.call("/breakers")["results"], "the target is taken back")
    jobs = producer.call(done)["results"]
    spent = sum(10 - one["attempts_left"] for one in jobs)
    # The failures that it took to give the target up, and one attempt a job that worked.
    assert spent <= 30 + Engine().breaker_failures
    assert not producer.call("/dead-letters")["results"]
    assert ledger(stack)["jobs"] == {one["id"]: 1 for one in created}
