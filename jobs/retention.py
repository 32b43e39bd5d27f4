"""How long history is kept, and where it goes before it is dropped."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What operators decide for the whole platform; merchants keep as long or less."""

    # Seconds from a job's end until it is moved to the archive.
    archive_after: float = 86_400.0
    # Days that finished jobs and executions are kept at most; a week is dropped when all of it is older.
    days: int = 90
    # The folder that weeks are exported to before they are dropped; None: they are not.
    export: Path | None = None
