"""After an outage: which of the missed occurrences run after all. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class MisfirePolicy:
    """A template's choice. `grace` and `window` are how late counts as missed, and as too late."""

    policy: str  # skip, run_once or run_all
    grace: timedelta
    window: timedelta
    limit: int

    def missed_at(self, run_at: datetime) -> datetime:
        """When a planned job that was not handed out becomes a missed one."""
        return run_at + self.grace

    def is_missed(self, run_at: datetime, now: datetime) -> bool:
        """Whether an occurrence that has no job yet was missed."""
        return run_at + self.grace <= now


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of missed occurrences, given as positions in the sequence that was judged."""

    made_up: frozenset[int]
    reason: str


def judge(
    policy: MisfirePolicy, missed: Sequence[datetime], *, now: datetime, another_due: bool
) -> Verdict:
    """Choose among the times (sorted) of missed occurrences those that run now.

    `another_due`: an occurrence that is due and not missed runs anyhow, which is the one run that
    `run_once` asks for. The reason is for the others.
    """
    fresh = [index for index, at in enumerate(missed) if at >= now - policy.window]
    if policy.policy == "skip":
        return Verdict(frozenset(), "Missed in an outage; missed runs are skipped.")
    if policy.policy == "run_once":
        chosen = () if another_due else fresh[-1:]
        return Verdict(frozenset(chosen), "Missed in an outage; only the last missed run was run.")
    chosen = fresh[-policy.limit :]
    window = _span(policy.window)
    return Verdict(
        frozenset(chosen),
        f"Missed in an outage; at most {policy.limit:,} missed runs of the last {window} are run.",
    )


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return name if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"
