"""How long history is kept, and where it goes before it is dropped."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What operators decide for the whole platform; merchants keep as long or less."""

    # Seconds from a job's end until it is moved to the archive.
    archive_after: float = 86_400.0
    # Days that finished jobs and executions are kept at most; a week is dropped when all of it is older.
    days: int = 90
    # Where weeks are exported to before they are dropped: a folder's path, or s3://bucket/prefix; empty:
    # they are not.
    export: str = ""
