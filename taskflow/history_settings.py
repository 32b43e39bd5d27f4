"""How long history is kept, taken in by taskflow.settings."""

from pathlib import Path

from jobs.retention import Retention
from taskflow.env import Environment


def retention_settings(env: Environment) -> Retention:
    """Return what the environment says; problems are collected there."""
    folder = env.text("TASKFLOW_EXPORT_FOLDER")
    if folder and not Path(folder).is_absolute():
        env.problems.append(
            f"TASKFLOW_EXPORT_FOLDER must be an absolute path; got {folder!r}. Processes are started in "
            "different folders."
        )
    return Retention(
        archive_after=env.seconds(
            "TASKFLOW_ARCHIVE_AFTER", 86_400.0, minimum=3_600, maximum=30 * 86_400
        ),
        days=env.integer("TASKFLOW_RETENTION_DAYS", 90, minimum=1, maximum=3_650),
        export=Path(folder) if folder else None,
    )
