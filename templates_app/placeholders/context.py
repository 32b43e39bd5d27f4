"""What a placeholder may speak of."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tenants.zone_names import known_time_zones


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One run of one template.

    The three times are aware, of any zone; placeholders see them in `timezone`, the IANA name of
    the template's zone. `occurrence` is when the run is due by the recurrence, `planned` when it
    was really planned after clock changes, holidays and windows, `previous_occurrence` the one
    before, None for the first. Raises `ValueError` for a time without zone or an unknown zone.
    """

    occurrence: datetime
    planned: datetime
    previous_occurrence: datetime | None
    template_id: str
    template_name: str
    merchant_slug: str
    merchant_name: str
    timezone: str

    def __post_init__(self) -> None:
        for moment in (self.occurrence, self.planned, self.previous_occurrence):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError("The times of a context need a zone.")
        if self.timezone not in known_time_zones():
            raise ValueError(f"{self.timezone!r} is no IANA time zone.")

    @property
    def zone(self) -> ZoneInfo:
        """The template's zone."""
        return ZoneInfo(self.timezone)
