"""Where a template stands once it was planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from templates_app.expander.due import remembered
from templates_app.expander.outcome import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """What ADVANCE writes. Moments are naive UTC.

    `expanded_to` None: it stays where it was. `moved`, as the row keeps it: None when nothing changed.
    """

    template_id: UUID
    expanded_to: datetime | None
    next_expansion_at: datetime | None
    moved: Mapping[str, str] | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that ADVANCE takes."""
        stand: dict[str, Any] = {
            "id": self.template_id.hex,
            "expanded_to": _utc(self.expanded_to),
            "next_expansion_at": _utc(self.next_expansion_at),
        }
        if self.moved is not None:
            stand["moved"] = self.moved
        return stand


def stand_of(outcome: Outcome, now: datetime) -> Stand:
    """Return where the outcome leaves its template. `now` is naive UTC."""
    moved = remembered(outcome.moved, now) if outcome.moved else {}
    changed = moved != outcome.template.moved
    return Stand(
        template_id=outcome.template.id,
        expanded_to=outcome.expanded_to,
        next_expansion_at=outcome.next_expansion_at,
        moved={nominal.isoformat(): at.isoformat() for nominal, at in moved.items()}
        if changed
        else None,
    )


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat() + "Z"
