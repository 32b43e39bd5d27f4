"""The audit trail's pages: merchant admins see their merchants', super admins all, nobody changes it."""

import pytest
from django.urls import reverse

from tenants.audit import record
from tenants.models import AuditEntry
from tests.factories.actors import somebody
from tests.factories.admin import browser_of
from tests.factories.tenants import (
    make_member,
    make_merchant,
    make_merchant_admin,
    make_superuser,
)

pytestmark = pytest.mark.django_db
LIST = "admin:tenants_auditentry_changelist"


def entry_of(merchant, name):
    record(
        by=somebody(name),
        verb="pause",
        object_type="template",
        object_id="1",
        merchant_id=merchant.pk if merchant else None,
        after={"note": f"<b>{name}</b>"},
    )
    return AuditEntry.objects.get(actor_name=name)


def page(entry, verb="change"):
    return reverse(f"admin:tenants_auditentry_{verb}", args=[entry.pk])


@pytest.fixture
def entries():
    shop, other = make_merchant(), make_merchant()
    return shop, [entry_of(shop, "own"), entry_of(other, "others"), entry_of(None, "platforms")]


def test_a_merchant_admin_sees_its_merchants_entries_alone(entries):
    shop, (own, others, platforms) = entries
    browser = browser_of(make_merchant_admin(shop))
    listed = browser.get(reverse(LIST)).content.decode()
    assert page(own) in listed
    assert page(others) not in listed
    assert page(platforms) not in listed
    shown = browser.get(page(own)).content.decode()
    assert "&lt;b&gt;own&lt;/b&gt;" in shown
    assert own.hash in shown
    assert browser.get(page(others)).status_code == 302


def test_a_super_admin_sees_all_and_the_platforms(entries):
    _, rows = entries
    listed = browser_of(make_superuser()).get(reverse(LIST)).content.decode()
    assert all(page(row) in listed for row in rows)


def test_a_member_does_not_come_in(entries):
    shop, (own, *_) = entries
    browser = browser_of(make_member(shop))
    assert browser.get(reverse(LIST)).status_code == 403
    assert browser.get(page(own)).status_code in {302, 403}


def test_nobody_changes_or_deletes_an_entry(entries):
    _, (own, *_) = entries
    browser = browser_of(make_superuser())
    assert browser.post(page(own), {"verb": "x"}).status_code == 403
    assert browser.post(page(own, "delete"), {"post": "yes"}).status_code == 403
    own.refresh_from_db()
    assert own.verb == "pause"


def test_what_is_done_to_people_is_told_in_the_platforms_part(entries):
    boss, user = make_superuser(), make_member(entries[0], name="Ana")
    address = reverse("admin:tenants_user_change", args=[user.pk])
    body = {"email": user.email, "name": "Ana", "is_active": "on", "is_staff": "on"}
    assert browser_of(boss).post(address, {**body, "is_superuser": "on"}).status_code == 302
    entry = AuditEntry.objects.get(object_type="user")
    assert (entry.merchant_id, entry.verb, entry.actor_id) == (None, "edit", boss.pk)
    assert (entry.before, entry.after) == ({"is_superuser": False}, {"is_superuser": True})
