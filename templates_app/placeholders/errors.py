"""What is wrong with a placeholder, in words for the person who wrote it."""

SHOWN = 40


class PlaceholderError(ValueError):
    """A payload whose placeholders are refused, or cannot be rendered.

    `code` is stable and for programs. `pointer` is the JSON pointer (RFC 6901) of the string
    inside the payload, `""` when the payload itself is that string. `message` is a sentence,
    `hint` the remedy. `faults` holds every fault that was found, at most 20, this one first.
    `str()` gives place, message and hint in one line.
    """

    def __init__(self, code: str, message: str, *, hint: str, pointer: str = "") -> None:
        super().__init__(code, message, hint, pointer)
        self.code = code
        self.message = message
        self.hint = hint
        self.pointer = pointer
        self.faults: tuple[PlaceholderError, ...] = (self,)

    def __str__(self) -> str:
        place = f"At {shown(self.pointer, 200)}" if self.pointer else "In the payload"
        return f"{place}: {self.message} {self.hint}"

    def at(self, pointer: str) -> "PlaceholderError":
        """Return the same fault with the place where it was found."""
        return PlaceholderError(self.code, self.message, hint=self.hint, pointer=pointer)


def shown(text: str, limit: int = SHOWN) -> str:
    """Return someone's text fit for a message: short, and without control characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(each if each.isprintable() else "?" for each in cut)
