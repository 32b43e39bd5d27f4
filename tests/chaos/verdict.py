"""What a run proves: passed, failed, or nothing (inconclusive)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.chaos import Told
from tests.chaos.promises import PROMISES, check, explained_repeats, recoveries
from tests.chaos.schedule import Strike, names_of
from tests.chaos.witnesses import FINAL

PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"
SHOWN = 20


@dataclass(kw_only=True)
class Verdict:
    """A run's figures and its verdict, as written to JSON. Times in seconds."""

    verdict: str
    seed: int
    seconds: float
    jobs: int
    attempts: int
    calls: int
    template_jobs: int
    faults: int
    kinds_of_faults: int
    lost: int
    double_finals: int
    unexplained_duplicates: int
    explained_duplicates: int
    lost_attempts: int
    refused_writes: int
    poison: int
    api_retries: int
    api_replays: int
    capacity: float
    rate: float
    drain_seconds: float
    recovered: int
    recovery_p50: float | None
    recovery_p99: float | None
    recovery_max: float | None
    fired: dict[str, int] = field(default_factory=dict)
    not_fired: list[str] = field(default_factory=list)
    revived: dict[str, int] = field(default_factory=dict)
    inconclusive_because: list[str] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it with at most twenty sentences a promise."""
        broken = {name: [*found[:SHOWN], *_more(found)] for name, found in self.broken.items()}
        return {**asdict(self), "broken": broken, "promises": list(PROMISES)}


def judge(told: Told, *, seed: int, strikes: Sequence[Strike], needs_zombies: bool) -> Verdict:
    """Return the verdict. It proves nothing unless all faults fired and a zombie was refused."""
    seen = told.seen
    broken = check(seen)
    found = [*told.problems]
    if not told.drained:
        found.append("the queue did not drain")
    missing = sorted(names_of(strikes) - told.fired.keys())
    doubts = [f"never fired: {name}" for name in missing]
    if needs_zombies and not told.refused_writes:
        doubts.append("no write of a zombie was refused")
    seconds = sorted(seconds for _, seconds in recoveries(seen))
    own = [job for job in seen.jobs if not job.template]
    return Verdict(
        verdict=FAILED if broken or found else INCONCLUSIVE if doubts else PASSED,
        seed=seed,
        seconds=round(told.chaos_seconds, 1),
        jobs=len(seen.jobs),
        attempts=len(seen.attempts),
        calls=len(seen.calls),
        template_jobs=len(seen.jobs) - len(own),
        faults=sum(told.fired.values()),
        kinds_of_faults=len(told.fired),
        lost=_count(broken, "acknowledged_jobs_exist")
        + sum(job.status not in FINAL for job in seen.jobs),
        double_finals=_count(broken, "one_final_state"),
        unexplained_duplicates=sum(
            _count(broken, name)
            for name in ("no_phantom", "one_call_an_attempt", "extra_calls_explained")
        ),
        explained_duplicates=explained_repeats(seen),
        lost_attempts=sum(attempt.outcome == "lost" for attempt in seen.attempts),
        refused_writes=told.refused_writes,
        poison=sum(letter.code == "poison" for letter in seen.letters),
        api_retries=seen.client.refused,
        api_replays=seen.client.repeated,
        capacity=round(told.capacity, 1),
        rate=round(told.rate, 1),
        drain_seconds=round(told.drain_seconds, 1),
        recovered=len(seconds),
        recovery_p50=_percentile(seconds, 0.50),
        recovery_p99=_percentile(seconds, 0.99),
        recovery_max=_percentile(seconds, 1.0),
        fired=dict(sorted(told.fired.items())),
        not_fired=sorted(told.missed),
        revived={name: told.revived.count(name) for name in sorted(set(told.revived))},
        inconclusive_because=doubts,
        broken=broken,
        problems=found,
    )


def _percentile(seconds: Sequence[float], part: float) -> float | None:
    if not seconds:
        return None
    return round(seconds[min(len(seconds) - 1, int(part * len(seconds)))], 2)


def _count(broken: dict[str, list[str]], name: str) -> int:
    return len(broken.get(name, ()))


def _more(found: Sequence[str]) -> list[str]:
    return [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
