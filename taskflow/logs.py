"""Logs: one line per event, JSON in production, text on a terminal; written to standard error.

Tracebacks carry no local variables: those hold payloads and secrets. Control characters in user
text are escaped, so no job can forge a line.
"""

from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_ESCAPES = {number: f"\\x{number:02x}" for number in (*range(32), 127)} | {10: "\\n", 13: "\\r"}


def escape_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep an event on one line and terminals unharmed."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = value.translate(_ESCAPES)
    return event


def one_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Render an event for people: level, logger, sentence; then the traceback, if there is one."""
    text = f"{event.get('level', '?'):<7} {event.get('logger', '')}: {event.get('event', '')}"
    traceback = event.get("exception")
    return f"{text}\n{traceback}" if traceback else text


def logging_settings(*, style: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING for style `json` or `text`."""
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[Processor] = (
        [
            structlog.processors.ExceptionRenderer(without_locals),
            structlog.processors.JSONRenderer(),
        ]
        if style == "json"
        else [structlog.processors.format_exc_info, escape_control_characters, one_line]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Its own handler would print every line a second time.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # A line per task: the engine logs what matters, once per batch.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat.schedulers": {"level": "WARNING"},
        },
    }
