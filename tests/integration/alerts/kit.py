"""Real receivers on loopback, and the alerts' tick by hand."""

import json
import threading
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from django.conf import settings

from alerts.evaluator import Evaluated, evaluate
from alerts.models import Delivery
from jobs import lifecycle
from jobs.executor.async_lane import AsyncLane
from jobs.models import Job
from taskflow.embedded.ports import free_port
from tenants.clock import database_now

PATIENCE = 20.0  # seconds; only a hanging test ever waits so long


class Mailbox:
    """A real SMTP server that keeps what it is given; `answer` is what it says to each message."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.answer = "250 OK"
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.raw.append(envelope.content)
        return self.answer

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        self.url = f"smtp://127.0.0.1:{self._controller.port}"
        return self

    def __exit__(self, *_error: object) -> None:
        self._controller.stop()


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """A real HTTP server that keeps requests; `status` is what it answers."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(self.path, headers, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def tick(now: Any = None) -> Evaluated:
    """Look once, at PostgreSQL's time unless said otherwise."""
    return evaluate(now or database_now(), settings.TASKFLOW_ALERTING)


def until(condition: Any, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def work(lane: AsyncLane, now: Any = None) -> int:
    """Queue what is due, run it to its end or next attempt, and return how many jobs there were."""
    queued = lifecycle.queue_due(lane="async", now=now or database_now(), limit=100, lease=60)
    lane.execute([(one.job_id, one.ticket) for one in queued])
    ids = [one.job_id for one in queued]
    going = Job.objects.filter(pk__in=ids, status__in=["queued", "running"])
    until(lambda: not going.exists(), "jobs that end")
    return len(queued)


def deliveries() -> list[tuple[str, str, str]]:
    """Return (event, channel, state) of all deliveries, oldest first."""
    rows = Delivery.objects.select_related("channel").order_by("pk")
    return [(one.event, one.channel.name, one.state) for one in rows]
