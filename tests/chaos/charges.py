"""What happens at fault points: files in one folder, read by every process, written by the test.

`POINT.charge` holds a Charge as JSON; `POINT.hit.N` is made by whoever was hit, so that a charge hits
only so often over all processes together.
"""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import OperationalError

ACTIONS = ("kill", "stall", "raise")


class Injected(OperationalError):
    """Raised at a fault point; looks like a database that is away."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What happens at a point: with which probability, how often in all, for how long (a stall)."""

    action: str
    probability: float
    times: int
    seconds: float
    number: int  # of the charge, so that hits of an earlier one do not count
    seed: int


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A process was hit at a point."""

    point: str
    action: str
    at: float
    pid: int


class Charges:
    """The folder. `reached` belongs to processes, the rest to the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._chance: dict[str, random.Random] = {}

    def reached(self, point: str) -> None:
        """Suffer what is charged at the point, if anything."""
        try:
            written = json.loads(self._charge(point).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return
        charge = Charge(**written)
        chance = self._chance.setdefault(
            f"{point} {charge.number}", random.Random(f"{charge.seed} {point} {os.getpid()}")
        )
        if chance.random() < charge.probability and self._take(point, charge):
            _suffer(charge)

    def lay(self, point: str, charge: Charge) -> None:
        """Charge the point; what lay there before is gone."""
        draft = self._charge(point).with_suffix(".draft")
        draft.write_text(json.dumps(asdict(charge)), encoding="utf-8")
        draft.rename(self._charge(point))

    def lift(self, point: str) -> None:
        """Make the point harmless again."""
        self._charge(point).unlink(missing_ok=True)

    def hits(self, number: int) -> Iterator[Hit]:
        """Yield whom the charge of that number hit."""
        for path in sorted(self._folder.glob(f"*.hit.{number}.*")):
            yield Hit(**json.loads(path.read_text(encoding="utf-8") or "null"))

    def _take(self, point: str, charge: Charge) -> bool:
        hit = Hit(point=point, action=charge.action, at=time.time(), pid=os.getpid())
        for number in range(charge.times):
            path = self._folder / f"{point}.hit.{charge.number}.{number}"
            draft = self._folder / f".{point}.{os.getpid()}.{charge.number}"
            draft.write_text(json.dumps(asdict(hit)), encoding="utf-8")
            try:
                # Never half written, and only one process makes each.
                os.link(draft, path)
            except FileExistsError:
                continue
            finally:
                draft.unlink()
            return True
        return False

    def _charge(self, point: str) -> Path:
        return self._folder / f"{point}.charge"


def _suffer(charge: Charge) -> None:
    if charge.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif charge.action == "stall":
        time.sleep(charge.seconds)
    else:
        raise Injected("injected at a fault point of the chaos test")
