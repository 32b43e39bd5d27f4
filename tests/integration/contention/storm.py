"""Some merchants' jobs under some rules, two populators that both believe that they lead, and a worker.

What a person does (`steer`) happens between the rounds, so that the rules of a round are one thing; what
workers and the watcher do happens while both populators step.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Flow, Job, Worker
from jobs.populator import populate
from jobs.states import FINAL
from tenants.clock import database_now
from tests.factories.flows import make_flow
from tests.factories.jobs import SECOND, make_job, make_merchant, make_worker
from tests.integration.contention.hands import Hands
from tests.integration.contention.turns import Call
from tests.integration.contention.witness import Witness

ENGINE = Engine(step_limit=6)
LANES = ["async", "process"]
HANDLERS = ["demo.noop", "demo.echo"]
KEYS = {"one": 1, "two": 2}
SCOPES = [
    ("merchant", ""),
    ("kind", "python"),
    ("lane", "async"),
    ("lane", "process"),
    ("handler", "demo.noop"),
    ("handler", "demo.echo"),
    ("key", "one"),
    ("key", "two"),
]
Together = Callable[[list[Call], random.Random], list[Any]]


class Storm:
    """One seed's rules, jobs and events.

    `lag`: seconds by which the second populator's clock is late. `late`: how many jobs a round are created
    while the populators step, due before others that are in line already.
    """

    def __init__(
        self,
        chance: random.Random,
        *,
        together: Together,
        witness: Witness,
        rules: int,
        lag: float,
        late: int,
    ) -> None:
        self._chance = chance
        self._together = together
        self._witness = witness
        self._lag = lag
        self._late = late
        # An hour ahead, attempts that failed are due whatever pause their real clock gave them.
        self.now = database_now() + 3600 * SECOND
        self.merchants = [make_merchant(weight=weight) for weight in (5, 2, 1)]
        self.suspended = make_merchant(active=False)
        self._rules = self._make_rules(rules)
        self._workers = [self._worker("async"), self._worker("process", capacity=4)]
        self._hands = Hands(chance, ENGINE, self.now)
        for _ in range(12):
            self._create()
        self._create(merchant=self.suspended)

    def round(self) -> None:
        """Let some time pass and people steer; then two populators step while workers work."""
        self._pass(self._chance.uniform(0.01, 0.9))
        for _ in range(self._chance.randrange(4)):
            self._steer()
        happens = [*self._hands.some(6), *[self._create_late] * self._late]
        self._chance.shuffle(happens)
        self._step(lambda: [one() for one in happens])

    def finish(self, *, late: Job, soon: int, bound: int) -> None:
        """Take the pauses away, go on; fail unless all have run in `bound` rounds, and `late` in `soon`."""
        Flow.objects.update(paused_at=None)
        for number in range(bound):
            self._pass(1.0)
            self._step(self._hands.work_off)
            left = Job.objects.exclude(status__in=FINAL).exclude(merchant=self.suspended)
            assert number < soon or not left.filter(pk=late.pk).exists(), (
                "The smallest one starves."
            )
            if not left.exists():
                return
        raise AssertionError(f"Left behind: {list(left.values())}")

    def latecomer(self) -> Job:
        """Return a job of the smallest merchant, behind a flood of the largest one's."""
        for _ in range(20):
            self._create(merchant=self.merchants[0])
        return make_job(
            merchant=self.merchants[2], run_at=self.now, timeout=86_400, max_attempts=50
        )

    def _make_rules(self, number: int) -> list[Flow]:
        wanted = [
            (owner, scope, name)
            for owner in [None, *self.merchants]
            for scope, name in SCOPES
            if (scope in ("merchant", "key")) <= (owner is not None)
        ]
        rules = []
        for owner, scope, name in self._chance.sample(wanted, number):
            most, rate = self._chance.choice([(1, None), (3, None), (None, 2), (4, 3)])
            rules.append(
                make_flow(merchant=owner, scope=scope, name=name, most_active=most, rate=rate,
                          burst=rate and self._chance.randint(1, 4), rate_period=1)
            )  # fmt: skip
        return rules

    def _worker(self, lane: str, **values: Any) -> Worker:
        measured = {f"python:{name}": 0.001 for name in HANDLERS}
        return make_worker(lane=lane, run_times=measured, heartbeat_at=self.now, **values)

    def _pass(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._witness.set_clock(self.now)
        self._hands.now = self.now
        ids = [worker.pk for worker in [*self._workers, self._hands.worker]]
        Worker.objects.filter(pk__in=ids).update(heartbeat_at=self.now)

    def _step(self, hands: Call) -> None:
        clocks = [self.now, self.now - self._chance.uniform(0, self._lag) * SECOND]
        calls: list[Call] = [lambda now=now: self._populate(now) for now in clocks]  # type: ignore[misc]
        done = self._together([*calls, hands], self._chance)
        self._witness.check()
        assert not any(step.undecided or step.refused for step in done[:2])

    @staticmethod
    def _populate(now: Any) -> Any:
        for _ in range(3):
            done = populate(now, ENGINE)
            if not done.more:
                break
        return done

    # What people do.

    def _steer(self) -> None:
        jobs = list(Job.objects.exclude(merchant=self.suspended).order_by("pk"))
        match self._chance.choice(
            ["create", "create", "create", "move", "advance", "restart", "rule"]
        ):
            case "create":
                self._create()
            case "move":
                change = self._chance.choice(
                    [{"run_at": self._soon()}, {"priority": 9}, {"handler": HANDLERS[1]}]
                )
                lifecycle.edit(job_id=self._chance.choice(jobs).pk, changes=change)
            case "advance":
                lifecycle.advance(job_ids=[self._chance.choice(jobs).pk], now=self.now)
            case "restart":
                ended = [job.pk for job in jobs if job.status in ("failed", "cancelled")][:1]
                lifecycle.restart(job_ids=ended, now=self.now, by="somebody")
            case _:
                self._change_rule()

    def _change_rule(self) -> None:
        if not self._rules:
            return
        rule = self._chance.choice(self._rules)
        paused = self._chance.choice([None, None, self.now])
        most = rule.most_active and self._chance.randint(1, 4)
        Flow.objects.filter(pk=rule.pk).update(paused_at=paused, most_active=most)

    def _create(self, **values: Any) -> None:
        key = self._chance.choice(["", "", *KEYS])
        merchant = self._chance.choices(self.merchants, weights=[6, 3, 1])[0]
        make_job(
            **{
                "merchant": merchant,
                "lane": self._chance.choice(LANES),
                "handler": self._chance.choice(HANDLERS),
                "priority": self._chance.randrange(11),
                "run_at": self._chance.choice([self.now, self._soon()]),
                "concurrency_key": key,
                "concurrency_limit": KEYS.get(key, 1),
                "timeout": 86_400,
                "max_attempts": 50,
                **values,
            }
        )

    def _create_late(self) -> None:
        earlier = self.now - self._chance.uniform(0, 2) * SECOND
        self._create(
            merchant=self.merchants[0], run_at=earlier, concurrency_key="one", concurrency_limit=1
        )

    def _soon(self) -> Any:
        return self.now + self._chance.uniform(0, 3) * SECOND
