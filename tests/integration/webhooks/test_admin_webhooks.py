"""The admin's pages of webhooks: who sees and changes which; secrets are shown once."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from alerts.models import WebhookDelivery, WebhookEndpoint
from alerts.webhooks.operations.endpoints import rotate_secret
from jobs.models import Job
from tenants.clock import database_now
from tenants.identifiers import new_id
from tests.factories.admin import browser_of, confirm, messages_of, text_of
from tests.factories.jobs import NOW, make_merchant
from tests.factories.tenants import make_member, make_merchant_admin, make_superuser
from tests.factories.webhooks import make_delivery, make_endpoint
from tests.integration.templates.admin_kit import errors_of, send
from tests.integration.webhooks.kit import Receiver, work

pytestmark = pytest.mark.django_db
MODELS = ("webhookendpoint", "webhookdelivery", "webhookevent")


def address(model, row=None, verb="change"):
    if row is None:
        return reverse(f"admin:alerts_{model}_changelist")
    return reverse(f"admin:alerts_{model}_{verb}", args=[getattr(row, "pk", row)])


@pytest.fixture
def shop():
    return make_merchant("shop")


@pytest.fixture
def rows(shop, bystander):
    """One row of each model for each merchant: {model: (own, foreign)}."""
    endpoints = (make_endpoint(shop, description="own"), make_endpoint(bystander))
    deliveries = tuple(make_delivery(one) for one in endpoints)
    return {
        "webhookendpoint": endpoints,
        "webhookdelivery": deliveries,
        "webhookevent": tuple(one.event for one in deliveries),
    }


@pytest.mark.parametrize("model", MODELS)
def test_people_find_their_merchants_rows_only(shop, rows, model):
    own, foreign = rows[model]
    for person in (make_member(shop), make_merchant_admin(shop)):
        browser = browser_of(person)
        page = text_of(browser.get(address(model)))
        assert address(model, own) in page
        assert address(model, foreign) not in page
        assert browser.get(address(model, own)).status_code == 200
        answers = [
            (found.status_code, found.headers.get("Location"))
            for wanted in (foreign, new_id())
            for found in [browser.get(address(model, wanted))]
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 302


@pytest.mark.parametrize("model", MODELS)
def test_superuser_finds_everybodys(rows, model):
    page = text_of(browser_of(make_superuser()).get(address(model)))
    for one in rows[model]:
        assert address(model, one) in page


def test_no_page_shows_a_secret(shop, rows):
    own = rows["webhookendpoint"][0]
    browser = browser_of(make_merchant_admin(shop))
    for page in (address("webhookendpoint"), address("webhookendpoint", own)):
        text = text_of(browser.get(page))
        assert own.secret not in text
        assert own.sealed_secret not in text


def test_a_merchant_admin_adds_one_and_sees_its_secret_once(shop):
    browser = browser_of(make_merchant_admin(shop))
    added = send(
        browser,
        reverse("admin:alerts_webhookendpoint_add"),
        url="https://hooks.example/in",
        events=["job.failed"],
        active="on",
    )
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in text_of(added)
    assert "no-store" in added.headers["Cache-Control"]
    assert (endpoint.merchant_id, endpoint.events) == (shop.pk, ["job.failed"])


def test_a_form_says_what_is_wrong_beside_its_field(shop):
    browser = browser_of(make_merchant_admin(shop))
    refused = send(
        browser,
        reverse("admin:alerts_webhookendpoint_add"),
        url="http://10.0.0.8/",
        events=["job.failed"],
    )
    assert "public hosts only" in errors_of(refused)["url"][0]
    assert not WebhookEndpoint.objects.exists()


def test_a_member_looks_and_changes_nothing(shop, rows):
    own = rows["webhookendpoint"][0]
    browser = browser_of(make_member(shop))
    before = list(WebhookEndpoint.objects.order_by("pk").values())
    assert browser.get(reverse("admin:alerts_webhookendpoint_add")).status_code == 403
    browser.post(address("webhookendpoint", own), {"url": "https://evil.example/"})
    for verb in ("test", "enable", "redeliver", "remove"):
        assert confirm(browser, address("webhookendpoint", own, verb)).status_code in {403, 404}
    assert list(WebhookEndpoint.objects.order_by("pk").values()) == before


def test_verbs_on_foreign_rows_are_answered_like_missing_ones(shop, rows):
    browser = browser_of(make_merchant_admin(shop))
    jobs = Job.objects.count()
    verbs = [("webhookendpoint", verb) for verb in ("test", "enable", "redeliver", "remove")]
    for model, verb in [*verbs, ("webhookdelivery", "again")]:
        for wanted in (rows[model][1], new_id()):
            assert confirm(browser, address(model, wanted, verb)).status_code == 404
    assert Job.objects.count() == jobs
    assert rows["webhookendpoint"][1].deleted_at is None


def test_buttons_test_switch_on_and_delete(shop, rows):
    own = rows["webhookendpoint"][0]
    browser = browser_of(make_merchant_admin(shop))
    confirm(browser, address("webhookendpoint", own, "test"))
    assert WebhookDelivery.objects.filter(endpoint=own, again=True).count() == 1
    WebhookEndpoint.objects.filter(pk=own.pk).update(
        disabled_at=database_now(), disabled_reason="It failed."
    )
    assert "It failed." in text_of(browser.get(address("webhookendpoint", own)))
    confirm(browser, address("webhookendpoint", own, "enable"))
    own.refresh_from_db()
    assert own.state == "active"
    confirm(browser, address("webhookendpoint", own, "remove"))
    own.refresh_from_db()
    assert own.deleted_at is not None


def test_what_an_endpoint_did_not_get_is_sent_again_by_a_button(valkey, shop, rows):
    own = rows["webhookendpoint"][0]
    Job.objects.filter(kind="webhook").update(max_attempts=1)
    work(Receiver(lambda one: 500))
    browser = browser_of(make_merchant_admin(shop))
    asked = address("webhookendpoint", own, "redeliver")
    assert "Since (UTC)" in text_of(browser.get(asked))
    refused = text_of(confirm(browser, asked, since="2020-01-01T00:00"))
    assert "must lie in the last 30 days" in refused
    since = database_now() - timedelta(hours=1)
    said = confirm(browser, asked, since=f"{since:%Y-%m-%dT%H:%M}")
    assert "1 delivery is on the way again" in messages_of(said)[0]
    waiting = Job.objects.filter(kind="webhook", status="scheduled")
    assert [str(one.pk) for one in waiting] == [str(rows["webhookdelivery"][0].job_id)]


def test_rotation_shows_the_new_secret_and_leaves_foreign_ones_alone(shop, rows):
    own, foreign = rows["webhookendpoint"]
    old = own.secret
    browser = browser_of(make_merchant_admin(shop))
    page = browser.post(
        address("webhookendpoint"),
        {"action": "rotate", "_selected_action": [own.pk, foreign.pk]},
    )
    now = WebhookEndpoint.objects.get(pk=own.pk)
    assert now.secret in text_of(page)
    assert now.secret != old
    assert len(now.secrets(database_now())) == 2
    assert WebhookEndpoint.objects.get(pk=foreign.pk).secret == foreign.secret


def test_a_delivery_shows_its_answer_and_is_sent_again(valkey, shop, rows):
    own = rows["webhookdelivery"][0]
    work(Receiver())
    browser = browser_of(make_member(shop))
    page = text_of(browser.get(address("webhookdelivery", own)))
    assert "204" in page
    answer = confirm(browser, address("webhookdelivery", own, "again"))
    assert "on its way again" in messages_of(answer)[0]
    assert WebhookDelivery.objects.filter(event=own.event).count() == 2


def test_reencryption_moves_the_secrets_of_endpoints(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    endpoint = make_endpoint(make_merchant())
    rotate_secret(endpoint, None, now=NOW)
    rotated = WebhookEndpoint.objects.get(pk=endpoint.pk)
    before = rotated.secrets(NOW)
    settings.ENCRYPTION_KEYS = ["new", "old"]
    call_command("reencrypt_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["new"]
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).secrets(NOW) == before
    assert len(before) == 2
