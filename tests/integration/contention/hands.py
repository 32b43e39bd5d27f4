"""What workers, the broker and the watcher do while two populators step."""

import random
from datetime import datetime
from typing import Any

from jobs import lifecycle, watcher
from jobs.engine import Engine
from jobs.models import Job, Worker
from jobs.outcomes import Ending, Result
from tests.factories.jobs import SECOND, make_worker
from tests.integration.contention.turns import Call


class Hands:
    """A worker with the watcher beside it. Messages reach it twice and late."""

    def __init__(self, chance: random.Random, engine: Engine, now: datetime) -> None:
        self._chance = chance
        self._engine = engine
        self._old: list[tuple[Any, int]] = []
        self.now = now
        self.worker = make_worker(lane="nowhere", heartbeat_at=now)

    def some(self, number: int) -> list[Call]:
        """Return so many things that may happen."""
        ends = [
            lambda: self._end(Result.SUCCEEDED, "succeeded"),
            lambda: self._end(Result.SUCCEEDED, "succeeded"),
            lambda: self._end(Result.FAILED, "retryable"),
            lambda: self._end(Result.FAILED, "failed"),
            lambda: self._end(Result.RELEASED, "scheduled"),
        ]
        verbs = [self._claim, self._claim, self._claim, *ends, self._old_messages, self._unqueue,
                 self._lose_messages, self._lose_worker, self._cancel]  # fmt: skip
        return self._chance.choices(verbs, k=number)

    def work_off(self) -> None:
        """Run all that is queued to its end."""
        self._claim(most=None)
        self._end(Result.SUCCEEDED, "succeeded", most=None)

    def _found(self, *statuses: str) -> list[Job]:
        jobs = list(Job.objects.filter(status__in=statuses).order_by("pk"))
        self._chance.shuffle(jobs)
        return jobs

    def _claim(self, most: int | None = 4) -> None:
        tickets = [(job.pk, job.ticket) for job in self._found("queued")[:most] if job.ticket]
        self._old += tickets
        self._start(tickets + tickets[:1])

    def _start(self, tickets: list[tuple[Any, int]]) -> None:
        found = lifecycle.claim(tickets=tickets, worker_id=self.worker.pk, engine=self._engine)
        started = [(one.job_id, one.ticket) for one in found]
        assert len(set(started)) == len(started), "One message has started a job twice."
        assert set(started) <= set(tickets), "A message without a ticket has started a job."

    def _end(self, outcome: Result, status: str, most: int | None = 3) -> None:
        lifecycle.finish(
            [
                Ending(job_id=job.pk, ticket=job.ticket, outcome=outcome, status=status)
                for job in self._found("running")[:most]
                if job.ticket
            ]
        )

    def _old_messages(self) -> None:
        """Messages of before arrive again, and a worker that was asleep reports its attempts."""
        queued = {job.pk for job in self._found("queued")}
        # Those of jobs that were queued anew come first: only the ticket tells them apart.
        old = sorted(self._old, key=lambda one: one[0] not in queued)[:8]
        self._start(old)
        for job_id, ticket in old:
            mine = Job.objects.filter(pk=job_id, ticket=ticket, status="running").exists()
            ended = lifecycle.finish(
                [Ending(job_id=job_id, ticket=ticket, outcome=Result.SUCCEEDED, status="succeeded")]
            )
            assert mine or not ended, "An attempt was ended by somebody who had lost it."

    def _unqueue(self) -> None:
        queued = [(job.pk, job.ticket) for job in self._found("queued")[:1] if job.ticket]
        old = self._chance.sample(self._old, min(3, len(self._old)))
        known = dict(Job.objects.filter(status="queued").values_list("pk", "ticket"))
        moved = lifecycle.unqueue(queued + old)
        self._old += queued  # it may have been delivered all the same
        given = set(queued + old)
        assert {(one.job_id, known.get(one.job_id)) for one in moved} <= given

    def _lose_messages(self) -> None:
        lifecycle.requeue_lost_messages(before=self.now + 120 * SECOND, limit=2)

    def _lose_worker(self) -> None:
        Worker.objects.filter(pk=self.worker.pk).update(heartbeat_at=self.now - 60 * SECOND)
        watcher.watch(self.now, self._engine)
        self.worker = make_worker(lane="nowhere", heartbeat_at=self.now)

    def _cancel(self) -> None:
        jobs = self._found("scheduled", "queued", "retryable", "running")[:1]
        lifecycle.cancel(job_ids=[job.pk for job in jobs], now=self.now)
