"""The alerts' pages: who sees what, what the forms store, what the buttons do."""

import pytest
from django.urls import reverse

from alerts.models import Channel, Delivery, EscalationPolicy, Incident, Rule
from tests.factories.admin import browser_of, confirm, messages_of, text_of
from tests.factories.alerts import (
    SECRET,
    make_channel,
    make_delivery,
    make_incident,
    make_policy,
    make_rule,
)
from tests.factories.jobs import make_merchant
from tests.factories.tenants import make_member, make_merchant_admin, make_superuser
from tests.integration.templates.admin_kit import errors_of, send

pytestmark = pytest.mark.django_db
MODELS = ("channel", "escalationpolicy", "rule", "incident", "delivery")
EVIL = "\"'><script>evil()</script>{{ 7|add:9871235 }}"


def url(model, verb="changelist", row=None):
    return reverse(f"admin:alerts_{model}_{verb}", args=[row.pk] if row else None)


class Belongings:
    """One row of each model of a merchant, or of the platform."""

    def __init__(self, merchant, word):
        self.channel = make_channel(merchant=merchant, name=f"{word} channel")
        self.escalationpolicy = make_policy(
            (0, [self.channel]), merchant=merchant, name=f"{word} policy"
        )
        self.rule = make_rule(merchant=merchant, policy=self.escalationpolicy, name=f"{word} rule")
        self.incident = make_incident(self.rule, subject=f"{word} subject")
        self.delivery = make_delivery(self.channel, self.incident)


@pytest.fixture
def shop():
    return make_merchant("shop")


@pytest.fixture
def ours(shop):
    return Belongings(shop, "Ours")


@pytest.fixture
def theirs():
    return [Belongings(make_merchant("rival"), "Rival"), Belongings(None, "Platform")]


@pytest.fixture
def boss(shop):
    return browser_of(make_merchant_admin(shop))


@pytest.fixture
def member(shop):
    return browser_of(make_member(shop))


@pytest.fixture
def root(db):
    return browser_of(make_superuser())


@pytest.mark.parametrize("model", MODELS)
def test_members_see_their_merchants_rows_and_no_others(ours, theirs, boss, member, model):
    for browser in (boss, member):
        page = text_of(browser.get(url(model)))
        assert "Ours" in page
        assert "Rival" not in page
        assert "Platform " not in page
        assert browser.get(url(model, "change", getattr(ours, model))).status_code == 200
        for other in theirs:
            # As Django answers for what is not there: back to the start.
            assert browser.get(url(model, "change", getattr(other, model))).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_a_superuser_sees_everybodys_rows(ours, theirs, root, model):
    page = text_of(root.get(url(model)))
    for word in ("Ours", "Rival", "Platform"):
        assert word in page
    assert root.get(url(model, "change", getattr(theirs[1], model))).status_code == 200


def test_a_channel_is_made_changed_and_its_secret_is_on_no_page(boss, shop):
    secret = {"url": "https://hooks.example/t0ken", "secret": SECRET}
    sent = send(boss, url("channel", "add"), name="Ours", kind="webhook", enabled="on", **secret)
    assert sent.status_code == 302, errors_of(sent)
    channel = Channel.objects.get()
    assert (channel.merchant, channel.shown) == (shop, "hooks.example")
    page = text_of(boss.get(url("channel", "change", channel)))
    assert "t0ken" not in page
    assert "whsec_QUJD" not in page
    before = channel.sealed_settings
    sent = send(boss, url("channel", "change", channel), name="Renamed")
    assert sent.status_code == 302, errors_of(sent)
    channel.refresh_from_db()
    assert (channel.name, channel.enabled, channel.sealed_settings) == ("Renamed", True, before)


def test_a_form_with_a_fault_sends_no_secret_back(boss):
    answer = send(
        boss,
        url("channel", "add"),
        name="Ours",
        kind="webhook",
        url="http://169.254.169.254/t0ken",
        secret=SECRET,
    )
    assert "169.254.169.254" in str(errors_of(answer))
    assert "t0ken" not in text_of(answer)
    assert SECRET not in text_of(answer)
    assert not Channel.objects.exists()


def test_the_test_button_sends_a_message(boss, ours):
    answer = confirm(boss, url("channel", "try_it", ours.channel))
    assert messages_of(answer) == ["A test message is on its way."]
    assert Delivery.objects.filter(event="test", channel=ours.channel).count() == 1


def test_a_policy_is_made_of_steps_with_channels(boss, shop, ours):
    pk = str(ours.channel.pk)
    sent = send(
        boss,
        url("escalationpolicy", "add"),
        name="Night",
        repeat_after=60,
        after_1=0,
        channels_1=pk,
        after_2=30,
        channels_2=pk,
    )
    assert sent.status_code == 302, errors_of(sent)
    policy = EscalationPolicy.objects.get(name="Night")
    assert policy.steps == [{"after": 0, "channels": [pk]}, {"after": 30, "channels": [pk]}]
    assert "after 30 min: 1 channel" in text_of(boss.get(url("escalationpolicy", "change", policy)))


