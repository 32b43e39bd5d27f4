"""Keys, overlap, outages and edits all at once: no limit is exceeded, and nobody waits for ever."""

import random
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from jobs import lifecycle, populator
from jobs.models import Job
from jobs.states import FINAL
from templates_app.models import Template
from templates_app.operations.running import backfill, run_now
from templates_app.operations.templates import edit_template
from tenants.models import Merchant
from tests.factories.jobs import make_job, make_merchant, make_worker
from tests.factories.templates import HOUR, MINUTE, NOW, every, make_template
from tests.integration.templates.ticking import ENGINE, expand_until_calm, work_off

pytestmark = pytest.mark.django_db
OVERLAPS = ("allow", "skip", "queue_one", "cancel_running")
MISFIRES = ("skip", "run_once", "run_all")
KEYS = {"one": 1, "two": 2}


LIMITS = (1, 2, 4)


class Storm:
    """A merchant's templates and jobs with two keys, and what happens to them."""

    most = KEYS

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now: datetime = NOW
        self.merchant: Merchant = make_merchant()
        self.worker = make_worker(capacity=10_000, run_times={"python:demo.noop": 0.001})
        for overlap in OVERLAPS:
            make_template(
                merchant=self.merchant,
                recurrence=every(10),
                overlap=overlap,
                misfire=self.dice.choice(MISFIRES),
                **self.key(),
            )

    def key(self) -> dict[str, Any]:
        name = self.dice.choice(list(KEYS))
        return {"concurrency_key": name, "concurrency_limit": KEYS[name]}

    def template(self) -> Template:
        return self.dice.choice(list(Template.objects.order_by("id")))

    def some(self, *statuses: str) -> Job | None:
        found = list(Job.objects.filter(status__in=statuses).order_by("id"))
        return self.dice.choice(found) if found else None

    def step(self) -> None:
        self.worker.heartbeat_at = self.now
        self.worker.save()
        while populator.populate(self.now, ENGINE).more:
            pass
        places = self.places()
        waiting = Job.objects.filter(merchant=self.merchant, status="scheduled", in_line=True)
        for key in KEYS:
            first = waiting.filter(concurrency_key=key).order_by("scheduled_at", "id").first()
            if first is not None:
                assert places[key] >= first.concurrency_limit, "It waits for a place that is free."

    def tick(self) -> None:
        self.now += self.dice.choice((MINUTE, 4 * MINUTE, 11 * MINUTE, HOUR))

    def expand(self) -> None:
        expand_until_calm(self.now)

    def produce(self) -> None:
        make_job(merchant=self.merchant, scheduled_at=self.now, **self.key())

    def press(self) -> None:
        run_now(self.template(), now=self.now)

    def fill(self) -> None:
        overlap = self.dice.choice(("allow", "one_at_a_time"))
        range_ = {"from": f"{self.now - HOUR:%FT%TZ}", "to": f"{self.now:%FT%TZ}"}
        backfill(self.template(), {**range_, "overlap": overlap, "per_minute": 60}, now=self.now)

    def edit(self) -> None:
        overlap = self.dice.choice(OVERLAPS)
        edit_template(self.template(), {**self.key(), "overlap": overlap}, now=self.now)

    def cancel(self) -> None:
        if job := self.some("scheduled", "queued", "running"):
            lifecycle.cancel(job_ids=[job.pk], now=self.now)

    def restart(self) -> None:
        if job := self.some("failed", "cancelled", "skipped"):
            lifecycle.restart(job_ids=[job.pk], now=self.now, by="Ana")

    def move(self) -> None:
        if job := self.some("scheduled"):
            later = self.now + self.dice.choice((-MINUTE, MINUTE, HOUR))
            lifecycle.edit(job_id=job.pk, changes={"run_at": later})

    def fail(self) -> None:
        self._end("failed")

    def succeed(self) -> None:
        self._end("succeeded")

    def _end(self, status: str) -> None:
        if job := self.some("queued"):
            Job.objects.filter(pk=job.pk).update(
                status=status, finalized_at=self.now, ticket=None, queue_lease_until=None
            )

    def places(self) -> Counter[str]:
        """Count the places of each key that are taken."""
        holders = Job.objects.filter(merchant=self.merchant, holds_place=True, finalized_at=None)
        return Counter(holders.values_list("concurrency_key", flat=True))

    def limits_hold(self) -> None:
        assert all(count <= self.most[key] for key, count in self.places().items())
        going = Job.objects.filter(merchant=self.merchant).exclude(status__in=FINAL)
        hands = going.filter(status__in=("queued", "running", "retryable"))
        assert not hands.filter(holds_place=False).exists()

    def calm(self) -> None:
        """Switch the templates off, and let all that is left run."""
        for template in Template.objects.all():
            edit_template(template, {"active": False}, now=self.now)
        self.now += 3 * HOUR
        Job.objects.filter(status="queued").update(
            status="succeeded", finalized_at=self.now, ticket=None, queue_lease_until=None
        )
        work_off(self.now)


class MixedStorm(Storm):
    """Each job and template has a limit of its own."""

    most = dict.fromkeys(KEYS, max(LIMITS))

    def key(self) -> dict[str, Any]:
        return super().key() | {"concurrency_limit": self.dice.choice(LIMITS)}


VERBS = (
    *("step", "tick", "expand", "succeed") * 3,
    *("produce", "press", "fill", "edit", "cancel", "restart", "move", "fail"),
)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("storm_of", [Storm, MixedStorm])
def test_whatever_happens_limits_hold_and_all_of_it_ends(
    storm_of: type[Storm], seed: int, valkey: object
) -> None:
    storm = storm_of(seed)
    for _ in range(120):
        getattr(storm, storm.dice.choice(VERBS))()
        storm.limits_hold()
    storm.calm()
    left = Job.objects.exclude(status__in=FINAL).values_list("gate", "in_line", "holds_place")
    assert list(left) == []
    assert Job.objects.filter(status="succeeded").count() > 5
