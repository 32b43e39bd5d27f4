"""The client's log: what producers asked for and what they were told, kept in memory and on disk."""

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Asked:
    """One job that a producer asked for; `job` is its id once a 2xx told it."""

    name: str
    merchant: str
    kind: str
    handler: str = ""
    delay: float = 0.0
    fails: int = 0
    key: str = ""
    limit: int = 0
    parents: tuple[str, ...] = ()
    sent_at: float = 0.0
    job: str = ""
    acknowledged_at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """The answer to a cancel: 200, the job is cancelled; 202, it was asked to stop; 409, it has ended,
    in whatever way."""

    job: str
    acknowledged_at: float
    status: int


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A template that a producer made, and when it was switched off."""

    template: str
    merchant: str
    step: float
    made_at: float
    off_at: float = 0.0


@dataclass(kw_only=True)
class ClientLog:
    """What all producers together know. `foreign`: jobs that a merchant saw and did not create."""

    asked: dict[str, Asked] = field(default_factory=dict)
    cancelled: list[Cancelled] = field(default_factory=list)
    templates: list[Planned] = field(default_factory=list)
    merchants: dict[str, str] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    refused: int = 0
    repeated: int = 0


class LogWriter:
    """Adds to a ClientLog from any thread, and to its file."""

    def __init__(self, path: Path) -> None:
        self.log = ClientLog()
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def will_ask(self, jobs: list[Asked]) -> None:
        """Note what is about to be sent, so that nothing created is unknown."""
        with self._lock:
            self.log.asked.update((job.name, job) for job in jobs)
            self._write("will_ask", [asdict(job) for job in jobs])

    def acknowledged(self, jobs: list[Asked], ids: list[str], at: float) -> None:
        """Note the ids that a 2xx told."""
        with self._lock:
            for job, job_id in zip(jobs, ids, strict=True):
                job.job, job.acknowledged_at = job_id, at
            self._write("acknowledged", [[job.name, job.job, at] for job in jobs])

    def cancelled(self, one: Cancelled) -> None:
        """Note an acknowledged cancel."""
        with self._lock:
            self.log.cancelled.append(one)
            self._write("cancelled", asdict(one))

    def planned(self, one: Planned) -> None:
        """Note a template."""
        with self._lock:
            self.log.templates.append(one)
            self._write("planned", asdict(one))

    def foreign(self, sentence: str) -> None:
        """Note that a merchant saw what is not its own."""
        with self._lock:
            self.log.foreign.append(sentence)
            self._write("foreign", sentence)

    def not_answered(self) -> None:
        """Count a request that got no answer, or not a 2xx, and will be sent again."""
        with self._lock:
            self.log.refused += 1

    def repeated(self) -> None:
        """Count an answer that was a replay of an earlier one."""
        with self._lock:
            self.log.repeated += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, what: str, detail: Any) -> None:
        self._file.write(json.dumps([what, detail]) + "\n")
