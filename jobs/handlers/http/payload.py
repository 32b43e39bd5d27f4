"""The payload of an HTTP job: its schema, and the rules that a schema cannot say."""

import json
from dataclasses import dataclass, field
from typing import Any

import yarl

from jobs.handlers.http.headers import header_problems
from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.target import MAX_URL, InvalidTarget, parse_target
from jobs.handlers.kinds import InvalidPayload, PayloadProblem
from jobs.handlers.schemas import PayloadSchema

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODILESS = ("GET", "HEAD")
SUCCESS = "2xx"
UNSENDABLE = (
    "cannot be sent: it is nested too deeply, or holds NaN or text that is not valid Unicode; "
    "correct it."
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "method": {"enum": list(METHODS)},
        "url": {"type": "string", "minLength": 1, "maxLength": MAX_URL},
        "headers": {
            "type": "object",
            "maxProperties": 50,
            "additionalProperties": {"type": "string"},
        },
        "json": True,
        "text": {"type": "string"},
        "expected_statuses": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "type": ["integer", "string"],
                "minimum": 200,
                "maximum": 599,
                "pattern": "^[2-5]xx$",
            },
        },
    },
}
_COMPILED = PayloadSchema(SCHEMA)


@dataclass(frozen=True, kw_only=True)
class HttpCall:
    """A checked payload, its body serialized once: these bytes are signed and sent."""

    method: str
    url: yarl.URL = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    content_type: str | None
    body: bytes | None = field(repr=False)
    expected: tuple[int | str, ...]

    def expects(self, status: int) -> bool:
        """Tell whether the job calls this status a success (default 200 to 299)."""
        return status in self.expected or f"{status // 100}xx" in self.expected


def parse_payload(payload: Any, policy: AddressPolicy) -> HttpCall:
    """Return what a payload asks for. Raises InvalidPayload, and AddressDenied when only the
    policy refuses the URL."""
    _COMPILED.check(payload)
    method = payload.get("method", "POST")
    headers = payload.get("headers", {})
    problems = [*_body_problems(method, payload), *header_problems(headers)]
    try:
        content_type, body = _body(payload)
    except (TypeError, ValueError, RecursionError):
        field = "/json" if "json" in payload else "/text"
        problems.append(PayloadProblem(field, UNSENDABLE))
    try:
        url = parse_target(payload["url"], policy)
    except InvalidTarget as error:
        problems.append(PayloadProblem("/url", str(error)))
    except AddressDenied as error:
        if not problems:
            raise
        problems.append(PayloadProblem("/url", str(error)))
    if problems:
        raise InvalidPayload(tuple(problems))
    return HttpCall(
        method=method,
        url=url,
        headers=headers,
        content_type=content_type,
        body=body,
        expected=tuple(payload.get("expected_statuses", (SUCCESS,))),
    )


def _body(payload: dict[str, Any]) -> tuple[str | None, bytes | None]:
    if "json" in payload:
        text = json.dumps(
            payload["json"], ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        return "application/json", text.encode()
    if "text" in payload:
        return "text/plain; charset=utf-8", payload["text"].encode()
    return None, None


def _body_problems(method: str, payload: dict[str, Any]) -> list[PayloadProblem]:
    bodies = [field for field in ("json", "text") if field in payload]
    if len(bodies) == 2:
        return [PayloadProblem("/text", 'cannot be combined with "json"; send one body.')]
    if bodies and method in BODILESS:
        return [
            PayloadProblem(
                f"/{bodies[0]}",
                f"cannot be sent with {method}; remove it or use another method.",
            )
        ]
    return []
