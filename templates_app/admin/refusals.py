"""What the operations of this app may answer instead of doing what was asked."""

from jobs.handlers.registry import InvalidPayload, UnknownKind
from jobs.quota import QuotaExceeded
from templates_app.operations.calendars import CalendarGone, CalendarInUse, TooManyCalendars
from templates_app.operations.quota import TooManyTemplates
from templates_app.operations.review import AlreadyReviewed, NothingToReview
from templates_app.operations.templates import TemplateGone
from templates_app.operations.windows import TooManyWindows, WindowGone
from templates_app.recurrence.errors import RecurrenceError

REFUSALS = (
    AlreadyReviewed,
    CalendarGone,
    CalendarInUse,
    # A stored template that this release no longer understands.
    InvalidPayload,
    NothingToReview,
    QuotaExceeded,
    RecurrenceError,
    TemplateGone,
    TooManyCalendars,
    TooManyTemplates,
    TooManyWindows,
    UnknownKind,
    WindowGone,
)
