"""Name resolution under the address policy: one lookup, every answer checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.text import shown

AddressInfo = tuple[int, int, int, str, tuple[str | int, ...]]
Lookup = Callable[[str, int, int], Awaitable[list[AddressInfo]]]

# Lookups block; a silent name server must neither fill the loop's own pool nor be waited for long.
LOOKUP_THREADS = 32
_threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")


async def system_lookup(host: str, port: int, family: int) -> list[AddressInfo]:
    """Ask the system's resolver (getaddrinfo). Raises OSError."""
    ask = partial(
        socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return await asyncio.get_running_loop().run_in_executor(_threads, ask)  # type: ignore[arg-type]


class GuardedResolver(AbstractResolver):
    """Hands aiohttp the addresses of a name, all of them checked.

    One denied address among the answers refuses the name: a mix of public and private addresses is
    how a hostile name server gets around a check of the first. aiohttp does not ask a resolver for
    literal addresses; jobs.handlers.http.client checks those when the socket is made.
    """

    def __init__(self, policy: AddressPolicy, lookup: Lookup = system_lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return every address of `host`. Raises AddressDenied, or OSError when there is none."""
        try:
            answers = await self._lookup(host, port, family)
        except UnicodeError as error:
            raise OSError(f"not a resolvable name: {shown(host)}") from error
        if not answers:
            raise OSError(f"no address for {shown(host)}")
        return [self._checked(host, port, answer) for answer in answers]

    async def close(self) -> None:
        """Do nothing: the threads serve every loop of the process."""

    def _checked(self, host: str, port: int, answer: AddressInfo) -> ResolveResult:
        family, _, proto, _, sockaddr = answer
        address = str(sockaddr[0])
        what = self._policy.refusal(address)
        if what is not None:
            # Neither the address nor its count is told: answers of internal name servers are
            # nobody's business.
            raise AddressDenied(
                f"points to {shown(host, 80)}, which resolves to {what}; "
                "HTTP jobs reach public hosts only."
            )
        return ResolveResult(
            hostname=host,
            host=address,
            port=port,
            family=family,
            proto=proto,
            flags=socket.AI_NUMERICHOST,
        )
