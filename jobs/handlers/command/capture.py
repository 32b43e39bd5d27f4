"""What is kept of a stream that may be endless: its beginning and its end."""

import asyncio

from jobs.handlers.text import storable

_CHUNK = 64 * 1024  # bytes


class Capture:
    """Keeps at most `limit` bytes of a stream, half of them its first, half of them its last."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def take(self, chunk: bytes) -> None:
        """Add what came next."""
        self.total += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        del self._tail[: -self._half]

    async def drain(self, stream: asyncio.StreamReader) -> None:
        """Read to the end, so that a writer never waits for us."""
        while chunk := await stream.read(_CHUNK):
            self.take(chunk)

    @property
    def left_out(self) -> int:
        """Return how many bytes were not kept."""
        return self.total - len(self._head) - len(self._tail)

    def text(self) -> str:
        """Return what was kept, as text fit to be stored, with a mark where bytes are missing."""
        if not self.left_out:
            return _decoded(self._head + self._tail)
        mark = f"\n… {self.left_out} bytes were left out …\n"
        return _decoded(self._head) + mark + _decoded(self._tail)


def _decoded(raw: bytearray) -> str:
    text = raw.decode("utf-8", "replace")
    return storable(text, len(text))
