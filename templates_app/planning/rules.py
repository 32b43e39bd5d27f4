"""What decides over one template's occurrences."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile

from templates_app.calendars.openness import ClosedPolicy, Moved, Opening
from templates_app.calendars.windows import Stop
from templates_app.planning.window_book import EPOCH, MONTH, WindowBook
from templates_app.planning.work import MONTH_OF_WINDOWS, Work, cost_of
from templates_app.recurrence.moments import Moment
from templates_app.recurrence.value import BEGINNING, Recurrence

# `previous_…` moves occurrences to an earlier day, so planning looks this far beyond the horizon.
LOOK_AHEAD = timedelta(days=35)
# `next_…` and held occurrences of this far back may still lie ahead.
LOOK_BACK = timedelta(days=35)
NOTHING = timedelta(0)
MOST_HELD = 20_000
# Every expander must come to the same releases, so a release has an account of its own.
WORK_OF_A_RELEASE = 60_000
MOST_LOOKED_BACK = 5_000
HOUR = timedelta(hours=1)
BACKWARDS = (ClosedPolicy.PREVIOUS_OPEN, ClosedPolicy.PREVIOUS_BUSINESS_DAY)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A template's recurrence, its calendars, and the maintenance windows that apply to it.

    `seed` is the template's id: it decides where in a release its held occurrences go. `born` (naive
    UTC) is when the template was made: what calendars move to before that is not planned.
    """

    recurrence: Recurrence
    seed: str = ""
    opening: Opening | None = None
    on_closed: ClosedPolicy = ClosedPolicy.SKIP
    windows: WindowBook | None = None
    born: datetime | None = None
    # By the range that a release answers for: it is worked out once, not for each held occurrence.
    _releases: dict[tuple[datetime, datetime], dict[datetime, datetime]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _months: set[int] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def look_ahead(self) -> timedelta:
        """How far beyond the horizon occurrences must be examined."""
        backwards = self.opening is not None and self.on_closed in BACKWARDS
        return LOOK_AHEAD if backwards else NOTHING

    def looking_back(self, now: datetime) -> datetime:
        """Return since when an occurrence may lie whose run is still to come.

        Recurrences that are dense are looked back upon for so long only that a plan stays small.
        Never before the time that is searched at all.
        """
        jitter = self.recurrence.jitter
        if not self.moves and self.windows is None:
            return max(now, BEGINNING + jitter) - jitter
        now = max(now, BEGINNING + LOOK_BACK)
        recent = islice(self.recurrence.moments(now - HOUR), MOST_LOOKED_BACK)
        in_an_hour = sum(1 for _ in takewhile(lambda one: one.scheduled <= now, recent))
        return now - min(LOOK_BACK, HOUR * MOST_LOOKED_BACK / max(in_an_hour, 1))

    def moved(self, moment: Moment, work: Work) -> Moved | None:
        """Return where the calendars put a moment; None when they leave it where it is."""
        if self.opening is None or self.opening.is_open(moment.nominal, moment.scheduled):
            return None
        moved = self.opening.move(moment.nominal, self.on_closed, moment.scheduled)
        if self.on_closed is not ClosedPolicy.SKIP:
            days = 0 if moved.instant is None else abs(moved.instant - moment.scheduled).days
            work.spend(cost_of(moved, self.on_closed, days))
        return moved

    def stop(self, at: datetime, work: Work) -> Stop | None:
        """Return what stops an occurrence at a naive UTC instant; None when no window does."""
        if self.windows is None:
            return None
        month = (at - EPOCH) // MONTH
        if month not in self._months:
            self._months.add(month)
            work.spend(len(self.windows.again) * MONTH_OF_WINDOWS)
        return self.windows.near(at).at(at)

    def released(self, at: datetime, work: Work) -> datetime:
        """Return when the occurrence planned `at`, inside a holding window, is released."""
        assert self.windows is not None
        windows = self.windows.near(at)
        held = windows.held_range(at)
        assert held is not None
        if held not in self._releases:
            own = Work(WORK_OF_A_RELEASE)
            releases = windows.releases(self.seed, self._planned_within(*held, own))
            self._releases[held] = {one.occurrence: one.released_at for one in releases}
            work.spend(WORK_OF_A_RELEASE - own.left)
        # Beyond MOST_HELD occurrences the rest is released together, when the last window ends.
        return self._releases[held].get(at, held[1])

    @property
    def moves(self) -> bool:
        """Whether the calendars may put an occurrence at another time, and so onto another one."""
        return self.opening is not None and self.on_closed is not ClosedPolicy.SKIP

    def _planned_within(self, start: datetime, end: datetime, work: Work) -> list[datetime]:
        """Return what is planned from `start` to before `end`, the calendars applied, in order."""
        back = LOOK_BACK if self.moves else NOTHING
        until = end + self.look_ahead
        moments = self.recurrence.moments(start - back - timedelta(microseconds=1))
        planned: set[datetime] = set()
        together_until = start - back
        for moment in islice(moments, MOST_HELD):
            if moment.scheduled >= until or work.left <= 0:
                break
            work.spend(1)
            if not moment.runs or (moment.scheduled < together_until and not moment.notes):
                continue
            moved = self.moved(moment, work)
            instant = moment.scheduled if moved is None else moved.instant
            if instant is None:
                continue
            if moved is not None and self.on_closed is ClosedPolicy.NEXT_OPEN:
                together_until = instant
            if start <= instant < end:
                planned.add(instant)
        return sorted(planned)
