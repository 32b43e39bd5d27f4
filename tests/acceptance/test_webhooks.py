"""Webhooks with real processes: an event reaches its endpoint although the worker is killed on the way."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from alerts.models import WebhookDelivery, WebhookEvent
from jobs.models import Job, Worker
from jobs.publishing import wake
from tenants.clock import database_now
from tests.acceptance.stack import eventually, running_stack
from tests.factories.jobs import make_job, make_merchant
from tests.factories.webhooks import make_endpoint
from tests.integration.webhooks.kit import Received, is_signed_by

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PATIENCE = 150.0  # seconds; a delivery that was lost is sent again after its lease and five seconds


class Inbox:
    """Keeps what comes; does not answer while `silent`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.silent = threading.Event()
        self.closing = threading.Event()

    def take(self, one: Received) -> bool:
        self.received.append(one)
        if self.silent.is_set():
            self.closing.wait(60)
            return False
        return True


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if box.take(Received(self.path, headers, body)):
                self.send_response(204)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield box, f"http://127.0.0.1:{server.server_port}/hooks"
    finally:
        box.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_every_end_is_told_although_the_worker_is_killed(database_url, redis_url, tmp_path, inbox):
    box, url = inbox
    merchant = make_merchant()
    endpoint = make_endpoint(merchant, url=url)
    names = ("populator", "worker-async", "worker-control", "beat")
    with running_stack(database_url, redis_url, tmp_path, *names) as stack:
        eventually(
            lambda: Worker.objects.filter(state="alive", lane="async").exists(),
            "a worker registers",
            within=PATIENCE,
        )
        box.silent.set()
        jobs = [make_job(merchant=merchant, scheduled_at=database_now()) for _ in range(5)]
        wake()
        eventually(lambda: len(box.received) >= 5, "deliveries are under way", within=PATIENCE)
        stack.kill("worker-async")
        box.silent.clear()
        stack.start("worker-async")
        eventually(
            lambda: Job.objects.filter(kind="webhook", status="succeeded").count() == 5,
            "every event is received",
            within=PATIENCE,
        )

    assert all(is_signed_by(one, endpoint.secret) for one in box.received)
    events = {str(pk) for pk in WebhookEvent.objects.values_list("pk", flat=True)}
    assert len(events) == WebhookDelivery.objects.count() == 5
    assert {one.id for one in box.received} == events
    assert len(box.received) > 5
    told = {json.loads(one.body)["data"]["job_id"] for one in box.received}
    assert told == {str(job.pk) for job in jobs}
    bodies = {(one.id, one.body) for one in box.received}
    assert len(bodies) == 5
