"""The audit trail: one chain a merchant, nothing changed or deleted, tampering found."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from jobs.models import DeadLetter
from jobs.operations import dead_letters, steer
from jobs.operations.steer import NotRetryable
from templates_app.operations.templates import edit_template
from tenants.audit import Actor, person, record, verify_chains
from tenants.audit.canonical import LONGEST_TEXT
from tenants.models import AuditChain, AuditEntry, Merchant
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.factories.templates import make_template

TRIGGER = "ALTER TABLE tenants_auditentry {} TRIGGER tenants_audit_append_only"


def note(merchant, verb="pause", **told):
    record(
        by=somebody(),
        verb=verb,
        object_type="template",
        object_id="x",
        merchant_id=merchant.pk if merchant else None,
        **told,
    )


def tamper(sql):
    """Do what only somebody with the database's owner's rights could do."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER.format("DISABLE"))
        cursor.execute(sql)
        cursor.execute(TRIGGER.format("ENABLE"))


def broken(merchant):
    [chain] = [one for one in verify_chains() if one.merchant_id == merchant.pk]
    return chain.broken, chain.why


@pytest.fixture
def merchant(db):
    """A merchant with three entries, beside another one and the platform."""
    found, other = make_merchant(), make_merchant()
    for number in range(3):
        note(found, after={"number": number, "rate": 0.5, "large": 1e22, "text": "ä\x00\ud800"})
        note(other)
        note(None)
    return found


def test_each_merchant_has_a_chain_of_its_own_and_the_platform_too(merchant):
    states = list(verify_chains())
    assert len(states) == 3
    assert all((chain.broken, chain.entries) == (None, 3) for chain in states)
    numbers = AuditEntry.objects.of(merchant).order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3]
    call_command("verify_audit")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE tenants_auditentry SET verb = 'x'",
        "DELETE FROM tenants_auditentry",
        "TRUNCATE tenants_auditentry",
    ],
)
def test_the_database_refuses_to_change_an_entry(merchant, sql):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert AuditEntry.objects.count() == 9


@pytest.mark.parametrize(
    ("sql", "number", "why"),
    [
        ("UPDATE tenants_auditentry SET actor_name = 'x' WHERE number = 2", 2, "was changed"),
        ("UPDATE tenants_auditentry SET address = NULL WHERE number = 1", 1, "was changed"),
        ("UPDATE tenants_auditentry SET at = at + interval '1us' WHERE number = 3", 3, "changed"),
        ("UPDATE tenants_auditentry SET after = '{}' WHERE number = 2", 2, "was changed"),
        ("DELETE FROM tenants_auditentry WHERE number = 2", 2, "is missing"),
        ("DELETE FROM tenants_auditentry WHERE number = 3", 3, "end are missing"),
        ("DELETE FROM tenants_auditchain", 1, "head of the chain is gone"),
    ],
)
def test_tampering_is_found_at_the_first_broken_entry(merchant, sql, number, why):
    tamper(f"{sql}{' AND' if 'WHERE' in sql else ' WHERE'} merchant_id = '{merchant.pk}'")
    found, told = broken(merchant)
    assert found == number
    assert why in told
    assert sum(chain.broken is not None for chain in verify_chains()) == 1
    with pytest.raises(CommandError, match=merchant.slug):
        call_command("verify_audit")


def test_an_entry_that_is_written_anew_breaks_the_next_one(merchant):
    """Whoever recomputes one hash would have to recompute all that follow, and the head."""
    tamper(
        "UPDATE tenants_auditentry SET hash = repeat('a', 64), verb = 'x' "
        f"WHERE number = 1 AND merchant_id = '{merchant.pk}'"
    )
    assert broken(merchant)[0] == 1


def test_verification_reads_page_by_page(merchant, monkeypatch):
    monkeypatch.setattr("tenants.audit.verifying.PAGE", 2)
    assert broken(merchant) == (None, "")
    tamper(
        f"UPDATE tenants_auditentry SET verb = 'x' WHERE number = 3 AND merchant_id = '{merchant.pk}'"
    )
    assert broken(merchant)[0] == 3


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain():
    merchant = make_merchant()

    def write():
        try:
            for _ in range(10):
                note(merchant)
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    [chain] = verify_chains()
    assert (chain.entries, chain.broken) == (60, None)
    times = list(AuditEntry.objects.order_by("number").values_list("at", flat=True))
    assert times == sorted(times)


