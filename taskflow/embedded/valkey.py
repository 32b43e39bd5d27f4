"""An embedded Valkey that keeps nothing on disk: what is lost with it, PostgreSQL still has."""

import os
from dataclasses import dataclass, field

import redis

from taskflow.embedded.account import Account
from taskflow.embedded.binaries import Binaries
from taskflow.embedded.child import Launch
from taskflow.embedded.ports import LOOPBACK


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """One server on a port of 127.0.0.1. The password is letters, digits, `-` and `_`."""

    port: int
    password: str = field(repr=False)
    binaries: Binaries
    account: Account | None = None

    @property
    def url(self) -> str:
        """Database 0, with the password in it."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        """Nothing is kept on disk, so there is nothing to make or repair."""

    def launch(self) -> Launch:
        """Return how to start the server; it reads its configuration from stdin (`-`)."""
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            'save ""',
            "appendonly no",
            # Refusing a write is an error that the publisher sees; evicting a queue is silence.
            "maxmemory-policy noeviction",
            "loglevel warning",
        ]
        return Launch(
            argv=[str(self.binaries.valkey_server), "-"],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin="\n".join(lines) + "\n",
            account=self.account,
        )

    def answers(self) -> bool:
        """Return whether the server takes commands."""
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()
