"""Every error of the API as a problem (RFC 9457).

Domain errors know no HTTP; what they mean is written in `taskflow.api_meanings`. The handler
never lets an exception out, so no error is answered as HTML.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_cache_control
from drf_standardized_errors.formatter import flatten_errors
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions

from jobs.api.base import LIST_SECONDS, UnknownParameter
from jobs.api.filters import InvalidParameters
from jobs.api.jobs import InvalidPartial
from jobs.api.pagination import InvalidCursor, InvalidPageSize
from jobs.handlers.registry import InvalidPayload
from jobs.operations.fields import InvalidFields
from jobs.operations.unique_keys import UniqueKeyHeld
from jobs.strict_json import MalformedJson
from taskflow.api_meanings import MEANINGS
from templates_app.placeholders import PlaceholderError
from templates_app.recurrence.errors import RecurrenceError
from tenants.identifiers import new_id

logger = logging.getLogger(__name__)
PROBLEM_JSON = "application/problem+json"
RETRY_AFTER = 5  # seconds, while the database is away
_QUERY_CANCELED = "57014"  # PostgreSQL's appendix A: statement_timeout among others
_READ_ONLY = "25006"


class ProblemError(exceptions.APIException):
    """An error with everything that its answer needs."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.errors = errors or []
        self.wait = retry_after


class ProblemHandler(ExceptionHandler):
    """Turns whatever a view raised into a problem; unforeseen errors are logged with the id."""

    def should_not_handle(self, exc: Exception) -> bool:
        """Handle everything, with DEBUG as well."""
        return False

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Return what `exc` means to the client."""
        if isinstance(exc, OperationalError | InterfaceError | InternalError | DataError):
            return _database_problem(exc)
        if isinstance(exc, SuspiciousOperation):
            return ProblemError(
                400,
                "bad_request",
                "The request cannot be understood, or has more than 1,000 query parameters; send "
                "fewer.",
            )
        for kind in type(exc).__mro__:
            meaning = MEANINGS.get(kind)
            if meaning is not None:
                return ProblemError(
                    meaning.status,
                    getattr(exc, "code", meaning.code),
                    _sentence(exc),
                    errors=list(_errors(exc)),
                    retry_after=getattr(exc, "retry_after", None),
                )
        known: Exception = super().convert_known_exceptions(exc)
        if isinstance(known, exceptions.NotFound):
            return ProblemError(404, "not_found", "There is nothing here, or it is not yours.")
        return known

    def convert_unhandled_exceptions(self, exc: Exception) -> exceptions.APIException:
        """Return an error of ours, without a word about its cause."""
        if isinstance(exc, exceptions.APIException):
            return exc
        logger.error("Request %s failed.", self._request_id(), exc_info=exc)
        return ProblemError(500, "internal_error", "Something went wrong on our side. Try again.")

    def report_exception(self, exc: exceptions.APIException, response: Any) -> None:
        """Tell error monitors of a 500, which is logged already; log a 503 in one line."""
        # Django would log every 5xx once more, without the id and with the whole chain of causes.
        setattr(response, "_has_been_logged", response.status_code >= 500)  # noqa: B010
        if response.status_code == 503:
            logger.warning(
                "Request %s answered 503: %s (%s).",
                self._request_id(),
                exc.get_codes(),
                type(self.exc).__name__,
            )
        elif response.status_code >= 500:
            request = self.context.get("request")
            got_request_exception.send(
                sender=type(self), request=getattr(request, "_request", request)
            )

    def _request_id(self) -> str:
        request = self.context.get("request")
        return request_id(getattr(request, "_request", request))

    def format_exception(self, exc: exceptions.APIException) -> dict[str, Any]:
        """Return the problem's members."""
        if isinstance(exc, ProblemError):
            errors = exc.errors
        else:
            errors = _flattened(exc) if isinstance(exc, exceptions.ValidationError) else []
        codes = exc.get_codes()
        return problem(
            status=exc.status_code,
            code=codes if isinstance(codes, str) else "invalid",
            detail=str(exc.detail) if isinstance(exc.detail, str) else "The request is not valid.",
            errors=errors,
            instance=self._request_id(),
        )

    def get_headers(self, exc: exceptions.APIException) -> dict[str, str]:
        """Return the challenge of a 401 and the pause of a 429 or 503."""
        headers: dict[str, str] = super().get_headers(exc)
        wait = getattr(exc, "wait", None)
        if wait is not None:
            headers["Retry-After"] = str(max(1, math.ceil(wait)))
        return headers

    def get_response(  # type: ignore[override]
        self, exc: exceptions.APIException, data: dict[str, Any]
    ) -> JsonResponse:
        """Return the answer, which nobody may keep; JSON, whatever the view would render."""
        response = JsonResponse(
            data,
            status=exc.status_code,
            headers=self.get_headers(exc),
            content_type=PROBLEM_JSON,
        )
        patch_cache_control(response, no_store=True)
        return response


