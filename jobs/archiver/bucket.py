"""A bucket of S3-compatible storage as a place for exports. Needs the package obstore, which is optional.

Credentials, region and endpoint come from the usual variables (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` and
so on), or from the machine's role.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

# All tries of one request together; each has 30 seconds by itself.
TRIES_SECONDS = 90
_LONGEST = 300  # characters of an error


class BucketFailed(OSError):
    """The storage refused or did not answer."""


class Bucket:
    """One week's place in a bucket. An object appears when all of it was stored."""

    def __init__(self, url: str) -> None:
        """Take `s3://bucket/prefix`. Raises BucketFailed."""
        try:
            from obstore.store import S3Store
        except ImportError as missing:
            raise BucketFailed("the package obstore is not installed") from missing
        with _failures():
            self._store = S3Store.from_url(
                url,
                retry_config={
                    "max_retries": 3,
                    "retry_timeout": timedelta(seconds=TRIES_SECONDS),
                },
            )

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Write to a file of this machine; it is stored when the block ends well."""
        import obstore

        with tempfile.TemporaryDirectory(prefix="taskflow-export-") as folder:
            path = Path(folder) / name
            with path.open("wb") as file:
                yield file
            with _failures():
                obstore.put(self._store, name, path)

    def read(self, name: str) -> bytes | None:
        """Return an object's content; None when it is not there."""
        import obstore

        try:
            with _failures():
                return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        """Return an object's size in bytes; None when it is not there."""
        import obstore

        try:
            with _failures():
                return int(obstore.head(self._store, name)["size"])
        except FileNotFoundError:
            return None


@contextmanager
def _failures() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as error:
        # What follows the first line is for obstore's developers.
        raise BucketFailed(str(error).partition("\n")[0][:_LONGEST]) from error
