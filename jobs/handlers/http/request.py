"""The request on the wire: body, headers that identify the attempt, and the signature. Pure."""

from dataclasses import dataclass, field
from datetime import UTC

import yarl
from multidict import CIMultiDict
from standardwebhooks import Webhook

from jobs.handlers.http.payload import HttpCall
from jobs.handlers.trace_context import traceparent
from jobs.outcomes import Attempt

USER_AGENT = "TaskFlow"


@dataclass(frozen=True)
class Request:
    """What goes to the target, byte for byte."""

    method: str
    url: yarl.URL = field(repr=False)
    headers: CIMultiDict[str] = field(repr=False)
    body: bytes | None = field(repr=False)


def build_request(call: HttpCall, attempt: Attempt, signer: Webhook) -> Request:
    """Return the request of one attempt, signed by the merchant's signer.

    `Idempotency-Key` and `webhook-id` are the job's id, the same for all its attempts; the
    timestamp is the attempt's start (Standard Webhooks 1.0).
    """
    job_id = str(attempt.job_id)
    headers = CIMultiDict({"User-Agent": USER_AGENT, "Accept": "*/*"})
    if call.content_type:
        headers["Content-Type"] = call.content_type
    headers.update(call.headers)
    headers.update(
        {
            "Accept-Encoding": "identity",
            "Idempotency-Key": job_id,
            "X-TaskFlow-Job": job_id,
            "X-TaskFlow-Attempt": str(attempt.number),
            "traceparent": traceparent(attempt.job_id, attempt.number),
            **_signature(job_id, attempt, call.body or b"", signer),
        }
    )
    return Request(call.method, call.url, headers, call.body)


def _signature(message_id: str, attempt: Attempt, body: bytes, signer: Webhook) -> dict[str, str]:
    # `sign` takes the clock face for UTC, whatever the zone.
    signed_at = attempt.started_at.astimezone(UTC)
    signature = signer.sign(message_id, signed_at, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": signature,
    }
