"""The OpenAPI document: one Problem for all errors, and on each operation the codes it can give."""

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema

from apikeys import openapi as _api_key_scheme  # noqa: F401 - describes x-api-key
from templates_app.api import definition_schema, recurrence_schema

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "An error (RFC 9457). `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code", "errors", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
        "instance": {
            "type": "string",
            "format": "uri",
            "description": "Names this request in the log.",
        },
    },
}
_FIELD_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer into the body (RFC 6901)."},
        "parameter": {"type": "string", "description": "Name of a query parameter."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "job_id": {
            "type": "string",
            "format": "uuid",
            "description": "The job that holds the unique key.",
        },
    },
}
_RESPONSES: Final[dict[str, tuple[str, str]]] = {
    "400": ("BadRequest", "The request is not valid; `errors` names every field."),
    "401": ("Unauthorized", "The API key is missing, unknown, expired or revoked."),
    "403": ("Forbidden", "The API key may not do this."),
    "404": ("NotFound", "There is no such object, or it is not yours."),
    "409": (
        "Conflict",
        "The object's status, a held unique key or a reused Idempotency-Key does not allow it.",
    ),
    "413": ("BodyTooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is not plain JSON in UTF-8."),
    "429": ("TooManyRequests", "A rate limit or quota is reached; see Retry-After."),
    "503": ("Unavailable", "The database is away or the query too slow; see Retry-After."),
}
_PAUSED: Final = ("429", "503")


class TaskFlowSchema(AutoSchema):
    """Names components after nouns and adds the errors that an operation can answer."""

    def get_tags(self) -> list[str]:
        """Return the noun of the address."""
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def _get_serializer_name(
        self, serializer: Any, direction: Any, bypass_extensions: bool = False
    ) -> str:
        name = super()._get_serializer_name(serializer, direction, bypass_extensions)
        return name.replace("Schema", "")

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code in self._errors():
            name, _ = _RESPONSES[code]
            bodies.setdefault(code, {"$ref": f"#/components/responses/{name}"})
        return dict(sorted(bodies.items()))

    def _errors(self) -> list[str]:
        codes = ["400", "401", "403", "429", "503"]
        if self.method != "GET":
            codes += ["409", "413", "415"]
        if "{" in self.path:
            codes.append("404")
        return codes


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put the shared error answers into the document: a drf-spectacular postprocessing hook."""
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= {"Problem": _PROBLEM, "FieldProblem": _FIELD_PROBLEM}
    schemas |= {**recurrence_schema.COMPONENTS, **definition_schema.COMPONENTS}
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = {
        name: _response(code, sentence) for code, (name, sentence) in sorted(_RESPONSES.items())
    }
    return result


def only_the_api(endpoints: list[Any]) -> list[Any]:
    """Leave out what is not the API itself: a drf-spectacular preprocessing hook."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def _response(code: str, sentence: str) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    response: dict[str, Any] = {"description": sentence, "content": problem}
    if code in _PAUSED:
        response["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return response
