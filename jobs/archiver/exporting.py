"""A detached week as JSON Lines, compressed with zstd, with a manifest that says what is in it.

A week is written part by part, in the order of its ids; the manifest is written anew after each, and says
at last that it is complete. Killed at any moment, an export goes on behind the last part that the manifest
names: the week is detached, so its rows do not change.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import UUID

from backports import zstd
from django.db import connection, transaction
from psycopg import sql

from jobs.archiver.bucket import Bucket
from jobs.archiver.folder import Folder

MANIFEST = "manifest.json"
PART_ROWS = 100_000
# An execution may have 64 kB of output, and as much of a log.
ROWS_AT_ONCE = 200

_ROWS = sql.SQL(
    "SELECT id, to_jsonb(kept)::text FROM {} AS kept WHERE id > {} ORDER BY id LIMIT {}"
)


class ExportFailed(Exception):
    """A week could not be exported; it was not dropped, and the next run goes on."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of an export."""

    file: str
    rows: int
    bytes: int
    sha256: str  # of the file, compressed as it is
    first_id: str
    last_id: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an export holds. `table` is the week's own name, and its parts are in the order of their ids."""

    table: str
    complete: bool = False
    rows: int = 0
    first_id: str | None = None
    last_id: str | None = None
    parts: tuple[Part, ...] = ()


class Store(Protocol):
    """Where one week goes. A file is there as a whole or not at all; raises OSError."""

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]: ...
    def read(self, name: str) -> bytes | None: ...
    def size(self, name: str) -> int | None: ...


def open_store(target: str, table: str) -> Store:
    """Return the place of a week within a folder or a bucket. Raises OSError."""
    if target.startswith("s3://"):
        return Bucket(f"{target.rstrip('/')}/{table}")
    return Folder(Path(target) / table)


def export_part(table: str, target: str) -> tuple[Manifest, int]:
    """Write the next part of a detached week, and the manifest; return that and the part's rows.

    `target` is the path of a folder, or `s3://bucket/prefix`.

    Raises ExportFailed.
    """
    try:
        files = open_store(target, table)
        found = read_manifest(files, table)
        if found.complete:
            return found, 0
        part = _write(table, files, number=len(found.parts) + 1, after=found.last_id)
        manifest = _with(found, part) if part is not None else replace(found, complete=True)
        with files.writing(MANIFEST) as file:
            file.write(json.dumps(asdict(manifest), indent=1).encode())
    except OSError as error:
        raise ExportFailed(
            f"{table} could not be exported to {target}: {error.strerror or error}."
        ) from error
    return manifest, part.rows if part is not None else 0


def read_manifest(files: Store, table: str) -> Manifest:
    """Return how far an export has come; from the start when a part that it names is not there."""
    text = files.read(MANIFEST)
    if text is None:
        return Manifest(table=table)
    stored = json.loads(text)
    manifest = Manifest(**{**stored, "parts": tuple(Part(**part) for part in stored["parts"])})
    if any(files.size(part.file) != part.bytes for part in manifest.parts):
        return Manifest(table=table)
    return manifest


def _with(manifest: Manifest, part: Part) -> Manifest:
    return replace(
        manifest,
        complete=part.rows < PART_ROWS,
        rows=manifest.rows + part.rows,
        first_id=manifest.first_id or part.first_id,
        last_id=part.last_id,
        parts=(*manifest.parts, part),
    )


def _write(table: str, files: Store, *, number: int, after: str | None) -> Part | None:
    """Write one part; None when there are no rows left."""
    rows = _rows(table, UUID(after) if after else UUID(int=0))
    first = next(rows, None)
    if first is None:
        return None
    name = f"part-{number:06d}.jsonl.zst"
    with files.writing(name) as file:
        counted = _Counted(file)
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1})
        count = 0
        for last in chain([first], rows):
            counted.write(compressor.compress(last[1]))
            count += 1
        counted.write(compressor.flush())
    return Part(
        file=name,
        rows=count,
        bytes=counted.bytes,
        sha256=counted.digest.hexdigest(),
        first_id=str(first[0]),
        last_id=str(last[0]),
    )


def _rows(table: str, after: UUID) -> Iterator[tuple[UUID, bytes]]:
    statement = _ROWS.format(sql.Identifier(table), sql.Literal(after), sql.Literal(PART_ROWS))
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for row_id, text in rows:
                yield row_id, f"{text}\n".encode()


class _Counted:
    """Counts and digests what goes into a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = 0
        self.digest: Any = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.bytes += len(data)
        self.digest.update(data)
