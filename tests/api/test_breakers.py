"""Hosts that do not answer, over the API."""

from datetime import timedelta

import pytest

from jobs.models import Breaker
from jobs.waiting_reason import waiting_reason
from tenants.clock import database_now
from tests.factories.flows import make_breaker
from tests.factories.jobs import NOW, make_job, make_merchant


def test_hosts_that_do_not_answer_are_shown_and_taken_back(api, merchant):
    soon = database_now() + timedelta(hours=1)
    given_up = make_breaker(merchant=merchant, handler="down.example", probe_at=soon)
    failing = make_breaker(
        merchant=merchant, handler="shaky.example", failures=3, opened_at=None, probe_at=None
    )
    other = make_breaker(merchant=make_merchant(), handler="down.example")

    shown = api.read("/breakers").json()["results"]
    assert [(one["handler"], one["state"], one["failures"]) for one in shown] == [
        ("shaky.example", "closed", 3),
        ("down.example", "open", 12),
    ]
    assert (shown[0]["probe_at"], shown[1]["error_code"]) == (None, "connection_refused")

    assert api.send(f"/breakers/{given_up.pk}/reset").status_code == 204
    assert api.send(f"/breakers/{given_up.pk}/reset").status_code == 404
    assert api.send(f"/breakers/{other.pk}/reset").status_code == 404
    assert set(Breaker.objects.all()) == {failing, other}


@pytest.mark.parametrize(
    ("later", "answers", "state", "most_active", "reason"),
    [
        (60, 0, "open", 0, "one job at a time tries it again from 20"),
        (-1, 0, "half_open", 1, "; now one job at a time tries it."),
        (
            -60,
            1,
            "half_open",
            2,
            "now at most 2 of its jobs at once, twice as many with each round",
        ),
        (
            -60,
            6,
            "half_open",
            4,
            "now at most 4 of its jobs at once, twice as many with each round",
        ),
    ],
)
def test_state_says_how_many_go_and_so_does_the_waiting_reason(
    api, merchant, later, answers, state, most_active, reason
):
    now = database_now()
    breaker = make_breaker(
        merchant=merchant,
        handler="down.example",
        probe_at=now + timedelta(seconds=later),
        answers=answers,
        recovering_at=now if answers else None,
    )
    job = make_job(
        merchant=merchant,
        kind="http",
        handler="down.example",
        gate="parked",
        parked_by=breaker.pk,
        parked_rank=NOW,
    )
    [shown] = api.read("/breakers").json()["results"]
    assert (shown["state"], shown["most_active"]) == (state, most_active)
    assert (shown["answers"], shown["recovering_at"] is not None) == (answers, answers > 0)
    said = waiting_reason(job, now=now)
    assert said is not None
    assert reason in said
    assert "down.example" in said
