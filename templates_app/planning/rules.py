"""What decides over one template's occurrences."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile

from templates_app.calendars.openness import ClosedPolicy, Moved, Opening, Outcome
from templates_app.planning.window_book import WindowBook
from templates_app.recurrence.moments import Moment
from templates_app.recurrence.value import Recurrence

# `previous_…` moves occurrences to an earlier day, so planning looks this far beyond the horizon.
LOOK_AHEAD = timedelta(days=35)
# `next_…` and held occurrences of this far back may still lie ahead.
LOOK_BACK = timedelta(days=35)
NOTHING = timedelta(0)
MOST_HELD = 20_000
MOST_LOOKED_BACK = 5_000
HOUR = timedelta(hours=1)
BACKWARDS = (ClosedPolicy.PREVIOUS_OPEN, ClosedPolicy.PREVIOUS_BUSINESS_DAY)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A template's recurrence, its calendars, and the maintenance windows that apply to it.

    `seed` is the template's id: it decides where in a release its held occurrences go.
    """

    recurrence: Recurrence
    seed: str = ""
    opening: Opening | None = None
    on_closed: ClosedPolicy = ClosedPolicy.SKIP
    windows: WindowBook | None = None
    # By the range that a release answers for: it is worked out once, not for each held occurrence.
    _releases: dict[tuple[datetime, datetime], dict[datetime, datetime]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def look_ahead(self) -> timedelta:
        """How far beyond the horizon occurrences must be examined."""
        backwards = self.opening is not None and self.on_closed in BACKWARDS
        return LOOK_AHEAD if backwards else NOTHING

    def looking_back(self, now: datetime) -> datetime:
        """Return since when an occurrence may lie whose run is still to come.

        Recurrences that are dense are looked back upon for so long only that a plan stays small.
        """
        if not self.moves and self.windows is None:
            return now
        hour_ago = now - HOUR
        recent = islice(self.recurrence.moments(hour_ago), MOST_LOOKED_BACK)
        in_an_hour = sum(1 for _ in takewhile(lambda one: one.scheduled <= now, recent))
        return now - min(LOOK_BACK, HOUR * MOST_LOOKED_BACK / max(in_an_hour, 1))

    def moved(self, moment: Moment) -> Moved:
        """Return where the calendars put a moment."""
        if self.opening is None:
            return Moved(Outcome.KEPT, moment.nominal, moment.scheduled, None)
        return self.opening.move(moment.nominal, self.on_closed, moment.scheduled)

    def released(self, at: datetime) -> datetime:
        """Return when the occurrence planned `at`, inside a holding window, is released."""
        assert self.windows is not None
        windows = self.windows.near(at)
        held = windows.held_range(at)
        assert held is not None
        if held not in self._releases:
            releases = windows.releases(self.seed, self._planned_within(*held))
            self._releases[held] = {one.occurrence: one.released_at for one in releases}
        # Beyond MOST_HELD occurrences the rest is released together, when the last window ends.
        return self._releases[held].get(at, held[1])

    @property
    def moves(self) -> bool:
        """Whether the calendars may put an occurrence at another time, and so onto another one."""
        return self.opening is not None and self.on_closed is not ClosedPolicy.SKIP

    def _planned_within(self, start: datetime, end: datetime) -> list[datetime]:
        """Return what is planned from `start` to before `end`, the calendars applied, in order."""
        back = LOOK_BACK if self.moves else NOTHING
        planned: set[datetime] = set()
        for examined, moment in enumerate(
            self.recurrence.moments(start - back - timedelta(microseconds=1))
        ):
            if moment.scheduled >= end + self.look_ahead or examined >= MOST_HELD:
                break
            instant = self.moved(moment).instant if moment.runs else None
            if instant is not None and start <= instant < end:
                planned.add(instant)
        return sorted(planned)
