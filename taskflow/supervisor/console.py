"""The terminal: each line under the name of the process that wrote it."""

import itertools
from typing import TextIO

# Control characters would let one process's output rewrite another's lines.
_VISIBLE = {code: "?" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if code != 0x09}
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


class Console:
    """Writes whole lines. `lost` turns true when nobody reads any more."""

    def __init__(self, stream: TextIO, *, colour: bool, width: int) -> None:
        self._stream = stream
        self._colours = itertools.cycle(_COLOURS) if colour else None
        self._prefixes: dict[str, str] = {}
        self._width = width
        self.lost = False

    def line(self, name: str, text: str) -> None:
        """Show one line of the process called `name`."""
        self._write(f"{self._prefix(name)} {text.translate(_VISIBLE)}")

    def say(self, text: str) -> None:
        """Show text of the supervisor's own, which may have several lines."""
        for line in text.split("\n"):
            self.line("taskflow", line)

    def paste(self, text: str) -> None:
        """Show text without a prefix, so that it can be copied and pasted."""
        self._write(text)

    def _prefix(self, name: str) -> str:
        if name not in self._prefixes:
            padded = f"{name:<{self._width}} |"
            if self._colours is not None:
                padded = f"\x1b[{next(self._colours)}m{padded}\x1b[0m"
            self._prefixes[name] = padded
        return self._prefixes[name]

    def _write(self, line: str) -> None:
        if self.lost:
            return
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError:
            # The terminal is gone; whoever watches `lost` stops the processes in order.
            self.lost = True