def test_a_change_that_is_undone_leaves_no_entry(merchant):
    def fail():
        with transaction.atomic():
            note(merchant)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert AuditEntry.objects.of(merchant).count() == 3
    note(merchant)
    assert broken(merchant) == (None, "")


def test_secrets_are_hidden_and_long_values_are_cut(merchant):
    note(
        merchant, after={"client_secret": "s3cret", "inner": {"password": "x"}, "text": "y" * 9_999}
    )
    after: Any = AuditEntry.objects.of(merchant).latest("number").after
    assert (after["client_secret"], after["inner"]) == ("***", {"password": "***"})
    assert after["text"].startswith("y" * LONGEST_TEXT + "… (cut: 9,999")
    note(merchant, after={str(number): "z" * 1_900 for number in range(100)})
    assert len(str(AuditEntry.objects.of(merchant).latest("number").after)) < 50_000
    assert broken(merchant) == (None, "")


def last(merchant: Merchant) -> Any:
    return AuditEntry.objects.of(merchant).latest("number")


def test_a_redrive_tells_who_what_and_both_payloads_without_secrets(merchant):
    payload = {"url": "https://shop.example/a", "headers": {"Authorization": "s3cret"}}
    job = make_job(
        merchant=merchant, status="failed", kind="http", handler="shop.example", payload=payload
    )
    letter = DeadLetter.objects.get(job=job)
    by = somebody("Ana")
    changed = {"url": "https://shop.example/b", "headers": {"Authorization": "***"}}
    dead_letters.redrive(letter, now=NOW, by=by, payload=changed)
    entry: Any = last(merchant)
    assert (entry.verb, entry.object_type, entry.object_id) == (
        "redrive",
        "dead_letter",
        str(letter.pk),
    )
    assert (entry.actor_kind, entry.actor_id, entry.actor_name, entry.address) == (
        "user",
        by.id,
        "Ana",
        "192.0.2.7",
    )
    urls = [told["payload"]["url"] for told in (entry.before, entry.after)]
    assert urls == ["https://shop.example/a", "https://shop.example/b"]
    assert "s3cret" not in f"{entry.before}{entry.after}"


def test_a_bulk_act_is_one_entry_with_its_filter_and_count(merchant):
    for _ in range(4):
        make_job(merchant=merchant, status="failed")
    count = AuditEntry.objects.count()
    dead_letters.discard_many(
        DeadLetter.objects.of(merchant),
        merchant=merchant,
        now=NOW,
        by=somebody(),
        reason="closed",
        chosen_by={"filter": {"kind": "python"}},
    )
    assert AuditEntry.objects.count() == count + 1
    assert last(merchant).after == {
        "chosen_by": {"filter": {"kind": "python"}},
        "count": 4,
        "reason": "closed",
    }


def test_a_verb_that_is_refused_leaves_no_entry(merchant):
    job = make_job(merchant=merchant, status="running")
    count = AuditEntry.objects.count()
    with pytest.raises(NotRetryable):
        steer.retry(job, now=NOW, by=somebody())
    assert AuditEntry.objects.count() == count


def test_an_edit_of_a_template_keeps_only_what_changed(merchant):
    template = make_template(merchant=merchant)
    edit_template(template, {"name": "New"}, now=NOW + timedelta(minutes=1), by=somebody())
    entry = last(merchant)
    assert (entry.verb, entry.before, entry.after) == ("edit", {"name": "Report"}, {"name": "New"})


def test_the_name_of_a_person_is_its_address(merchant, django_user_model):
    user = django_user_model.objects.create_user(email="Ana@Example.test")
    assert isinstance(person(user), Actor)
    assert person(user).shown == "ana@example.test"
    assert AuditChain.objects.filter(merchant=merchant).count() == 1
