"""Flow rules over the API: made, changed, paused, deleted; what is refused, and how it is told."""

from uuid import UUID

import pytest

from jobs.handlers.publish.destinations import Destination, RedisList
from jobs.models import Flow, Job
from jobs.operations import flows
from jobs.waiting_reason import waiting_reason
from tenants.identifiers import new_id
from tests.api.kit import pointers, problem
from tests.factories.actors import somebody
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.integration.commands.kit import allowing, shell

TEMPLATE = str(new_id())


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"scope": "merchant", "most_active": 5}, {"name": "", "most_active": 5, "rate": None}),
        (
            {"scope": "handler", "name": "api.example", "rate": {"jobs": 10, "per": "minute"}},
            {"name": "api.example", "rate": {"jobs": 10, "per": "minute"}, "burst": None},
        ),
        (
            {"scope": "template", "name": TEMPLATE.upper(), "rate": {"jobs": 2}, "burst": 7},
            {"name": TEMPLATE, "rate": {"jobs": 2, "per": "second"}, "burst": 7},
        ),
        (
            {"scope": "lane", "name": "async", "paused": True, "note": "moving house"},
            {"name": "async", "paused": True, "note": "moving house", "most_active": None},
        ),
    ],
)
def test_a_rule_is_stored_and_shown_as_it_was_asked_for(api, merchant, body, shown):
    answer = api.send("/flows", body)
    assert answer.status_code == 201, answer.content
    rule = answer.json()
    assert shown.items() <= rule.items()
    assert rule["paused_by"].startswith("API key") == rule["paused"]
    assert api.read(f"/flows/{rule['id']}").json() == rule
    assert api.read("/flows").json()["results"] == [rule]
    assert Flow.objects.get().merchant == merchant


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/scope", "required")),
        ({"scope": "house", "most_active": 1}, ("/scope", "not_allowed")),
        ({"scope": "merchant", "name": "x", "most_active": 1}, ("/name", "conflict")),
        ({"scope": "kind", "name": "smtp", "most_active": 1}, ("/name", "not_allowed")),
        ({"scope": "lane", "most_active": 1}, ("/name", "not_allowed")),
        ({"scope": "template", "name": "x", "most_active": 1}, ("/name", "wrong_type")),
        ({"scope": "handler", "most_active": 1}, ("/name", "required")),
        ({"scope": "handler", "name": "https://a.example/b", "rate": {"jobs": 1}}, ("/name", "not_allowed")),
        ({"scope": "merchant"}, ("", "required")),
        ({"scope": "merchant", "most_active": 0}, ("/most_active", "out_of_range")),
        ({"scope": "merchant", "most_active": True}, ("/most_active", "wrong_type")),
        ({"scope": "merchant", "rate": 5}, ("/rate", "wrong_type")),
        ({"scope": "merchant", "rate": {"per": "hour"}}, ("/rate/jobs", "required")),
        ({"scope": "merchant", "rate": {"jobs": 1, "per": "week"}}, ("/rate/per", "not_allowed")),
        ({"scope": "merchant", "rate": {"jobs": 1}, "burst": 0}, ("/burst", "out_of_range")),
        ({"scope": "merchant", "paused": "yes"}, ("/paused", "wrong_type")),
        ({"scope": "merchant", "most_active": 1, "note": "x"}, ("/note", "conflict")),
        ({"scope": "merchant", "most_active": 1, "merchant": "x"}, ("/merchant", "unknown_field")),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_its_place(api, body, fault):
    assert fault in pointers(problem(api.send("/flows", body), 400, "invalid_fields"))
    assert not Flow.objects.exists()


@pytest.mark.parametrize("scope", ["kind", "lane", "template", "handler", "key", "merchant"])
@pytest.mark.parametrize(("name", "code"), [("x" * 201, "too_long"), (17, "wrong_type")])
def test_name_that_is_no_name_has_one_fault(api, scope, name, code):
    answer = api.send("/flows", {"scope": scope, "name": name, "most_active": 1})
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/name", code)]


@pytest.fixture
def own_names(settings, merchant):
    """A command and a destination of the merchant, and some of another's."""
    mine, foreign = [str(merchant.pk)], [str(make_merchant().pk)]
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(
        thumbnail=shell(merchants=mine), secret_report=shell(merchants=foreign)
    )
    settings.TASKFLOW_DESTINATIONS = {
        name: Destination(
            name=name,
            url="redis://127.0.0.1:1/0",
            target=RedisList(key=name),
            merchants=frozenset(map(UUID, merchants)),
        )
        for name, merchants in (("orders", mine), ("ledger_x", foreign))
    }


@pytest.mark.usefixtures("own_names")
@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("demo.noop", "demo.noop"),
        ("thumbnail", "thumbnail"),
        ("orders", "orders"),
        ("api.example", "api.example"),
        ("Shop.Example.", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("93.184.215.14", "93.184.215.14"),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
        ("demo.nop.", "demo.nop"),
        ("orders.example", "orders.example"),
    ],
)
def test_a_rule_for_a_handler_has_the_name_that_jobs_show(api, name, stored):
    answer = api.send("/flows", {"scope": "handler", "name": name, "most_active": 1})
    assert (answer.status_code, answer.json().get("name")) == (201, stored)


