"""The guarded HTTP client: one aiohttp session per event loop, its every connection checked.

What must never change here: `trust_env` stays off (HTTP_PROXY and .netrc would lead around the
guard), redirects are not followed, and every socket comes from `_checked_socket`.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.request import Request
from jobs.handlers.http.resolver import AddressInfo, GuardedResolver, Lookup, system_lookup

# Below the shortest keep-alive that is common among servers (Node: 5 s): a request on a connection
# that the other side is about to close would fail without having been read.
KEEPALIVE = 4.0  # seconds


class Sending:
    """Whether a request may have reached its target: true once it has a connection."""

    def __init__(self) -> None:
        self.connected = False


# Of the task that sends: aiohttp's tracing tells the same at the price of a tenth of a request.
_sending: ContextVar[Sending] = ContextVar("sending")


class _TellingConnector(aiohttp.TCPConnector):
    """Tells the sending task that it has its connection, new or used before."""

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _sending.get().connected = True
        return connection


class GuardedClient:
    """Sends requests to where the policy allows. Belongs to the event loop that made it."""

    def __init__(
        self, policy: AddressPolicy, connections: int, lookup: Lookup = system_lookup
    ) -> None:
        self._policy = policy
        connector = _TellingConnector(
            limit=connections,
            keepalive_timeout=KEEPALIVE,
            use_dns_cache=False,
            resolver=GuardedResolver(policy, lookup),
            socket_factory=self._checked_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
            auto_decompress=False,
        )

    @asynccontextmanager
    async def send(
        self, request: Request, sending: Sending
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send `request` and yield the answer, its body unread.

        The caller keeps the time limit. A body that was not read to its end costs the connection.
        Raises AddressDenied, aiohttp.ClientError.
        """
        _sending.set(sending)
        response = await self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
        )
        try:
            yield response
        finally:
            # After the end of the body the connection is back in the pool and this does nothing.
            response.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    def _checked_socket(self, info: AddressInfo) -> socket.socket:
        """Make the socket for one address: the one place all connections pass, literals too."""
        family, kind, proto, _, sockaddr = info
        what = self._policy.refusal(str(sockaddr[0]))
        if what is not None:
            raise AddressDenied(f"points to {what}; HTTP jobs reach public hosts only.")
        return socket.socket(family, kind, proto)
