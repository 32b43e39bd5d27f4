"""The folder of a one-machine installation: `$TASKFLOW_HOME`, `.taskflow/` unless set.

It holds the embedded servers' files and `credentials.json` (mode 600), which every command on the
same machine reads, so that `manage.py` finds the running servers without any variable set.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


class UnusableHome(Exception):
    """The folder or its credentials cannot be used; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Where everything is and how to get in."""

    api_url: str
    api_key: str
    admin_url: str
    admin_email: str
    admin_password: str
    flower_url: str
    flower_user: str
    flower_password: str
    database_url: str
    redis_url: str
    secret_key: str


@dataclass(frozen=True)
class Home:
    """One installation's folder."""

    path: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """Return `$TASKFLOW_HOME`, or `.taskflow` beside `manage.py`."""
        beside_manage = Path(__file__).resolve().parent.parent / ".taskflow"
        return cls(Path(os.environ.get("TASKFLOW_HOME") or beside_manage).absolute())

    @property
    def credentials_path(self) -> Path:
        return self.path / "credentials.json"

    def credentials(self) -> Credentials | None:
        """Return what the last start wrote; None before the first. Raises UnusableHome."""
        try:
            stored = json.loads(self.credentials_path.read_text(encoding="utf-8"))
            return Credentials(
                **{field.name: str(stored[field.name]) for field in fields(Credentials)}
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnusableHome(
                f"{self.credentials_path} cannot be read ({error!r}). "
                "Restore it, or remove the folder to start afresh (its jobs are lost)."
            ) from error

    def save_credentials(self, credentials: Credentials) -> None:
        """Replace the file in one step; only its owner may read it."""
        write_private(self.credentials_path, asdict(credentials))


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Replace the file with this JSON in one step; only its owner may read it."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
