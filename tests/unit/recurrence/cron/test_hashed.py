"""`H`: a value that the seed chooses."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates_app.recurrence.cron import parse_cron
from templates_app.recurrence.cron.terms import Hashed

SEEDS = [f"template-{number}" for number in range(2400)]


def test_values_of_a_seed_stay_the_same_for_ever() -> None:
    cron = parse_cron("H H H H H H", seed="0192f0c1-7e5a-7cc3-98c4-dc0c0c07398f")

    fields = (cron.seconds, cron.minutes, cron.hours, cron.month_days, cron.months, cron.weekdays)

    assert [field.values for field in fields] == [(39,), (17,), (20,), (21,), (5,), (4,)]


@pytest.mark.parametrize(
    ("expression", "name", "count"),
    [
        ("H * * * *", "minutes", 60),
        ("H(0-29) * * * *", "minutes", 30),
        ("0 H * * *", "hours", 24),
        ("0 H(22-5) * * *", "hours", 8),
        ("0 0 H * *", "month_days", 28),
        ("0 0 1 H *", "months", 12),
        ("0 0 * * H", "weekdays", 7),
        ("0 0 * * H(1-5)", "weekdays", 5),
    ],
)
def test_seeds_are_spread_evenly_over_the_range(expression: str, name: str, count: int) -> None:
    chosen = Counter(getattr(parse_cron(expression, seed=seed), name).values for seed in SEEDS)

    assert len(chosen) == count
    assert min(chosen.values()) > len(SEEDS) / count / 2
    assert max(chosen.values()) < len(SEEDS) / count * 2


def test_two_fields_of_one_expression_are_independent() -> None:
    pairs = {
        (cron.seconds.values, cron.minutes.values)
        for cron in (parse_cron("H H * * * *", seed=seed) for seed in SEEDS)
    }

    assert len(pairs) > 1500


@given(st.text(max_size=40))
def test_step_keeps_its_rhythm_from_a_chosen_start(seed: str) -> None:
    minutes = parse_cron("H/15 * * * *", seed=seed).minutes
    (term,) = minutes.terms

    assert minutes.values[0] < 15
    assert minutes.values == tuple(range(minutes.values[0], 60, 15))
    assert term == Hashed(minutes.values, 15)


@given(st.text(max_size=40))
def test_step_within_a_range_stays_within_it(seed: str) -> None:
    values = parse_cron("H(0-29)/10 * * * *", seed=seed).minutes.values

    assert values[0] < 10
    assert values == tuple(range(values[0], 30, 10))


@given(st.text(max_size=40))
def test_chosen_day_is_one_that_every_month_has(seed: str) -> None:
    days = parse_cron("0 0 H/2 * *", seed=seed).month_days.values

    assert 1 <= days[0] <= 2
    assert days[-1] <= 28


@given(st.text(max_size=40))
def test_seed_changes_nothing_without_h(seed: str) -> None:
    assert parse_cron("0 9 * MAR THU", seed=seed) is parse_cron("0 9 * MAR THU")


def test_lower_case_h_is_the_same() -> None:
    assert parse_cron("h h * * *", seed="a").minutes.values == (
        parse_cron("H H * * *", seed="a").minutes.values
    )


def test_h_stands_in_a_list() -> None:
    values = parse_cron("H(0-9),30 * * * *", seed="b").minutes.values

    assert len(values) == 2
    assert values[0] < 10
    assert values[1] == 30