def test_the_form_leaves_steps_alone_that_it_has_no_fields_for(boss, shop, ours):
    pk = str(ours.channel.pk)
    steps = [{"after": 10 * number, "channels": [pk]} for number in range(6)]
    EscalationPolicy.objects.filter(pk=ours.escalationpolicy.pk).update(steps=steps)
    sent = send(boss, url("escalationpolicy", "change", ours.escalationpolicy), name="Renamed")
    assert sent.status_code == 302, errors_of(sent)
    stored = EscalationPolicy.objects.get()
    assert (stored.name, stored.steps) == ("Renamed", steps)


def test_a_rule_is_made_with_the_bounds_of_its_kind(boss, shop, ours):
    fields = {"name": "Share", "kind": "failure_rate", "severity": "error", "enabled": "on"}
    wrong = send(boss, url("rule", "add"), bound_percent=101, **fields)
    assert errors_of(wrong)
    sent = send(boss, url("rule", "add"), bound_percent=30, bound_window=600, **fields)
    assert sent.status_code == 302, errors_of(sent)
    rule = Rule.objects.get(name="Share")
    assert (rule.merchant, rule.parameters) == (shop, {"percent": 30, "window": 600})
    sent = send(boss, url("rule", "change", rule), name="Share", severity="info", bound_percent=40)
    assert sent.status_code == 302, errors_of(sent)
    rule.refresh_from_db()
    assert (rule.severity, rule.parameters, rule.enabled) == (
        "info",
        {"percent": 40, "window": 600},
        True,
    )


def test_a_superuser_makes_a_rule_of_the_platform(root):
    sent = send(
        root,
        url("rule", "add"),
        name="Lanes",
        kind="lane_silent",
        severity="critical",
        enabled="on",
    )
    assert sent.status_code == 302, errors_of(sent)
    assert Rule.objects.get().merchant is None


def test_members_look_after_incidents(member, ours):
    answer = confirm(member, url("incident", "acknowledge", ours.incident), note="mine")
    assert messages_of(answer) == ["You look after the incident."]
    incident = Incident.objects.get()
    assert (incident.state, incident.note) == ("acknowledged", "mine")
    confirm(member, url("incident", "snooze", ours.incident), minutes="5", note="")
    assert Incident.objects.get().state == "snoozed"
    confirm(member, url("incident", "resolve", ours.incident), note="")
    assert Incident.objects.get().state == "resolved"


def test_members_cannot_change_what_merchant_admins_keep(member, ours):
    assert member.get(url("channel", "add")).status_code == 403
    assert member.get(url("rule", "add")).status_code == 403
    for model, verb in (("channel", "try_it"), ("channel", "remove"), ("rule", "remove")):
        answer = confirm(member, url(model, verb, getattr(ours, model)))
        assert answer.status_code in {302, 403, 404}
    assert Channel.objects.filter(pk=ours.channel.pk).exists()
    assert Rule.objects.filter(pk=ours.rule.pk).exists()
    assert not Delivery.objects.filter(event="test").exists()


@pytest.mark.parametrize("verb", ["acknowledge", "snooze", "resolve"])
def test_buttons_on_foreign_incidents_are_answered_like_missing_ones(boss, ours, theirs, verb):
    for other in theirs:
        answer = confirm(boss, url("incident", verb, other.incident), minutes="5", note="")
        assert answer.status_code == 404
    assert set(Incident.objects.values_list("state", flat=True)) == {"open"}


def test_a_channel_that_a_policy_names_is_not_deleted(boss, ours):
    answer = confirm(boss, url("channel", "remove", ours.channel))
    assert "names this channel" in messages_of(answer)[0]
    assert Channel.objects.filter(pk=ours.channel.pk).exists()


def test_what_users_wrote_is_text_on_every_page(root, shop):
    rows = Belongings(shop, EVIL[:60])
    Incident.objects.update(detail=EVIL, note=EVIL, subject=EVIL)
    Delivery.objects.update(
        error=EVIL,
        message={"title": EVIL, "facts": [EVIL], "rule": EVIL, "owner": EVIL, "link": "/admin/"},
    )
    for model in MODELS:
        for address in (url(model), url(model, "change", getattr(rows, model))):
            page = text_of(root.get(address))
            assert "<script>evil()" not in page
            assert "9871242" not in page


def test_an_incident_that_nobody_heard_of_says_so(member, ours):
    Incident.objects.update(untold_at=ours.incident.last_seen)
    assert "Nobody could be told" in text_of(member.get(url("incident", "change", ours.incident)))


def test_what_was_typed_for_another_kind_is_not_meant(boss, shop, ours):
    """The page hides it as soon as another kind is chosen."""
    send(
        boss,
        url("rule", "add"),
        name="Slow",
        kind="run_too_long",
        severity="error",
        bound_seconds="90",
        bound_percent="40",
    )
    assert Rule.objects.get(name="Slow").parameters == {"seconds": 90}
