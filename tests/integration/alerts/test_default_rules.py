"""The rules that merchants and the platform begin with."""

import pytest
from django.core.management import call_command
from django.db import transaction

from alerts.models import Rule
from alerts.operations.default_rules import OF_MERCHANTS, OF_PLATFORM, add_default_rules
from tenants.models import AuditEntry, Merchant
from tenants.operations import create_merchant, store_merchant
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, make_merchant
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock

pytestmark = pytest.mark.django_db


def kinds(merchant):
    return sorted(Rule.objects.filter(merchant=merchant).values_list("kind", flat=True))


def test_a_new_merchant_has_the_usual_rules_and_they_tell_nobody_yet():
    merchant = create_merchant(name="Acme", slug="acme")
    assert kinds(merchant) == sorted(OF_MERCHANTS)
    rules = Rule.objects.filter(merchant=merchant)
    assert all(rule.enabled and rule.policy is None for rule in rules)
    told = AuditEntry.objects.filter(merchant=merchant, object_type="alert_rule")
    assert told.count() == len(OF_MERCHANTS)


def test_a_merchant_that_is_edited_gets_none():
    merchant = create_merchant(name="Acme", slug="acme")
    Rule.objects.all().delete()
    merchant.name = "Acme Ltd"
    store_merchant(merchant, by=somebody())
    assert kinds(merchant) == []


def test_only_kinds_that_are_missing_are_added():
    merchant = make_merchant()
    [first, *_] = add_default_rules(merchant, now=NOW)
    Rule.objects.exclude(pk=first.pk).delete()
    assert len(add_default_rules(merchant, now=NOW)) == len(OF_MERCHANTS) - 1
    assert add_default_rules(merchant, now=NOW) == []


def test_the_command_helps_those_who_have_none(capsys):
    bare, choosy = make_merchant(), make_merchant()
    add_default_rules(choosy, now=NOW)
    [kept, *others] = Rule.objects.filter(merchant=choosy)
    Rule.objects.filter(pk__in=[rule.pk for rule in others]).delete()
    call_command("default_alert_rules")
    assert kinds(None) == sorted(OF_PLATFORM)
    assert kinds(bare) == sorted(OF_MERCHANTS)
    assert kinds(choosy) == [kept.kind]
    assert "The platform: 3 rules added." in capsys.readouterr().out
    call_command("default_alert_rules")
    assert capsys.readouterr().out == ""


@pytest.mark.django_db(transaction=True)
def test_two_who_add_them_at_once_add_them_once():
    merchant = make_merchant()
    with transaction.atomic():
        add_default_rules(merchant, now=NOW)
        other = OtherSession(
            lambda: add_default_rules(Merchant.objects.get(pk=merchant.pk), now=NOW)
        )
        wait_until_one_waits_for_a_lock()
    assert other.result() == []
    assert kinds(merchant) == sorted(OF_MERCHANTS)
