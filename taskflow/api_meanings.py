"""The one table from a domain's error to an HTTP status and a stable code."""

from dataclasses import dataclass

from alerts.operations.refusals import (
    AlertGone,
    IncidentOver,
    InUse,
    TooManyAlerts,
    TooManyTests,
)
from alerts.webhooks.operations.endpoints import (
    EndpointGone,
    EndpointOff,
    PlatformHasNoEndpoints,
    TooManyEndpoints,
)
from alerts.webhooks.operations.redelivery import EventForgotten, UnderWay
from jobs.api.base import UnknownParameter
from jobs.api.filters import InvalidParameters
from jobs.api.jobs import InvalidPartial
from jobs.api.pagination import InvalidCursor, InvalidPageSize
from jobs.api.parsers import BodyTooLarge, LengthRequired
from jobs.handlers.registry import InvalidPayload
from jobs.operations.dead_letters import AlreadyResolved
from jobs.operations.fields import InvalidFields
from jobs.operations.flows import FlowExists, FlowGone, OperatorsFlow, TooManyFlows
from jobs.operations.idempotency import IdempotencyKeyReused, InvalidIdempotencyKey
from jobs.operations.redrives import RedriveNotRunning, RedriveNotStopped
from jobs.operations.steer import WrongStatus
from jobs.operations.unique_keys import CannotRetake, UniqueKeyHeld
from jobs.quota import QuotaExceeded
from jobs.strict_json import MalformedJson
from templates_app.api.base import PlatformOwned
from templates_app.operations.calendars import CalendarGone, CalendarInUse, TooManyCalendars
from templates_app.operations.quota import TooManyTemplates
from templates_app.operations.templates import TemplateGone
from templates_app.operations.windows import TooManyWindows, WindowGone
from templates_app.placeholders import PlaceholderError
from templates_app.recurrence.errors import RecurrenceError


@dataclass(frozen=True)
class Meaning:
    """What an error type means to a client; an error's own `code` wins over this one."""

    status: int
    code: str


MEANINGS: dict[type[Exception], Meaning] = {
    InvalidFields: Meaning(400, "invalid_fields"),
    InvalidParameters: Meaning(400, "invalid_parameters"),
    UnknownParameter: Meaning(400, "unknown_parameter"),
    InvalidPartial: Meaning(400, "invalid_parameters"),
    InvalidCursor: Meaning(400, "invalid_cursor"),
    InvalidPageSize: Meaning(400, "invalid_parameters"),
    MalformedJson: Meaning(400, "malformed_json"),
    InvalidIdempotencyKey: Meaning(400, "invalid_idempotency_key"),
    # A template that was accepted, whose later occurrences cannot be planned.
    RecurrenceError: Meaning(400, "invalid_recurrence"),
    PlaceholderError: Meaning(400, "invalid_placeholder"),
    InvalidPayload: Meaning(400, "invalid_payload"),
    PlatformOwned: Meaning(403, "platform_owned"),
    OperatorsFlow: Meaning(403, "set_by_operators"),
    TemplateGone: Meaning(404, "not_found"),
    CalendarGone: Meaning(404, "not_found"),
    WindowGone: Meaning(404, "not_found"),
    FlowGone: Meaning(404, "not_found"),
    EndpointGone: Meaning(404, "not_found"),
    PlatformHasNoEndpoints: Meaning(403, "platform_owned"),
    EndpointOff: Meaning(409, "endpoint_off"),
    UnderWay: Meaning(409, "delivery_under_way"),
    AlertGone: Meaning(404, "not_found"),
    InUse: Meaning(409, "in_use"),
    IncidentOver: Meaning(409, "incident_resolved"),
    EventForgotten: Meaning(409, "event_forgotten"),
    FlowExists: Meaning(409, "flow_exists"),
    CalendarInUse: Meaning(409, "calendar_in_use"),
    IdempotencyKeyReused: Meaning(409, "idempotency_key_reused"),
    CannotRetake: Meaning(409, "unique_key_held"),
    UniqueKeyHeld: Meaning(409, "unique_key_held"),
    WrongStatus: Meaning(409, "wrong_status"),
    RedriveNotRunning: Meaning(409, "redrive_not_running"),
    RedriveNotStopped: Meaning(409, "redrive_not_stopped"),
    AlreadyResolved: Meaning(409, "dead_letter_resolved"),
    LengthRequired: Meaning(411, "length_required"),
    BodyTooLarge: Meaning(413, "body_too_large"),
    QuotaExceeded: Meaning(429, "quota_exceeded"),
    TooManyTemplates: Meaning(429, "quota_exceeded"),
    TooManyCalendars: Meaning(429, "quota_exceeded"),
    TooManyWindows: Meaning(429, "quota_exceeded"),
    TooManyFlows: Meaning(429, "quota_exceeded"),
    TooManyEndpoints: Meaning(429, "quota_exceeded"),
    TooManyAlerts: Meaning(429, "quota_exceeded"),
    TooManyTests: Meaning(429, "too_many_tests"),
}
