"""What one home remembers between starts: its secrets and the ports of its own servers."""

import json
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from taskflow.embedded.ports import free_port, is_free
from taskflow.home import Home, UnusableHome, write_private


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Kept in `installation.json` (mode 600). Passwords are URL-safe and free of commas."""

    secret_key: str = field(repr=False)
    postgres_password: str = field(repr=False)
    valkey_password: str = field(repr=False)
    flower_password: str = field(repr=False)
    postgres_port: int
    valkey_port: int
    echo_port: int

    @classmethod
    def of(cls, home: Home) -> "Installation":
        """Return what the home remembers, made and saved on the first start.

        Ports that somebody else has taken since are replaced. Raises UnusableHome.
        """
        installation = _stored(_path(home)) or _new()
        installation = installation.with_free_ports()
        installation.save(home)
        return installation

    def with_free_ports(self) -> "Installation":
        """Return a copy in which each port is free now."""
        ports = (self.postgres_port, self.valkey_port, self.echo_port)
        postgres, valkey, echo = (port if is_free(port) else free_port() for port in ports)
        return replace(self, postgres_port=postgres, valkey_port=valkey, echo_port=echo)

    def save(self, home: Home) -> None:
        """Keep it for the next start."""
        write_private(_path(home), asdict(self))


def _path(home: Home) -> Path:
    return home.path / "installation.json"


def _new() -> Installation:
    return Installation(
        secret_key=secrets.token_urlsafe(48),
        postgres_password=secrets.token_urlsafe(24),
        valkey_password=secrets.token_urlsafe(24),
        flower_password=secrets.token_urlsafe(12),
        postgres_port=free_port(),
        valkey_port=free_port(),
        echo_port=free_port(),
    )


def _stored(path: Path) -> Installation | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Installation(
            secret_key=str(stored["secret_key"]),
            postgres_password=str(stored["postgres_password"]),
            valkey_password=str(stored["valkey_password"]),
            flower_password=str(stored["flower_password"]),
            postgres_port=int(stored["postgres_port"]),
            valkey_port=int(stored["valkey_port"]),
            echo_port=int(stored["echo_port"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableHome(
            f"{path} cannot be read ({error!r}). "
            "Restore it, or remove the folder to start afresh (its jobs are lost)."
        ) from error
