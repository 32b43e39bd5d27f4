"""What tests of the API share: a client, the shortest valid jobs, and a look at problems."""

import json
from typing import Any

from django.test import Client

from tenants.models import Merchant
from tests.factories.tenants import make_key


class ApiClient(Client):
    """Sends JSON with one key; answers carry `.json()` as usual."""

    def __init__(self, key: str = "") -> None:
        super().__init__(raise_request_exception=False, enforce_csrf_checks=True)
        self.key = key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        if self.key:
            headers = {"x-api-key": self.key, **headers}
        address = path if path.startswith(("/api", "/health")) else f"/api/v1{path}"
        content_type = headers.pop("content_type", "application/json")
        return self.generic(method, address, raw, content_type=content_type, headers=headers)

    def read(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def send(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def change(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)


def noop(**fields: Any) -> dict[str, Any]:
    """Return the body of a job that does nothing."""
    return {"kind": "python", "payload": {"handler": "demo.noop"}, **fields}


def http_job(**payload: Any) -> dict[str, Any]:
    """Return the body of an HTTP job."""
    return {"kind": "http", "payload": {"url": "https://target.example/hook", **payload}}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Return the problem, after checking that it is one."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (
        answer.content[:500]
    )
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code", "errors", "instance"} <= set(body)
    assert (body["status"], body["code"]) == (status, code), body
    return body


def pointers(body: dict[str, Any]) -> set[tuple[str, str]]:
    """Return (pointer, code) of every error of a problem."""
    return {(error["pointer"], error["code"]) for error in body["errors"]}


def client_of(merchant: Merchant, **fields: Any) -> ApiClient:
    """Return a client with a new key of the merchant, with every scope unless told."""
    return ApiClient(make_key(merchant, **fields).text)