def problem_handler(exc: Exception, context: Any) -> HttpResponse | None:
    """Return the problem for what a view raised: DRF's EXCEPTION_HANDLER."""
    response: HttpResponse | None = ProblemHandler(exc, context).run()
    return response


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    instance: str,
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the members of a problem (RFC 9457, section 3.1), with `code` and `errors` of ours."""
    return {
        "type": f"urn:taskflow:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
        "instance": instance,
    }


def problem_response(request: HttpRequest, *, status: int, code: str, detail: str) -> JsonResponse:
    """Return a problem from outside of DRF's views."""
    return JsonResponse(
        problem(status=status, code=code, detail=detail, instance=request_id(request)),
        status=status,
        content_type=PROBLEM_JSON,
    )


def request_id(request: Any) -> str:
    """Return the URN that names this one request in its answer and in the log."""
    known: str | None = getattr(request, "taskflow_id", None)
    if known is None:
        known = new_id().urn
        if request is not None:
            request.taskflow_id = known
    return known


def _database_problem(exc: Exception) -> ProblemError:
    sqlstate = getattr(exc.__cause__, "sqlstate", None)
    if sqlstate == _QUERY_CANCELED:
        return ProblemError(
            503,
            "query_too_slow",
            f"The search took more than {LIST_SECONDS} seconds and was stopped. Narrow it: name a "
            "time range, a status or a kind.",
            retry_after=RETRY_AFTER,
        )
    if isinstance(exc, DataError):
        return ProblemError(400, "unstorable_value", "The request holds a value out of range.")
    if isinstance(exc, InternalError) and sqlstate != _READ_ONLY:
        return ProblemError(500, "internal_error", "Something went wrong on our side. Try again.")
    return ProblemError(
        503,
        "temporarily_unavailable",
        "The service cannot reach its database. Nothing was changed as far as this request knows; "
        "repeat it, with an Idempotency-Key when it creates something.",
        retry_after=RETRY_AFTER,
    )


def _sentence(exc: Exception) -> str:
    if isinstance(exc, InvalidFields | InvalidParameters):
        number = len(exc.problems)
        first = exc.problems[0]
        sentence = first[1] if isinstance(first, tuple) else first.detail
        return sentence if number == 1 else f"{number} values are not valid; `errors` names each."
    return str(exc)


def _errors(exc: Exception) -> Iterator[dict[str, str]]:
    if isinstance(exc, UniqueKeyHeld):
        yield from (asdict(found) for found in exc.problems)
    if isinstance(exc, InvalidFields):
        for found in exc.problems:
            yield {"pointer": found.pointer, "code": found.code, "detail": found.detail}
    elif isinstance(exc, InvalidParameters):
        for name, sentence in exc.problems:
            yield {"parameter": name, "code": "invalid_value", "detail": sentence}
    elif isinstance(exc, UnknownParameter):
        for name in exc.names:
            detail = f"Unknown query parameter: {exc.remedy}"
            yield {"parameter": name[:100], "code": "unknown_parameter", "detail": detail}
    elif isinstance(exc, InvalidPartial | InvalidCursor | InvalidPageSize):
        yield {"parameter": _PARAMETERS[type(exc)], "code": "invalid_value", "detail": str(exc)}
    elif isinstance(exc, RecurrenceError):
        yield {"pointer": "/recurrence", "code": exc.code, "detail": str(exc)}
    elif isinstance(exc, PlaceholderError):
        yield {"pointer": f"/payload{exc.pointer}", "code": exc.code, "detail": str(exc)}
    elif isinstance(exc, InvalidPayload):
        for fault in exc.problems:
            where = f"/payload{fault.pointer}"
            detail = f'"{where[1:]}" {fault.message}'
            yield {"pointer": where, "code": "invalid_payload", "detail": detail}
    elif isinstance(exc, MalformedJson) and exc.pointer:
        yield {"pointer": exc.pointer, "code": exc.code, "detail": str(exc)}


_PARAMETERS: dict[type[Exception], str] = {
    InvalidPartial: "partial",
    InvalidCursor: "cursor",
    InvalidPageSize: "page_size",
}


def _flattened(exc: exceptions.ValidationError) -> list[dict[str, str]]:
    return [
        {
            "pointer": "/" + error.attr.replace(".", "/") if error.attr else "",
            "code": error.code,
            "detail": error.detail,
        }
        for error in flatten_errors(exc.detail)
    ]
