"""What is wrong with a recurrence, in words for the person who wrote it."""

from dataclasses import dataclass


class RecurrenceError(ValueError):
    """A recurrence that is refused.

    `code` is stable and for programs. `field` names the part that is wrong: a field of a cron
    expression (`hour`), a part of an RRULE (`BYDAY`), or a key of the JSON object, with its path
    when nested (`of.2.expression`). `message` is a sentence, `hint` a remedy where one is likely.
    `position` counts characters from 0 within the text that was given, where there is one.
    """

    def __init__(
        self,
        code: str,
        field: str,
        message: str,
        *,
        hint: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message
        self.hint = hint
        self.position = position

    def within(self, path: str) -> "RecurrenceError":
        """Return the same fault, seen from the object that holds this one under `path`."""
        return RecurrenceError(
            self.code,
            f"{path}.{self.field}",
            self.message,
            hint=self.hint,
            position=self.position,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Caution:
    """Something that is allowed and probably not what was meant."""

    code: str
    field: str
    message: str
    hint: str | None = None