@pytest.mark.usefixtures("own_names")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("demo.nop", 'did you mean demo.noop? If it is a host, end it with a dot: "demo.nop.".'),
        ("Demo.Noop", 'did you mean demo.noop? If it is a host, end it with a dot: "Demo.Noop.".'),
        ("thumbnails", "did you mean thumbnail?"),
        ("order", "did you mean orders?"),
        ("nobody", "known are demo.echo, "),
        ("secret_report", "known are demo.echo, "),
        ("ledger_x", "known are demo.echo, "),
        ("api.example:8080", "no host (without port) that jobs may call; known are "),
        ("intranet.local", "no host (without port) that jobs may call; known are "),
        ("127.0.0.1", "no host (without port) that jobs may call; known are "),
        ("a.example?b", "no host (without port) that jobs may call; known are "),
        ("a b", "no host (without port) that jobs may call; known are "),
    ],
)
def test_a_rule_for_a_handler_that_no_job_can_have_is_refused(api, name, words):
    body = {"scope": "handler", "name": name, "most_active": 1}
    told = problem(api.send("/flows", body), 400, "invalid_fields")
    assert pointers(told) == {("/name", "not_allowed")}
    [fault] = told["errors"]
    assert fault["detail"].startswith('"name" is no function, command or destination')
    assert words in fault["detail"]
    # What another merchant has is nobody's business.
    assert "secret_report" not in fault["detail"]
    assert "ledger_x" not in fault["detail"]
    assert not Flow.objects.exists()


@pytest.mark.usefixtures("own_names")
def test_the_operators_make_rules_for_what_any_merchant_has():
    body = {"scope": "handler", "name": "secret_report", "most_active": 1}
    made = flows.create_operators_flow(body, merchant=None, by=somebody("ops@example.com"), now=NOW)
    assert made.name == "secret_report"


def test_one_rule_for_the_same_jobs(api, merchant):
    other = make_flow(merchant=make_merchant(), scope="merchant", most_active=1)
    make_flow(scope="kind", name="http", most_active=1)
    assert api.send("/flows", {"scope": "merchant", "most_active": 5}).status_code == 201
    assert api.send("/flows", {"scope": "kind", "name": "http", "paused": True}).status_code == 201
    problem(api.send("/flows", {"scope": "merchant", "rate": {"jobs": 1}}), 409, "flow_exists")
    assert Flow.objects.filter(merchant=merchant).count() == 2
    other.refresh_from_db()
    assert other.most_active == 1


def test_an_edit_changes_what_it_names_and_starts_a_new_bucket(api, merchant):
    rule = make_flow(
        merchant=merchant,
        scope="merchant",
        most_active=5,
        rate=10,
        burst=3,
        tokens=0.5,
        tokens_at=NOW,
    )
    assert api.change(f"/flows/{rule.pk}", {"most_active": 7}).json()["most_active"] == 7
    rule.refresh_from_db()
    assert (rule.rate, rule.burst, rule.tokens) == (10, 3, 0.5)
    changed = api.change(f"/flows/{rule.pk}", {"rate": {"jobs": 4, "per": "hour"}, "burst": None})
    assert changed.json()["rate"] == {"jobs": 4, "per": "hour"}
    rule.refresh_from_db()
    assert (rule.most_active, rule.burst, rule.tokens) == (7, None, None)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("", "nothing_to_change")),
        ({"scope": "lane"}, ("/scope", "unknown_field")),
        ({"most_active": None, "rate": None, "burst": None}, ("", "required")),
        ({"rate": None}, ("/burst", "conflict")),
    ],
)
def test_an_edit_that_leaves_nothing_is_refused(api, merchant, body, fault):
    rule = make_flow(merchant=merchant, scope="merchant", most_active=5, rate=10, burst=3)
    answer = api.change(f"/flows/{rule.pk}", body)
    assert fault in pointers(problem(answer, 400, "invalid_fields"))
    rule.refresh_from_db()
    assert (rule.most_active, rule.rate, rule.burst) == (5, 10, 3)


def test_pause_and_resume_tell_who_and_why(api, merchant):
    rule = make_flow(merchant=merchant, scope="merchant", most_active=5)
    paused = api.send(f"/flows/{rule.pk}/pause", {"note": "stock-taking"}).json()
    assert (paused["paused"], paused["note"]) == (True, "stock-taking")
    again = api.send(f"/flows/{rule.pk}/pause", {"note": "until noon"}).json()
    assert (again["paused_at"], again["note"]) == (paused["paused_at"], "until noon")
    resumed = api.send(f"/flows/{rule.pk}/resume").json()
    assert (resumed["paused"], resumed["paused_by"], resumed["note"]) == (False, "", "")
    assert api.send(f"/flows/{rule.pk}/pause").json()["paused"]


