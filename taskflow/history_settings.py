"""How long history is kept, taken in by taskflow.settings."""

import re
from pathlib import Path

from jobs.retention import Retention
from taskflow.env import Environment

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?")


def retention_settings(env: Environment) -> Retention:
    """Return what the environment says; problems are collected there."""
    target = env.text("TASKFLOW_EXPORT_TO")
    if target and not (_BUCKET.fullmatch(target) or Path(target).is_absolute()):
        env.problems.append(
            f"TASKFLOW_EXPORT_TO must be the absolute path of a folder or s3://bucket/prefix; got {target!r}."
        )
    return Retention(
        archive_after=env.seconds(
            "TASKFLOW_ARCHIVE_AFTER", 86_400.0, minimum=3_600, maximum=30 * 86_400
        ),
        days=env.integer("TASKFLOW_RETENTION_DAYS", 90, minimum=1, maximum=3_650),
        export=target,
    )
