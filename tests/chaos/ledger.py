"""The ledger: a line of JSON for each call that jobs make, appended at once by whoever is called."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGAN, ENDED = "began", "ended"


class LedgerFile:
    """Appends; one write a line, so that several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, what: str, **fields: Any) -> None:
        """Append what happened, with the time."""
        line = json.dumps({"what": what, "at": time.time(), **fields})
        os.write(self._file, line.encode() + b"\n")


@dataclass(kw_only=True, slots=True)
class Call:
    """One call of a job: `ended` and `status` are None when the target never came to an answer."""

    job: str
    attempt: int
    key: str
    merchant: str
    began: float
    ended: float | None = None
    status: int | None = None


def read_calls(path: Path) -> list[Call]:
    """Return the calls in the order in which they began."""
    calls: dict[str, Call] = {}
    for line in _lines(path):
        if line["what"] == BEGAN:
            calls[line["call"]] = Call(
                job=line["job"],
                attempt=int(line["attempt"]),
                key=line["key"],
                merchant=line["merchant"],
                began=line["at"],
            )
        elif (call := calls.get(line["call"])) is not None:
            call.ended, call.status = line["at"], line["status"]
    return list(calls.values())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            # A process that was killed in the middle of its write leaves half a line.
            if line.endswith("\n"):
                yield json.loads(line)
