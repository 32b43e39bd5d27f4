"""How far an attempt came to what it acts on. Pure."""

from enum import StrEnum


class Reach(StrEnum):
    """How far a request came; kept as Failure.detail."""

    NOT_SENT = "not_sent"  # the target has not seen it
    AMBIGUOUS = "ambiguous"  # the target may have acted on it
    ANSWERED = "answered"