def test_a_deleted_rule_is_gone(api, merchant):
    rule = make_flow(merchant=merchant, scope="merchant", most_active=5)
    assert api.call("DELETE", f"/flows/{rule.pk}").status_code == 204
    assert api.read(f"/flows/{rule.pk}").status_code == 404
    assert api.call("DELETE", f"/flows/{rule.pk}").status_code == 404


def test_the_operators_rules_over_all_are_not_shown_and_not_changed(api):
    rule = make_flow(scope="kind", name="http", most_active=5)
    assert api.read("/flows").json()["results"] == []
    assert api.read(f"/flows/{rule.pk}").status_code == 404
    assert api.send(f"/flows/{rule.pk}/pause").status_code == 404
    assert Flow.objects.get().paused_at is None


@pytest.fixture
def theirs(merchant):
    """Return a rule that the operators set for the merchant."""
    return make_flow(
        merchant=merchant,
        set_by_operators=True,
        scope="kind",
        name="http",
        most_active=5,
        paused=True,
        pause_note="unpaid",
    )


def test_what_the_operators_set_for_a_merchant_is_shown_without_who_and_why(api, merchant, theirs):
    make_flow(merchant=make_merchant(), set_by_operators=True, scope="merchant", most_active=1)
    [shown] = api.read("/flows").json()["results"]
    assert api.read(f"/flows/{theirs.pk}").json() == shown
    assert (shown["id"], shown["most_active"]) == (str(theirs.pk), 5)
    assert shown["paused"]
    assert (shown["set_by_operators"], shown["paused_by"], shown["note"]) == (True, "", "")


def test_what_the_operators_set_for_a_merchant_it_cannot_change(api, theirs):
    before = Flow.objects.values().get()
    path = f"/flows/{theirs.pk}"
    for answer in (
        api.change(path, {"most_active": 100}),
        api.send(f"{path}/resume"),
        api.send(f"{path}/pause", {"note": "x"}),
        api.call("DELETE", path),
    ):
        refused = problem(answer, 403, "set_by_operators")
        assert "only they change or delete it" in refused["detail"]
    assert Flow.objects.values().get() == before


def test_a_merchant_has_its_own_rule_beside_the_operators(api, merchant, theirs):
    body = {"scope": "kind", "name": "http", "most_active": 50}
    own = api.send("/flows", body)
    assert own.status_code == 201, own.content
    assert not own.json()["set_by_operators"]
    problem(api.send("/flows", body), 409, "flow_exists")
    assert len(api.read("/flows").json()["results"]) == 2
    assert api.call("DELETE", f"/flows/{own.json()['id']}").status_code == 204
    assert Flow.objects.get() == theirs


def test_the_operators_rules_do_not_count_against_what_a_merchant_may_have(
    api, theirs, monkeypatch
):
    monkeypatch.setattr(flows, "MOST_FLOWS", 1)
    assert api.send("/flows", {"scope": "merchant", "most_active": 5}).status_code == 201
    problem(
        api.send("/flows", {"scope": "lane", "name": "async", "most_active": 5}),
        429,
        "quota_exceeded",
    )


def test_a_parked_job_says_which_rule_it_waits_for(merchant):
    def parked(**values):
        rule = make_flow(**values)
        job = make_job(merchant=merchant, gate="parked", parked_by=rule.pk, parked_rank=NOW)
        return waiting_reason(Job.objects.get(pk=job.pk), now=NOW)

    assert parked(merchant=merchant, scope="merchant", most_active=5) == (
        "In line: a flow rule lets the merchant's jobs run at most 5 at once."
    )
    assert parked(
        merchant=merchant, scope="kind", name="http", most_active=2, rate=60, rate_period=60
    ) == ("In line: a flow rule lets jobs of kind http run at most 2 at once and 60 a minute.")
    assert parked(
        merchant=merchant, scope="handler", name="a.example", paused=True, pause_note="down"
    ) == ("ops@example.com paused jobs of handler a.example: down")
    assert parked(scope="lane", name="async", paused=True, pause_note="secret") == (
        "The operators have paused jobs of lane async."
    )
    assert parked(
        merchant=merchant,
        scope="kind",
        name="http",
        set_by_operators=True,
        paused=True,
        pause_note="x",
    ) == ("The operators have paused jobs of kind http.")
    assert parked(merchant=merchant, scope="merchant", set_by_operators=True, most_active=2) == (
        "In line: a flow rule of the operators lets the merchant's jobs run at most 2 at once."
    )
    over = "What it stood in line for is over; it is handed to a worker next."
    gone = make_job(merchant=merchant, gate="parked", parked_by=new_id(), parked_rank=NOW)
    assert waiting_reason(gone, now=NOW) == over
    # A pause without bounds that was resumed.
    assert parked(merchant=merchant, scope="kind", name="python") == over
