"""Jobs that fall under two flow rules: nobody goes back and forth between their lines for nothing."""

import pytest

from jobs import populator
from jobs.engine import Engine
from jobs.flow_shares import Reach
from jobs.models import Job, Worker
from jobs.pace import Pace
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.keyed_jobs import end, queued

pytestmark = pytest.mark.django_db
ENGINE = Engine()


class Populator:
    """Steps as `manage.py populate` does; counts them."""

    def __init__(self):
        self.pace, self.reach, self.steps = Pace(), Reach(), 0
        make_worker(run_times={"python:demo.noop": 0.001, "http:target.example": 0.001})

    def settle(self, now):
        """Step until nothing more is to be done at this moment; return the number of steps."""
        Worker.objects.update(heartbeat_at=now)
        before = self.steps
        more = True
        while more:
            more = populator.populate(now, ENGINE, self.pace, self.reach).more
            self.steps += 1
        return self.steps - before


@pytest.mark.parametrize(
    "other", [{"scope": "merchant"}, {"scope": "lane", "name": "async"}], ids=["twin", "lane"]
)
def test_two_rules_over_the_same_jobs_cost_no_look_for_each_that_waits(valkey, other):
    merchant, bystander = make_merchant(), make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=1)
    make_flow(merchant=merchant, set_by_operators=True, rate=10, rate_period=60, burst=1, **other)
    for _ in range(200):
        make_job(merchant=merchant)
    stepping = Populator()
    ran, since = 0, NOW
    for second in range(40):
        now = NOW + second * SECOND
        make_job(merchant=bystander, scheduled_at=now)
        stepping.settle(now)
        if going := queued(merchant=merchant):
            assert len(going) == 1
            # Long enough for a token to come while nobody may go, and for room without a token.
            if now - since >= (3 if ran % 2 else 8) * SECOND:
                end(*going)
                ran, since = ran + 1, now
        else:
            since = now
    assert ran >= 4
    assert len(queued(merchant=bystander)) == 40
    # Two hundred wait; each second costs the step that finds the bystander's job, and one or two more.
    assert stepping.steps <= 40 * 4


def test_pause_beside_a_bucket_with_tokens_moves_nobody_one_by_one(valkey):
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", rate=1, rate_period=1, burst=1)
    for _ in range(100):
        make_job(merchant=merchant)
    stepping = Populator()
    stepping.settle(NOW)
    make_flow(merchant=merchant, set_by_operators=True, scope="merchant", paused_at=NOW)
    assert stepping.settle(NOW + 5 * SECOND) <= 3
    assert len(queued(merchant=merchant)) == 1


def test_rules_that_cross_move_many_at_once_and_not_all_at_one_moment(valkey):
    merchant = make_merchant()
    kind = make_flow(merchant=merchant, scope="kind", name="python", most_active=1)
    make_flow(merchant=merchant, scope="handler", name="demo.noop", rate=1, rate_period=60, burst=1)
    for _ in range(300):
        make_job(merchant=merchant)
    stepping = Populator()
    stepping.settle(NOW)
    for moment in range(1, 4):
        end(*queued(merchant=merchant))
        assert stepping.settle(NOW + moment * 61 * SECOND) <= 15
        assert len(queued(merchant=merchant)) == 1
    # Whoever waits does so in one of the two lines.
    assert Job.objects.filter(gate="parked").count() == 300 - 4
    assert kind.most_active == 1


def test_whoever_stands_behind_many_that_another_rule_stops_goes_within_a_few_steps(valkey):
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="merchant", most_active=2)
    make_flow(merchant=merchant, scope="handler", name="demo.noop", rate=1, rate_period=3600)
    first = [make_job(merchant=merchant, kind="python", handler="demo.echo") for _ in range(2)]
    stepping = Populator()
    stepping.settle(NOW)
    assert {job.pk for job in queued(merchant=merchant)} == {job.pk for job in first}
    stopped = [make_job(merchant=merchant) for _ in range(300)]
    free = make_job(merchant=merchant, kind="python", handler="demo.echo")
    stepping.settle(NOW)
    assert Job.objects.filter(parked_by=rule.pk).count() == 301
    end(*queued(merchant=merchant))
    assert stepping.settle(NOW + SECOND) <= 15
    going = {job.pk for job in queued(merchant=merchant)}
    assert free.pk in going
    # The bucket had one token.
    assert len(going & {job.pk for job in stopped}) == 1
