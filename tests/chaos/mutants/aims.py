"""Short runs, each aimed at one promise: few processes, the load and the fault that matter."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from jobs import fault_points
from tests.chaos import faults
from tests.chaos.chaos import Plan
from tests.chaos.faults import Fault
from tests.chaos.orders import Order, Orders
from tests.chaos.schedule import Strike
from tests.chaos.stack import WORKER_LEASE

SEED = 11
PROCESSES = (
    "api",
    "populator",
    *("worker-async", "worker-async#2"),
    "worker-process",
    "worker-control",
    "beat",
)
SECONDS = 12.0
DRAIN = 35.0


class SlowJobs(Orders):
    """Each takes long enough to be running whatever happens."""

    def next_few(self) -> Iterator[Order]:
        """Yield one."""
        yield self.http(ms=5000)


class LateAndSlowJobs(Orders):
    """Half fail once and wait long for their second attempt, half take four seconds."""

    def next_few(self) -> Iterator[Order]:
        """Yield one of each."""
        # No call: so many that fail in a row, and the host would be given up.
        yield self.python("chaos.async", ms=5, fails=1, backoff=6.0)
        yield self.http(ms=4000)


class KeyedJobs(Orders):
    """All of a merchant have one key."""

    def next_few(self) -> Iterator[Order]:
        """Yield one."""
        yield self.python("chaos.async", ms=200, key="key-0")


class CancelledJobs(Orders):
    """Half are cancelled at once."""

    def next_few(self) -> Iterator[Order]:
        """Yield one of each."""
        yield self.http(ms=5)
        yield self.http(ms=5, cancel=True)


def _aim(*strikes: tuple[float, Fault], **changes: object) -> Plan:
    fields: dict[str, object] = {
        "seconds": SECONDS,
        "seed": SEED,
        "processes": PROCESSES,
        "rate": 20.0,
        "burst": 0,
        "calm": 2.0,
        "drain": DRAIN,
        "templates": False,
        "strikes": [Strike(at, fault) for at, fault in strikes],
        **changes,
    }
    return Plan(**fields)  # type: ignore[arg-type]


def nothing() -> Plan:
    """Load alone."""
    return _aim()


def zombie() -> Plan:
    """A worker wakes with results in its hands while another one runs the next attempts."""
    # Then the second attempts are under way, and not at their ends.
    zombie = faults.Zombie(hold=WORKER_LEASE + 3.0)
    return _aim((6.0, zombie), stream=SlowJobs, rate=8.0, seconds=19.0)


def replay() -> Plan:
    """Messages that were worked on come again."""
    strikes = [(at, faults.RestoreSnapshot(hold=1.5)) for at in (2.0, 6.0)]
    return _aim(*strikes, stream=LateAndSlowJobs, rate=30.0)


def slow_commit() -> Plan:
    """The populator stands still just after it has published."""
    stall = faults.HarmlessAtPoint(
        point=fault_points.POPULATOR_AFTER_PUBLISH,
        action="stall",
        hold=8.0,
        probability=0.5,
        times=10,
        stall=0.4,
    )
    return _aim((0.5, stall))


def silent_populator() -> Plan:
    """The populator dies between its commit and its publish."""
    return _aim((0.5, _at(fault_points.POPULATOR_AFTER_COMMIT, "kill")))


def killed_worker() -> Plan:
    """A worker dies in the middle of its attempts."""
    kill = faults.Kill(process="worker-async", hold=2.0)
    return _aim((2.0, kill), stream=SlowJobs, rate=8.0)


def lost_acknowledgement() -> Plan:
    """Results are written, and the answer to that is lost."""
    return _aim((0.5, _at(fault_points.RECORDER_AFTER_COMMIT, "raise")))


def two_expanders() -> Plan:
    """Expanders stand still before their commits, so that others look meanwhile."""
    stall = faults.HarmlessAtPoint(
        point=fault_points.EXPANDER_BEFORE_COMMIT,
        action="stall",
        hold=SECONDS - 2,
        probability=0.7,
        times=20,
        stall=1.5,
    )
    more = ("worker-control#2", "beat#2")
    return _aim((0.5, stall), processes=(*PROCESSES, *more), templates=True, seconds=20.0)


def keys() -> Plan:
    """Load of jobs with keys."""
    return _aim(stream=KeyedJobs, rate=12.0)


def cancels() -> Plan:
    """Workers stand still, shorter than their lease, while what is queued is cancelled."""
    strikes = [
        (at, faults.Freeze(process=name, hold=2.5))
        for at in (1.0, 6.0)
        for name in ("worker-async", "worker-async#2")
    ]
    return _aim(*strikes, stream=CancelledJobs)


def lost_answers() -> Plan:
    """Requests are committed, and the answer is a 503."""
    return _aim((0.5, _at(fault_points.API_AFTER_COMMIT, "raise")))


def _at(point: str, action: str) -> Fault:
    return faults.AtPoint(point=point, action=action, hold=8.0, probability=0.5, times=4)


Aim: TypeAlias = Callable[[], Plan]
AIMS: Mapping[str, Aim] = MappingProxyType(
    {
        aim.__name__: aim
        for aim in (
            nothing,
            zombie,
            replay,
            slow_commit,
            silent_populator,
            killed_worker,
            lost_acknowledgement,
            two_expanders,
            keys,
            cancels,
            lost_answers,
        )
    }
)
