"""What requests get that reach no view: problems below /api, /health and /metrics, pages elsewhere."""

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from taskflow.api_errors import problem_response, request_id

logger = logging.getLogger(__name__)
_MACHINES = ("/api", "/health", "/metrics")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refused, such as an unknown host."""
    if not _for_a_machine(request):
        return defaults.bad_request(request, exception)
    return problem_response(
        request, status=400, code="bad_request", detail="The request cannot be understood."
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django forbade."""
    if not _for_a_machine(request):
        return defaults.permission_denied(request, exception)
    return problem_response(
        request, status=403, code="permission_denied", detail="This is not allowed."
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address."""
    if not _for_a_machine(request):
        return defaults.page_not_found(request, exception)
    return nothing_here(request)


@csrf_exempt
def nothing_here(request: HttpRequest, **_: Any) -> HttpResponse:
    """Answer an unknown address below /api; a view of its own, so that DEBUG shows no page."""
    return problem_response(
        request,
        status=404,
        code="unknown_address",
        detail="There is nothing at this address; /api/docs lists what there is.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error outside of the API's views; Django has logged it."""
    if not _for_a_machine(request):
        return defaults.server_error(request)
    logger.error("Request %s failed.", request_id(request))
    return problem_response(
        request,
        status=500,
        code="internal_error",
        detail="Something went wrong on our side. Try again.",
    )


def _for_a_machine(request: HttpRequest) -> bool:
    return any(request.path == root or request.path.startswith(f"{root}/") for root in _MACHINES)
