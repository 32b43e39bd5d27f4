"""A producer: speaks to the API with one key, repeats what got no answer, logs what it was told."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.chaos.client_log import Asked, Cancelled, LogWriter, Planned
from tests.chaos.orders import Order

TIMEOUT = 6.0
AGAIN = 0.3


class Unanswered(Exception):
    """No answer came before the producer was told to give up."""


class Producer:
    """One merchant's service. For one thread at a time."""

    def __init__(self, url: str, label: str, key: str, writer: LogWriter) -> None:
        self.label = label
        self._netloc = urlsplit(url).netloc
        self._key = key
        self._writer = writer
        self._connection: http.client.HTTPConnection | None = None
        self.give_up = threading.Event()

    def order(self, orders: Sequence[Order]) -> None:
        """Create the jobs in one request, repeated under one Idempotency-Key until it is answered.

        Raises Unanswered.
        """
        asked = [order.asked for order in orders]
        sent = time.time()
        for job in asked:
            job.sent_at = sent
        self._writer.will_ask(asked)
        body = {"jobs": [order.body for order in orders]}
        _, answer = self._insist("POST", "/jobs/batch", body, uuid4().hex)
        self._writer.acknowledged(asked, [job["id"] for job in answer["jobs"]], time.time())
        for order in orders:
            if order.cancel:
                self._cancel(order.asked)

    def plan(self, step: int, payload: dict[str, Any], kind: str) -> Planned:
        """Make a template that runs every `step` seconds."""
        body = {
            "name": f"{self.label} every {step} s",
            "kind": kind,
            "payload": payload,
            "recurrence": {"kind": "interval", "every": step, "unit": "seconds", "timezone": "UTC"},
            "misfire": "run_all",
            "max_attempts": 30,
            "timeout": 20,
            "backoff": {"strategy": "fixed", "base": 0.3, "jitter": 0},
        }
        _, answer = self._insist("POST", "/templates", body, uuid4().hex)
        return Planned(
            template=answer["id"], merchant=self.label, step=float(step), made_at=time.time()
        )

    def switch_off(self, planned: Planned) -> float:
        """Make a template inactive; return a moment before which its occurrences are all due."""
        before = time.time()
        self._insist("PATCH", f"/templates/{planned.template}", {"active": False})
        return before

    def names(self) -> list[tuple[str, str | None]]:
        """Return the name and the template of the newest jobs that the merchant sees."""
        _, answer = self._insist("GET", "/jobs?page_size=200")
        return [(job["name"], job.get("template_id")) for job in answer["results"]]

    def _cancel(self, asked: Asked) -> None:
        status, _ = self._insist("POST", f"/jobs/{asked.job}/cancel", {}, expected=(200, 202, 409))
        # 409, it has ended: perhaps by an earlier try of this very request, whose answer got lost.
        self._writer.cancelled(Cancelled(job=asked.job, acknowledged_at=time.time(), status=status))

    def _insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        idempotency_key: str = "",
        expected: tuple[int, ...] = (200, 201),
    ) -> tuple[int, Any]:
        while not self.give_up.is_set():
            try:
                status, answer, replayed = self._call(method, path, body, idempotency_key)
            except (OSError, http.client.HTTPException, ValueError):
                self._drop_connection()
                self._writer.not_answered()
                self.give_up.wait(AGAIN)
                continue
            if status in expected:
                if replayed:
                    self._writer.repeated()
                return status, answer
            if status < 500 and status != 429:
                raise AssertionError(f"{method} {path}: {status} {answer}")
            self._writer.not_answered()
            self.give_up.wait(AGAIN)
        raise Unanswered(f"{method} {path}")

    def _call(self, method: str, path: str, body: Any, key: str) -> tuple[int, Any, bool]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._netloc, timeout=TIMEOUT)
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"x-api-key": self._key, "content-type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body)
        self._connection.request(method, f"/api/v1{path}", data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        return answer.status, json.loads(text or b"null"), replayed

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
