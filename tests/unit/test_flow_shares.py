"""How a rule's room is divided among the lines before it."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from jobs.flow_shares import MOST_REACH, Line, Reach, shares

RULES = [UUID(int=number) for number in (1, 2)]
MERCHANTS = [UUID(int=number) for number in range(10, 15)]
lines = st.builds(
    Line,
    rule_id=st.sampled_from(RULES),
    merchant_id=st.sampled_from(MERCHANTS),
    lane=st.sampled_from(["async", "process"]),
    weight=st.integers(1, 1000),
)


def in_order(_lines: list[Line]) -> None:
    """Leave the order as it is."""


def line(merchant: int, weight: int = 1, lane: str = "async") -> Line:
    return Line(rule_id=RULES[0], merchant_id=UUID(int=merchant), lane=lane, weight=weight)


@given(
    st.lists(lines, unique_by=lambda one: (one.rule_id, one.merchant_id, one.lane)),
    st.fixed_dictionaries({rule: st.integers(0, 50) for rule in RULES}),
    st.fixed_dictionaries({"async": st.integers(-5, 50)}),
)
def test_no_rule_and_no_lane_gets_more_than_there_is(
    waiting: list[Line], rooms: dict[UUID, int], places: dict[str, int]
) -> None:
    given_out = shares(waiting, rooms=rooms, places=places, shuffle=in_order)
    by_rule: Counter[UUID] = Counter()
    for share in given_out:
        assert 0 < share.room <= places[share.line.lane]
        by_rule[share.line.rule_id] += share.room
    assert all(by_rule[rule] <= rooms[rule] for rule in RULES)
    for rule in RULES:
        can_go = [one for one in waiting if one.rule_id == rule and places.get(one.lane, 0) > 0]
        assert (by_rule[rule] > 0) == bool(can_go and rooms[rule])


def test_merchants_share_the_room_by_weight() -> None:
    found = shares(
        [line(10, weight=3), line(11)], rooms={RULES[0]: 8}, places={"async": 100}, shuffle=in_order
    )
    assert [share.room for share in found] == [6, 2]


def test_whoever_is_shuffled_to_the_front_goes_when_there_is_room_for_one() -> None:
    waiting = [line(10), line(11), line(12)]
    found = shares(
        waiting, rooms={RULES[0]: 1}, places={"async": 100}, shuffle=lambda given: given.reverse()
    )
    assert [(share.line.merchant_id, share.room) for share in found] == [(UUID(int=12), 1)]


def test_lane_without_places_leaves_its_part_to_others() -> None:
    found = shares(
        [line(10, lane="process"), line(10)],
        rooms={RULES[0]: 4},
        places={"async": 100, "process": 0},
        shuffle=in_order,
    )
    assert [(share.line.lane, share.room) for share in found] == [("async", 4)]


def test_reach_doubles_while_nobody_who_was_let_out_goes():
    reach, lengths = Reach(), []
    while reach.told(released=reach.jobs, room=1, went=0):
        lengths.append(reach.jobs)
    assert lengths == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    # The rest at another moment, and from there on.
    assert reach.jobs == MOST_REACH


def test_reach_is_one_again_when_all_went_that_there_was_room_for():
    reach = Reach()
    assert reach.told(released=3, room=3, went=2)
    assert reach.jobs == 2
    assert not reach.told(released=8, room=2, went=2)
    assert reach.jobs == 1
    assert not reach.told(released=0, room=0, went=0)
