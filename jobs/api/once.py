"""Creating requests that may be repeated: the header Idempotency-Key."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.fault_points import API_AFTER_COMMIT, reach
from jobs.operations.idempotency import Answer, answer_once, check_key, request_hash
from tenants.clock import database_now
from tenants.models import Merchant

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


def respond_once(
    request: Request, merchant: Merchant, create: Callable[[Any, datetime], Answer]
) -> Response:
    """Answer with `create`, or with what it answered before under the same key."""
    body = request.data
    now = database_now()
    key = request.headers.get(HEADER)
    if key is None:
        answer = create(body, now)
        reach(API_AFTER_COMMIT)
        return Response(answer.body, status=answer.status)
    fingerprint = request_hash(
        method=str(request.method),
        path=request.path,
        query=urlencode(sorted(request.query_params.lists()), doseq=True),
        body=body,
    )
    answer = answer_once(
        merchant=merchant,
        key=check_key(key),
        fingerprint=fingerprint,
        now=now,
        work=lambda: create(body, now),
    )
    reach(API_AFTER_COMMIT)
    headers = {REPLAYED: "true"} if answer.replayed else None
    return Response(answer.body, status=answer.status, headers=headers)
