"""The way to one destination: a few places, each with a thread and a connection while it sends.

kombu blocks, so each message is sent in a thread beside the event loop. A destination has as many
places as it has connections: a frozen broker fills its own places and nobody else's.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from functools import partial

from jobs.handlers.publish.delivery import Receipt
from jobs.handlers.publish.destinations import Destination
from jobs.handlers.publish.link import Link
from jobs.handlers.publish.message import Message
from jobs.handlers.publish.sending import Sending

IDLE = 60.0  # seconds; networks forget connections that are silent for long
CLOSING = 1.0  # seconds, for goodbyes to the broker


class Line:
    """Sends messages to one destination. Belongs to the event loop that made it."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._places = asyncio.Semaphore(destination.connections)
        # Youngest right. Threads take and give back; a deque's ends are safe for that.
        self._idle: deque[Link] = deque()
        self._closed = False

    async def send(self, message: Message, routing_key: str, sending: Sending) -> Receipt:
        """Send one message; the caller keeps the time limit.

        Raises what `Link.send` does. When the caller gives up, the thread goes on until the
        broker answers or a socket's limit strikes, and only then is its place free again.
        """
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Receipt] = loop.create_future()
        work = partial(self._work, loop, result, partial(self._send, message, routing_key, sending))
        try:
            # A daemon, not a pool's thread: a pool is joined at exit, and a frozen broker would
            # hold up a worker that has long handed its jobs back.
            threading.Thread(target=work, name="publish", daemon=True).start()
        except RuntimeError:  # no more threads
            self._places.release()
            raise
        try:
            return await result
        finally:
            sending.give_up()

    async def close(self) -> None:
        """Close the idle connections, waiting a second at most; those in use follow by themselves."""
        self._closed = True
        links = list(self._idle)
        self._idle.clear()
        if not links:
            return
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def say_goodbye() -> None:
            for link in links:
                link.close()
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=say_goodbye, name="publish-close", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), CLOSING)

    # -- in a thread ---------------------------------------------------------------------------

    def _work(
        self,
        loop: asyncio.AbstractEventLoop,
        result: "asyncio.Future[Receipt]",
        send: "partial[Receipt]",
    ) -> None:
        receipt, failure = None, None
        try:
            receipt = send()
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the result
            # A future refuses StopIteration, which would end its waiter silently.
            failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._settle, result, receipt, failure)

    def _send(self, message: Message, routing_key: str, sending: Sending) -> Receipt:
        link = self._taken()
        try:
            receipt = link.send(message, routing_key, sending)
        except BaseException:
            link.drop()
            raise
        self._give_back(link)
        return receipt

    def _taken(self) -> Link:
        """Return an idle link that seems to live, or a new one."""
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                return Link(self._destination)
            if time.monotonic() - link.used < IDLE and link.is_alive():
                return link
            link.drop()

    def _give_back(self, link: Link) -> None:
        self._idle.append(link)
        with contextlib.suppress(IndexError):
            # Looked at after the append: whoever closes sees the link, or is seen here.
            while self._closed:
                self._idle.popleft().close()
            oldest = self._idle.popleft()
            if time.monotonic() - oldest.used < IDLE:
                self._idle.appendleft(oldest)
            else:
                oldest.drop()

    # -- on the loop -----------------------------------------------------------------------------

    def _settle(
        self,
        result: "asyncio.Future[Receipt]",
        receipt: Receipt | None,
        failure: BaseException | None,
    ) -> None:
        self._places.release()
        if result.done():
            return
        if failure is not None:
            result.set_exception(failure)
        elif receipt is not None:
            result.set_result(receipt)
