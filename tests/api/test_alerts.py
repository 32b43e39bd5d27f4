"""Channels, policies, rules and incidents over the API."""

import pytest

from alerts.models import Channel, Delivery, EscalationPolicy, Incident, Rule
from tests.api.kit import pointers, problem
from tests.factories.alerts import (
    SECRET,
    make_channel,
    make_delivery,
    make_incident,
    make_policy,
    make_rule,
)
from tests.factories.jobs import make_merchant
from tests.factories.templates import make_template

MAIL = {"name": "Team", "kind": "email", "addresses": ["team@shop.example"]}
HOOK = {
    "name": "Ours",
    "kind": "webhook",
    "url": "https://hooks.example/in?token=t0ken",
    "secret": SECRET,
}


@pytest.fixture
def mail(merchant):
    return make_channel(merchant=merchant)


@pytest.fixture
def policy(merchant, mail):
    return make_policy((0, [mail]), merchant=merchant)


@pytest.fixture
def incident(merchant, policy):
    return make_incident(make_rule(merchant=merchant, policy=policy), subject="Nightly")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (MAIL, "team@shop.example"),
        (HOOK, "hooks.example"),
        (
            {"name": "Chat", "kind": "slack", "url": "https://hooks.slack.example/T0/s3cret"},
            "hooks.slack.example",
        ),
        ({"name": "Pager", "kind": "pagerduty", "routing_key": "R0UT1NGKEY"}, "key …GKEY"),
    ],
)
def test_a_channel_is_stored_and_its_secrets_are_never_shown(api, body, shown):
    made = api.send("/alert-channels", body, **{"Idempotency-Key": "one"})
    again = api.send("/alert-channels", body, **{"Idempotency-Key": "one"})
    assert (made.status_code, again["Idempotent-Replayed"]) == (201, "true"), made.content
    assert made.json()["shown"] == shown
    pages = made.content + again.content
    pages += api.read("/alert-channels").content
    pages += api.read(f"/alert-channels/{made.json()['id']}").content
    for secret in (b"s3cret", b"whsec_", b"t0ken", b"R0UT"):
        assert secret not in pages
    assert Channel.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"name": "x"}, "/kind", "required"),
        ({**MAIL, "name": " "}, "/name", "required"),
        ({**MAIL, "addresses": []}, "/addresses", "required"),
        (
            {**MAIL, "addresses": ["a@b.example\nBcc: c@d.example"]},
            "/addresses/0",
            "control_characters",
        ),
        ({**MAIL, "addresses": ["nobody"]}, "/addresses", "invalid_address"),
        ({**MAIL, "url": "https://a.example"}, "/url", "not_allowed"),
        ({**HOOK, "url": "http://127.0.0.1/x"}, "/url", "invalid_url"),
        ({**HOOK, "url": "http://169.254.169.254/x"}, "/url", "invalid_url"),
        ({**HOOK, "secret": "short"}, "/secret", "invalid_secret"),
        ({**HOOK, "enabled": "yes"}, "/enabled", "wrong_type"),
        ({**MAIL, "kind": "pigeon"}, "/kind", "not_allowed"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_with_its_field(api, body, pointer, code):
    answer = problem(api.send("/alert-channels", body), 400, "invalid_fields")
    assert (pointer, code) in pointers(answer)
    assert not Channel.objects.exists()


def test_a_channels_settings_change_and_the_rest_stays(api, mail):
    path = f"/alert-channels/{mail.pk}"
    before = mail.sealed_settings
    assert api.change(path, {"enabled": False}).json()["enabled"] is False
    assert Channel.objects.get().sealed_settings == before
    assert (
        api.change(path, {"addresses": ["new@shop.example"]}).json()["shown"] == "new@shop.example"
    )
    problem(api.change(path, {"secret": SECRET}), 400, "invalid_fields")


def test_a_channel_or_policy_that_is_needed_stays(api, mail, policy):
    rule = make_rule(merchant=mail.merchant, policy=policy)
    problem(api.call("DELETE", f"/alert-channels/{mail.pk}"), 409, "in_use")
    problem(api.call("DELETE", f"/alert-policies/{policy.pk}"), 409, "in_use")
    assert api.call("DELETE", f"/alert-rules/{rule.pk}").status_code == 204
    assert api.call("DELETE", f"/alert-policies/{policy.pk}").status_code == 204
    assert api.call("DELETE", f"/alert-channels/{mail.pk}").status_code == 204


def test_a_test_message_is_a_job_of_the_platforms_merchant(api, mail):
    answer = api.send(f"/alert-channels/{mail.pk}/test")
    assert answer.status_code == 202, answer.content
    assert (answer.json()["event"], answer.json()["state"]) == ("test", "pending")
    assert api.read("/jobs").json()["results"] == []
    assert Delivery.objects.get().merchant_id == mail.merchant_id


def test_merchants_cannot_make_jobs_of_kind_alert(api, mail, incident):
    delivery = make_delivery(mail, incident)
    body = {"kind": "alert", "payload": {"delivery": str(delivery.pk)}}
    assert api.send("/jobs", body).status_code == 400
    assert "alert" not in str(
        problem(api.send("/jobs", {**body, "kind": "x"}), 400, "invalid_fields")
    )


def test_a_policys_steps_are_ordered_and_its_channels_are_ones_own(api, mail, stranger):
    steps = [{"after": 30, "channels": [str(mail.pk)]}, {"after": 0, "channels": [str(mail.pk)]}]
    made = api.send("/alert-policies", {"name": "P", "steps": steps, "repeat_after": None})
    assert made.status_code == 201, made.content
    assert [step["after"] for step in made.json()["steps"]] == [0, 30]
    foreign = make_channel(merchant=stranger)
    platforms = make_channel(merchant=None)
    for channel in (str(foreign.pk), str(platforms.pk), "x"):
        body = {"name": "P", "steps": [{"after": 0, "channels": [channel]}]}
        answer = problem(api.send("/alert-policies", body), 400, "invalid_fields")
        assert ("/steps", "unknown_channel") in pointers(answer)
    assert EscalationPolicy.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "lane_silent"}, "/kind"),
        ({"kind": "queue_age"}, "/kind"),
        ({"parameters": {"percent": 5}}, "/parameters/percent"),
        ({"parameters": {"quiet": 1}}, "/parameters/quiet"),
        ({"severity": "awful"}, "/severity"),
        ({"policy_id": "00000000-0000-7000-8000-000000000009"}, "/policy_id"),
        ({"template_id": "00000000-0000-7000-8000-000000000009"}, "/template_id"),
        (
            {"kind": "lateness", "template_id": "00000000-0000-7000-8000-000000000009"},
            "/template_id",
        ),
    ],
)
def test_a_rule_that_a_merchant_may_not_have_is_refused(api, change, pointer):
    body = {"name": "R", "kind": "job_failed", **change}
    answer = problem(api.send("/alert-rules", body), 400, "invalid_fields")
    assert pointer in {one[0] for one in pointers(answer)}
    assert not Rule.objects.exists()


