"""A TCP proxy before a server. SIGUSR1 cuts every connection in the middle of whatever is under way.

`python -m tests.chaos.proxy LISTEN TARGET`, two ports of loopback. Frozen by SIGSTOP, it is a network
on which nothing arrives.
"""

import asyncio
import contextlib
import signal
import sys

HOST = "127.0.0.1"
CHUNK = 256 * 1024


class Proxy:
    """Forwards bytes both ways; knows its connections, so that it can abort them."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, port: int) -> None:
        """Forward until the process ends."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.cut)
        server = await asyncio.start_server(self._accept, HOST, port, backlog=512)
        async with server:
            await server.serve_forever()

    def cut(self) -> None:
        """Abort every connection: both sides see a reset."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            await asyncio.gather(
                self._forward(reader, far_writer), self._forward(far_reader, writer)
            )
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        # The other side has closed: half-open connections are of no use to anybody here.
        writer.close()


def main() -> None:
    """Serve."""
    listen, target = (int(word) for word in sys.argv[1:3])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Proxy(target).serve(listen))


if __name__ == "__main__":
    main()
