"""A folder of exports: files appear under their names only when they are complete and on the disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Exports hold payloads, which may hold anything.
FOLDER_MODE = 0o700
FILE_MODE = 0o600


class Folder:
    """One week's folder. All methods raise OSError when the disk is full or the folder not ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _sync_folder(path.parent)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Write a file under a temporary name; it gets its own when the block ends well."""
        unfinished = self._path / f".{name}.unfinished"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path / name)
        _sync_folder(self._path)

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None when it is not there."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes; None when it is not there."""
        try:
            return (self._path / name).stat().st_size
        except FileNotFoundError:
            return None


def _sync_folder(path: Path) -> None:
    # Without it a rename may be forgotten when the machine loses its power.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
