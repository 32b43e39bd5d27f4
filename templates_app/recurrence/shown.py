"""What messages show of what people wrote."""

from typing import Any

LONGEST_SHOWN = 40  # characters


def shortened(text: str) -> str:
    """Return the beginning of a text, with an ellipsis where it goes on."""
    return f"{text[:LONGEST_SHOWN]}{'…' if len(text) > LONGEST_SHOWN else ''}"


def quoted(value: Any) -> str:
    """Show a value of the user's in a message, shortened."""
    return f'"{shortened(value if isinstance(value, str) else str(value))}"'


def listed(options: tuple[str, ...]) -> str:
    """Write "a, b or c"."""
    return f"{', '.join(options[:-1])} or {options[-1]}" if len(options) > 1 else options[0]