def test_a_rule_is_stored_edited_and_switched_off_with_its_incidents(api, merchant, policy):
    template = make_template(merchant=merchant)
    body = {
        "name": "R",
        "kind": "run_missing",
        "parameters": {"grace": 60},
        "template_id": str(template.pk),
        "policy_id": str(policy.pk),
        "severity": "critical",
    }
    made = api.send("/alert-rules", body)
    assert made.status_code == 201, made.content
    path = f"/alert-rules/{made.json()['id']}"
    assert api.read(path).json() == made.json()
    edited = api.change(path, {"parameters": {"grace": 90}, "template_id": None}).json()
    assert (edited["parameters"], edited["template_id"]) == ({"grace": 90}, None)
    make_incident(Rule.objects.get())
    api.change(path, {"enabled": False})
    assert Incident.objects.get().state == "resolved"


def test_incidents_are_acknowledged_snoozed_and_resolved_once(api, incident):
    path = f"/incidents/{incident.pk}"
    seen = api.send(f"{path}/acknowledge", {"note": "mine"}).json()
    assert (seen["state"], seen["note"]) == ("acknowledged", "mine")
    assert seen["acknowledged_by"].startswith("API key ")
    assert api.send(f"{path}/snooze", {"minutes": 5}).json()["state"] == "snoozed"
    problem(api.send(f"{path}/snooze", {}), 400, "invalid_fields")
    assert api.send(f"{path}/resolve").json()["state"] == "resolved"
    for verb in ("acknowledge", "resolve"):
        problem(api.send(f"{path}/{verb}"), 409, "incident_resolved")
    assert api.read("/incidents?state=open").json()["results"] == []
    assert len(api.read("/incidents?state=resolved").json()["results"]) == 1


def test_deliveries_are_found_by_their_incident(api, mail, incident):
    make_delivery(mail, incident)
    make_delivery(mail, make_incident(incident.rule, subject_key="other"))
    [found] = api.read(f"/alert-deliveries?incident={incident.pk}").json()["results"]
    assert (found["title"], found["state"]) == ("Nightly", "sent")


def test_what_is_the_platforms_is_not_there_for_merchants(api):
    channel = make_channel(merchant=None)
    rule = make_rule(merchant=None, policy=make_policy((0, [channel]), merchant=None))
    incident = make_incident(rule)
    make_delivery(channel, incident)
    for path in ("/alert-channels", "/alert-policies", "/alert-rules", "/incidents"):
        assert api.read(path).json()["results"] == []
    assert api.read("/alert-deliveries").json()["results"] == []
    assert api.send(f"/incidents/{incident.pk}/resolve").status_code == 404
    assert api.change(f"/alert-rules/{rule.pk}", {"enabled": False}).status_code == 404


def test_there_are_at_most_so_many_channels(api, merchant, monkeypatch):
    monkeypatch.setattr("alerts.operations.channels.MOST_CHANNELS", 1)
    make_channel(merchant=make_merchant())
    assert api.send("/alert-channels", MAIL).status_code == 201
    problem(api.send("/alert-channels", MAIL), 429, "quota_exceeded")
