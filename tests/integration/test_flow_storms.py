"""Flow rules while all sorts of things happen: no limit is ever exceeded, and nothing stays in line."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Flow, Job
from jobs.outcomes import Ending, Result
from jobs.states import FINAL
from tenants.clock import database_now
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine(step_limit=5)
HANDLERS = ["demo.noop", "demo.echo"]
IN_HANDS = ("queued", "running")

# Whose rule: the first or second merchant's own, the operators' for one of them, or theirs over all.
OWNERS = [(0, False), (1, False), (0, True), (1, True), (None, True)]
rules = st.lists(
    st.tuples(
        st.sampled_from(
            [("merchant", ""), ("kind", "python"), ("lane", "async"), ("handler", "demo.noop")]
        ),
        st.sampled_from(OWNERS),
        st.none() | st.integers(1, 3),
        st.none() | st.integers(1, 3),
    ),
    max_size=4,
    unique_by=lambda one: (one[0], one[1]),
)
verbs = ["step", "claim", "succeed", "fail", "lose", "unqueue", "cancel", "edit", "restart", "pause",
         "resume", "advance", "tick", "create"]  # fmt: skip
events = st.lists(st.tuples(st.sampled_from(verbs), st.integers(0, 30)), max_size=40)


class Storm:
    """Two merchants' jobs under some rules, and what happens to them."""

    def __init__(self, wanted):
        Job.objects.all().delete()
        Flow.objects.all().delete()
        self.now = NOW
        self.worker = make_worker(lane="nowhere")
        self.runner = make_worker(run_times={f"python:{name}": 0.001 for name in HANDLERS})
        self.merchants = [make_merchant(), make_merchant()]
        self.rules = [
            make_flow(
                merchant=None if owner is None else self.merchants[owner],
                set_by_operators=operators,
                scope=scope,
                name=name,
                most_active=most,
                rate=rate,
                rate_period=1,
            )
            for (scope, name), (owner, operators), most, rate in wanted
            if (most or rate) and not (scope == "merchant" and owner is None)
        ]
        for number in range(8):
            self.create(number)

    def of(self, rule):
        jobs = Job.objects.all()
        if rule.merchant_id is not None:
            jobs = jobs.filter(merchant_id=rule.merchant_id)
        return jobs if rule.scope == "merchant" else jobs.filter(**{rule.scope: rule.name})

    def one(self, number, **filters):
        found = list(Job.objects.filter(**filters).order_by("pk"))
        return found[number % len(found)] if found else None

    def step(self, _=0):
        before = {rule.pk: self.of(rule).filter(status__in=IN_HANDS).count() for rule in self.rules}
        while True:
            done = populator.populate(self.now, ENGINE)
            if not done.more:
                break
        for rule in self.rules:
            hands = self.of(rule).filter(status__in=IN_HANDS).count()
            assert rule.most_active is None or hands <= max(rule.most_active, before[rule.pk])
            row = Flow.objects.get(pk=rule.pk)
            assert row.tokens is None or row.tokens > -1e-6
            if row.paused_at is not None:
                assert hands <= before[rule.pk]

    def create(self, number):
        make_job(
            merchant=self.merchants[number % 2],
            handler=HANDLERS[number // 2 % 2],
            priority=number % 11,
            scheduled_at=self.now - number * SECOND,
            max_attempts=50,
        )

    def claim(self, number):
        job = self.one(number, status="queued")
        if job:
            lifecycle.claim(tickets=[(job.pk, job.ticket)], worker_id=self.worker.pk, engine=ENGINE)

    def _end(self, number, result, status):
        job = self.one(number, status="running")
        if job:
            lifecycle.finish(
                [Ending(job_id=job.pk, ticket=job.ticket, outcome=result, status=status)]
            )

    def succeed(self, number):
        self._end(number, Result.SUCCEEDED, "succeeded")

    def fail(self, number):
        self._end(number, Result.FAILED, "retryable")

    def lose(self, number):
        self._end(number, Result.LOST, "retryable")

    def unqueue(self, number):
        job = self.one(number, status="queued")
        if job:
            lifecycle.unqueue([(job.pk, job.ticket)])

    def cancel(self, number):
        job = self.one(number)
        if job:
            lifecycle.cancel(job_ids=[job.pk], now=self.now)

    def edit(self, number):
        job = self.one(number)
        if job:
            change = [
                {"handler": HANDLERS[number % 2]},
                {"run_at": self.now + number * SECOND},
                {"priority": number % 11},
            ][number % 3]
            lifecycle.edit(job_id=job.pk, changes=change)

    def restart(self, number):
        job = self.one(number, status__in=("failed", "cancelled"))
        if job:
            lifecycle.restart(job_ids=[job.pk], now=self.now, by="somebody")

    def advance(self, number):
        job = self.one(number)
        if job:
            lifecycle.advance(job_ids=[job.pk], now=self.now)

    def pause(self, number):
        for rule in self.rules[: number % 3]:
            Flow.objects.filter(pk=rule.pk).update(paused_at=self.now)

    def resume(self, _):
        Flow.objects.update(paused_at=None)

    def tick(self, number):
        self.now += timedelta(milliseconds=100 * number)
        self.runner.heartbeat_at = self.now
        self.runner.save()

    def clear(self):
        """Take the rules away and let everything run to its end."""
        Flow.objects.all().delete()
        self.rules = []
        # Attempts that failed are due by the server's clock.
        self.now = max(self.now + 60 * SECOND, database_now() + 60 * SECOND)
        self.runner.heartbeat_at = self.now
        self.runner.save()
        for _ in range(100):
            if not Job.objects.exclude(status__in=FINAL).exists():
                return
            self.step()
            while Job.objects.filter(status="queued").exists():
                self.claim(0)
            while Job.objects.filter(status="running").exists():
                self.succeed(0)
        raise AssertionError(f"Left behind: {list(Job.objects.exclude(status__in=FINAL).values())}")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rules, events)
def test_limits_hold_whatever_happens_and_nothing_stays_in_line(valkey, wanted, happens):
    storm = Storm(wanted)
    storm.step()
    for verb, number in happens:
        getattr(storm, verb)(number)
        storm.step()
    storm.clear()
