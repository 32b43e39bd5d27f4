"""Hosts that do not answer, over the API."""

from jobs.models import Breaker
from tests.factories.flows import make_breaker
from tests.factories.jobs import make_merchant


def test_hosts_that_do_not_answer_are_shown_and_taken_back(api, merchant):
    given_up = make_breaker(merchant=merchant, handler="down.example")
    failing = make_breaker(
        merchant=merchant, handler="shaky.example", failures=3, opened_at=None, probe_at=None
    )
    other = make_breaker(merchant=make_merchant(), handler="down.example")

    shown = api.read("/breakers").json()["results"]
    assert [(one["handler"], one["open"], one["failures"]) for one in shown] == [
        ("shaky.example", False, 3),
        ("down.example", True, 12),
    ]
    assert (shown[0]["probe_at"], shown[1]["error_code"]) == (None, "connection_refused")

    assert api.send(f"/breakers/{given_up.pk}/reset").status_code == 204
    assert api.send(f"/breakers/{given_up.pk}/reset").status_code == 404
    assert api.send(f"/breakers/{other.pk}/reset").status_code == 404
    assert set(Breaker.objects.all()) == {failing, other}
