"""What building a kind gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from templates_app.recurrence.document import Document
from templates_app.recurrence.errors import Caution
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.timeline import (
    LONGEST_CHANGE,
    DstGap,
    DstOverlap,
    DstPolicy,
    WallSchedule,
)
from templates_app.recurrence.value import Recurrence
from templates_app.recurrence.walls import Walls
from templates_app.recurrence.zones import Zone

Nested: TypeAlias = Callable[[Any], Recurrence]

DST = ("dst_gap", "dst_overlap")
GAPS = ("shift", "gap_end", "skip")
OVERLAPS = ("auto", "first", "second", "both")


@dataclass(frozen=True, kw_only=True)
class Built:
    """A kind's schedule with what the common options need to know of it.

    `canonical` holds the kind's own keys, `origin` (naive UTC) is where its counting starts if it
    has such a point, `proven` says that the kind refused already what never happens. `examine`
    looks further than a text that was accepted before needs: it refuses what never happens and
    returns what is allowed and probably not meant, beside `cautions`.
    """

    schedule: Schedule
    zone: Zone
    canonical: dict[str, Any]
    origin: datetime | None = None
    proven: bool = True
    cautions: tuple[Caution, ...] = ()
    examine: Callable[[], tuple[Caution, ...]] = tuple


def not_after(wall: datetime, zone: Zone) -> datetime:
    """Return a naive UTC instant at which or after which a wall time runs, whatever the policy.

    A wall time that a clock change leaves out may run before its own reading: with `gap_end` when
    the gap ends.
    """
    return zone.instant(wall) - LONGEST_CHANGE


def wall_schedule(
    document: Document, stream: Walls, zone: Zone, *, repeats: bool = False
) -> tuple[WallSchedule, dict[str, Any]]:
    """Put a stream of wall times under the document's DST policy; return the policy's keys too.

    `repeats` says what `auto` means: a repetition (both passes) or named times (the first).
    """
    gap = cast(DstGap, document.choice("dst_gap", "shift", GAPS))
    overlap = cast(DstOverlap, document.choice("dst_overlap", "auto", OVERLAPS))
    chosen: Literal["first", "second", "both"]
    chosen = ("both" if repeats else "first") if overlap == "auto" else overlap
    schedule = WallSchedule(stream, zone, DstPolicy(gap, chosen))
    return schedule, {"dst_gap": gap, "dst_overlap": overlap}
