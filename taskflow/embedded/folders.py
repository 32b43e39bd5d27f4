"""Folders of our own; nobody else's are ever opened or changed."""

from pathlib import Path

# For root only, and only when the checkout or the home lies below a folder closed to others.
SHARED = Path("/var/lib/taskflow")


def make_folder(path: Path, mode: int) -> None:
    """Make the folder with exactly this mode, whatever the umask; leave an existing one alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    path.chmod(mode)
