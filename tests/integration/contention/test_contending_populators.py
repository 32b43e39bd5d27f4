"""Two populators that both lead, as after a partition: flow rules and keys hold, and nothing starves."""

import random

import pytest

from tests.integration.contention.storm import Storm
from tests.integration.contention.turns import Sessions
from tests.integration.contention.witness import Witness

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 20


@pytest.fixture
def sessions(transactional_db):
    """Three beside the test's own: two populators, and whoever works."""
    opened = Sessions(3)
    yield opened
    opened.close()


# Seed, which way they meet, how many rules there are, and by how many seconds one's clock is late.
STORMS = [
    (0, "in_turns", 8, 0.0),
    (1, "in_turns", 4, 0.0),
    (2, "in_turns", 12, 0.0),
    (3, "in_turns", 0, 0.0),
    (4, "in_turns", 6, 3.0),
    (5, "at_will", 6, 0.0),
    (6, "at_will", 0, 3.0),
]


@pytest.mark.parametrize(("seed", "way", "rules", "lag"), STORMS)
def test_limits_and_order_hold_and_nobody_starves(valkey, sessions, seed, way, rules, lag):
    chance = random.Random(seed)
    random.seed(seed)
    with Witness(lag=lag) as witness:
        storm = Storm(
            chance,
            together=getattr(sessions, way),
            witness=witness,
            rules=rules,
            lag=lag,
            # Only in turns is it known whether a statement could have seen it.
            late=1 if way == "in_turns" else 0,
        )
        for _ in range(ROUNDS):
            storm.round()
        storm.finish(late=storm.latecomer(), soon=40, bound=150)
        assert witness.starts() > ROUNDS
