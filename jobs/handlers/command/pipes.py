"""The descriptors through which bubblewrap is given its options, is held back, and reports."""

import asyncio
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Pipes:
    """Everything that one bubblewrap is handed beside its three streams. Closes what is left."""

    def __init__(self, options: Sequence[str], seccomp: bytes) -> None:
        self._ours: set[int] = set()
        # By a file, not as arguments: those are seen by every user of the machine.
        written = b"".join(os.fsencode(option) + b"\0" for option in options)
        self._options = self._file(written)
        self._filter = self._file(seccomp)
        self._hold, self._go = map(self._kept, os.pipe())
        self._status, self._report = map(self._kept, os.pipe())
        self.theirs = (self._options, self._filter, self._hold, self._go, self._report)
        self.options = [
            *("--args", str(self._options)),
            *("--seccomp", str(self._filter)),
            *("--block-fd", str(self._hold)),
            # It keeps the writing end of its own hold until it becomes the program: were we to die
            # before `release`, it would otherwise read the end of the pipe, and begin.
            *("--sync-fd", str(self._go)),
            *("--json-status-fd", str(self._report)),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in self._ours:
            os.close(descriptor)
        self._ours.clear()

    def close_theirs(self) -> None:
        """Close our copies of what only bubblewrap uses; call it once it runs."""
        for descriptor in set(self.theirs) - {self._go}:
            os.close(descriptor)
            self._ours.discard(descriptor)

    async def status_stream(self) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
        """Return the stream of bubblewrap's reports, which ends with it, and what to close."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        file = os.fdopen(self._status, "rb", buffering=0)
        self._ours.discard(self._status)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), file
        )
        return reader, transport

    def release(self) -> None:
        """Let the program begin."""
        os.write(self._go, b"1")

    def _file(self, content: bytes) -> int:
        descriptor = self._kept(os.memfd_create("sandbox"))
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def _kept(self, descriptor: int) -> int:
        self._ours.add(descriptor)
        return descriptor
