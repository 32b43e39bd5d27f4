"""Flow rules, pure: who may go, who waits in which line."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from jobs.flow import BREAKER, Candidate, FlowBook, FlowRule, FlowScope, Rate

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MERCHANTS = [UUID(int=number) for number in (1, 2)]
TEMPLATES = [None, UUID(int=11), UUID(int=12)]
KINDS, HANDLERS, LANES = ["http", "python"], ["", "a.example", "b.example"], ["async", "process"]


def candidate(number=0, merchant=MERCHANTS[0], **values):
    return Candidate(
        **{
            "job_id": UUID(int=1_000 + number),
            "merchant_id": merchant,
            "template_id": None,
            "kind": "http",
            "lane": "async",
            "handler": "a.example",
            **values,
        }
    )


def rule(scope=FlowScope.MERCHANT, name="", merchant=MERCHANTS[0], number=1, **values):
    return FlowRule(
        id=UUID(int=100 + number), merchant_id=merchant, scope=scope, name=name, **values
    )


def admit(rules, candidates, active=None):
    return FlowBook(rules, active=active or {}, now=NOW).admit(candidates)


def test_without_rules_everything_goes_in_its_order():
    jobs = [candidate(number) for number in range(5)]
    admission = admit([], jobs)
    assert admission.admitted == [job.job_id for job in jobs]
    assert (admission.parked, admission.counted) == ({}, set())


def test_paused_kind_of_one_merchant_leaves_its_other_kinds_and_other_merchants():
    paused = rule(FlowScope.KIND, "http", paused=True)
    jobs = [candidate(1), candidate(2, kind="python"), candidate(3, merchant=MERCHANTS[1])]
    admission = admit([paused], jobs)
    assert admission.parked == {jobs[0].job_id: paused.id}
    assert admission.admitted == [jobs[1].job_id, jobs[2].job_id]


def test_operators_rule_counts_the_jobs_of_all_merchants():
    limit = rule(FlowScope.HANDLER, "a.example", merchant=None, most_active=3)
    jobs = [candidate(number, merchant=MERCHANTS[number % 2]) for number in range(4)]
    admission = admit([limit], jobs, {limit.id: 1})
    assert admission.admitted == [job.job_id for job in jobs[:2]]
    assert admission.counted == set(admission.admitted)
    assert set(admission.parked) == {job.job_id for job in jobs[2:]}


def test_two_rules_for_the_same_jobs_of_a_merchant_both_hold():
    jobs = [candidate(number) for number in range(5)]
    for own, operators in ((2, 3), (3, 2)):
        rules = [rule(most_active=own), rule(most_active=operators, number=2)]
        admission = admit(rules, jobs)
        assert admission.admitted == [job.job_id for job in jobs[:2]]
        assert set(admission.parked.values()) == {rules[own > operators].id}
        assert admission.taken == {one.id: 2 for one in rules}
    full = admit(rules, jobs, {rules[0].id: 3})
    assert set(full.parked.values()) == {rules[0].id}
    assert not full.admitted


def test_bucket_lets_its_burst_go_and_then_its_rate():
    def bucket(*, tokens=5.0, at=NOW):
        return rule(rate=Rate(per_second=2.0, burst=5, tokens=tokens, at=at))

    jobs = [candidate(number) for number in range(10)]
    assert len(admit([bucket()], jobs).admitted) == 5
    empty = bucket(tokens=0.0, at=NOW - timedelta(seconds=1.4))
    assert len(admit([empty], jobs).admitted) == 2
    full = bucket(tokens=0.0, at=NOW - timedelta(hours=1))
    assert len(admit([full], jobs).admitted) == 5
    # A clock that was set back gives nothing and takes nothing.
    assert len(admit([bucket(tokens=1.0, at=NOW + timedelta(hours=1))], jobs).admitted) == 1


def test_job_that_one_rule_stops_takes_no_place_of_another():
    wide = rule(most_active=2)
    shut = rule(FlowScope.HANDLER, "a.example", paused=True, number=2)
    jobs = [candidate(1), candidate(2), candidate(3, handler="b.example"), candidate(4, handler="")]
    admission = admit([wide, shut], jobs)
    assert admission.admitted == [jobs[2].job_id, jobs[3].job_id]
    assert admission.taken == {wide.id: 2}


def test_breaker_of_a_host_stops_no_job_of_another_kind_by_the_same_name():
    given_up = rule(BREAKER, "a.example", paused=True)
    calls, publishes = candidate(1), candidate(2, kind="publish")
    admission = admit([given_up], [calls, publishes])
    assert admission.parked == {calls.job_id: given_up.id}
    assert admission.admitted == [publishes.job_id]


candidates = st.lists(
    st.tuples(
        st.sampled_from(MERCHANTS),
        st.sampled_from(TEMPLATES),
        st.sampled_from(KINDS),
        st.sampled_from(LANES),
        st.sampled_from(HANDLERS),
    ),
    max_size=30,
)
names = st.one_of(
    st.just((FlowScope.MERCHANT, "")),
    st.tuples(st.just(FlowScope.KIND), st.sampled_from(KINDS)),
    st.tuples(st.just(FlowScope.LANE), st.sampled_from(LANES)),
    st.tuples(st.just(FlowScope.HANDLER), st.sampled_from(HANDLERS[1:])),
    st.tuples(st.just(FlowScope.TEMPLATE), st.sampled_from([str(one) for one in TEMPLATES[1:]])),
)
rules = st.lists(
    st.tuples(
        st.sampled_from([None, *MERCHANTS]),
        names,
        st.booleans(),
        st.none() | st.integers(1, 5),
        st.none() | st.integers(0, 6),
    ),
    max_size=6,
)


@given(candidates, rules, st.integers(0, 3))
def test_no_rule_lets_more_go_than_it_has_room_for_and_none_waits_in_vain(
    given_jobs, given_rules, active
):
    jobs = [
        candidate(n, m, template_id=t, kind=k, lane=lane, handler=h)
        for n, (m, t, k, lane, h) in enumerate(given_jobs)
    ]
    book = [
        rule(
            scope,
            name,
            merchant,
            number,
            paused=paused,
            most_active=most,
            rate=None
            if tokens is None
            else Rate(per_second=1.0, burst=6, tokens=float(tokens), at=NOW),
        )
        for number, (merchant, (scope, name), paused, most, tokens) in enumerate(given_rules)
    ]
    counts = {one.id: active for one in book}
    admission = admit(book, jobs, counts)

    known = FlowBook(book, active=counts, now=NOW)
    by_id = {job.job_id: job for job in jobs}
    assert {*admission.admitted, *admission.parked} == set(by_id)
    taken = Counter(one.id for job in admission.admitted for one in known.rules_of(by_id[job]))
    assert taken == admission.taken
    for one in book:
        room = one.room(active=active, now=NOW)
        assert room is None or taken[one.id] <= room
    for job_id, rule_id in admission.parked.items():
        # It waits for a rule of its own, and that one is full.
        [line] = [one for one in known.rules_of(by_id[job_id]) if one.id == rule_id]
        assert taken[line.id] == line.room(active=active, now=NOW)
