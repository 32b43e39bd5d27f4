"""Who sees what in the admin: a merchant's people their own, the super admin everything."""

import pytest
from django.urls import reverse

from jobs.models import DeadLetter, IdempotencyRecord, Job
from tenants.identifiers import new_id
from tenants.models import Membership, Merchant
from tests.factories.admin import (
    browser_of,
    confirm,
    list_url,
    make_dead_letter,
    make_execution,
    page_url,
    text_of,
)
from tests.factories.jobs import NOW, make_job, make_merchant, make_worker
from tests.factories.tenants import make_member, make_superuser, make_user

pytestmark = pytest.mark.django_db

OPERATORS_PAGES = (
    "admin:jobs_worker_changelist",
    "admin:jobs_idempotencyrecord_changelist",
    "admin:django_celery_beat_periodictask_changelist",
    "admin:django_celery_beat_intervalschedule_changelist",
    "admin:django_celery_beat_crontabschedule_changelist",
    "admin:django_celery_beat_clockedschedule_changelist",
    "admin:django_celery_beat_solarschedule_changelist",
    "admin:django_celery_results_taskresult_changelist",
    "admin:django_celery_results_groupresult_changelist",
    "admin:admin_logentry_changelist",
)


@pytest.fixture
def rival() -> Merchant:
    return make_merchant("rival")


@pytest.fixture
def rows(shop, rival):
    """One row of each kind for each merchant: {model: (own, foreign)}."""
    letters = (make_dead_letter(merchant=shop), make_dead_letter(merchant=rival))
    own, foreign = (
        make_job(merchant=merchant, name=f"of {merchant.slug}") for merchant in (shop, rival)
    )
    return {
        "job": (own, foreign),
        "deadletter": letters,
        "execution": (make_execution(own), make_execution(foreign)),
    }


@pytest.mark.parametrize("model", ["job", "deadletter", "execution"])
def test_member_finds_own_rows_only(shop, rows, model):
    own, foreign = rows[model]
    page = text_of(browser_of(make_member(shop)).get(list_url(model)))
    assert page_url(model, own) in page
    assert page_url(model, foreign) not in page


@pytest.mark.parametrize("model", ["job", "deadletter", "execution"])
def test_foreign_page_is_answered_like_a_missing_one(shop, rows, model):
    browser = browser_of(make_member(shop))
    foreign = browser.get(page_url(model, rows[model][1]))
    missing = browser.get(page_url(model, new_id()))
    assert (foreign.status_code, foreign.headers["Location"]) == (
        missing.status_code,
        missing.headers["Location"],
    )
    assert foreign.status_code == 302


@pytest.mark.parametrize(
    ("model", "verb"),
    [
        ("job", "cancel"),
        ("job", "retry"),
        ("job", "run_now"),
        ("deadletter", "redrive"),
        ("deadletter", "discard"),
    ],
)
def test_verbs_on_foreign_rows_are_answered_like_missing_ones(shop, rows, model, verb):
    browser = browser_of(make_member(shop))
    before = (list(Job.objects.order_by("pk").values()), list(DeadLetter.objects.values()))
    for wanted in (rows[model][1], new_id(), "not-an-id"):
        assert browser.get(page_url(model, wanted, verb)).status_code == 404
        assert confirm(browser, page_url(model, wanted, verb)).status_code == 404
    assert before == (list(Job.objects.order_by("pk").values()), list(DeadLetter.objects.values()))


def test_list_action_leaves_foreign_rows_alone(shop, rows):
    own, foreign = rows["job"]
    browser_of(make_member(shop)).post(
        list_url("job"), {"action": "cancel_chosen", "_selected_action": [own.pk, foreign.pk]}
    )
    own.refresh_from_db()
    foreign.refresh_from_db()
    assert (own.status, foreign.status) == ("cancelled", "scheduled")


def test_superuser_sees_every_merchants_jobs_with_their_merchant(rows):
    page = text_of(browser_of(make_superuser()).get(list_url("job")))
    assert "of shop" in page
    assert "of rival" in page
    assert "column-merchant" in page


def test_superuser_narrows_the_list_to_one_merchant(shop, rows):
    address = list_url("job", merchant__id__exact=str(shop.pk))
    page = text_of(browser_of(make_superuser()).get(address))
    assert "of shop" in page
    assert "of rival" not in page


def test_member_of_one_merchant_needs_no_merchant_column(shop, rows):
    assert "column-merchant" not in text_of(browser_of(make_member(shop)).get(list_url("job")))


def test_member_cannot_look_through_the_merchant_filter_at_another_merchant(shop, rival, rows):
    address = list_url("job", merchant__id__exact=str(rival.pk))
    assert "of rival" not in text_of(browser_of(make_member(shop)).get(address))


def test_ended_membership_shuts_out_at_once(shop, rows):
    member = make_member(shop)
    browser = browser_of(member)
    Membership.objects.filter(user=member).update(active=False)
    assert browser.get(list_url("job")).status_code == 403
    assert confirm(browser, page_url("job", rows["job"][0], "cancel")).status_code in {403, 404}
    assert Job.objects.get(pk=rows["job"][0].pk).status == "scheduled"


def test_staff_without_a_merchant_sees_nothing(rows):
    browser = browser_of(make_user(is_staff=True))
    assert browser.get(list_url("job")).status_code == 403
    assert "of shop" not in text_of(browser.get(reverse("admin:index")))


@pytest.mark.parametrize("page", OPERATORS_PAGES)
def test_platforms_own_pages_are_for_the_super_admin_only(shop, page):
    assert browser_of(make_member(shop)).get(reverse(page)).status_code == 403
    assert browser_of(make_superuser()).get(reverse(page)).status_code == 200


def test_platforms_own_rows_cannot_be_changed_by_hand(shop):
    worker = make_worker()
    record = IdempotencyRecord.objects.create(
        merchant=shop, key="order-7", request_hash="x", created_at=NOW
    )
    browser = browser_of(make_superuser())
    for model, row in (("worker", worker), ("idempotencyrecord", record)):
        assert browser.get(page_url(model, row)).status_code == 200
        assert browser.post(page_url(model, row), {"name": "x"}).status_code == 403
        assert browser.post(page_url(model, row, "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", ["job", "deadletter", "execution"])
def test_rows_are_neither_added_nor_edited_nor_deleted_by_hand(rows, model):
    browser = browser_of(make_superuser())
    row = rows[model][0]
    assert browser.post(reverse(f"admin:jobs_{model}_add"), {}).status_code == 403
    assert browser.post(page_url(model, row), {"status": "succeeded"}).status_code == 403
    assert browser.post(page_url(model, row, "delete"), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    "lookup", ["name__regex", "payload__headers__Authorization__startswith", "merchant__slug"]
)
def test_list_takes_no_comparison_that_it_does_not_offer(shop, rows, lookup):
    response = browser_of(make_member(shop)).get(list_url("job", **{lookup: "(a+)+$"}))
    assert response.status_code == 400


OWN_LISTS = (
    "admin:tenants_user_changelist",
    "admin:tenants_merchant_changelist",
    "admin:tenants_membership_changelist",
    "admin:apikeys_apikey_changelist",
)


@pytest.mark.parametrize(
    ("page", "lookup", "value"),
    [
        ("tenants_user", "email__regex", "("),
        ("tenants_user", "email__startswith", "a"),
        ("tenants_user", "password__startswith", "argon2"),
        ("tenants_merchant", "name", "\x00"),
        ("tenants_merchant", "name__regex", "(a+)+$"),
        ("tenants_merchant", "sealed_signing_secret__startswith", "v"),
        ("tenants_membership", "role__exact", "\x00"),
        ("tenants_membership", "role__regex", "("),
        ("tenants_membership", "user__password__startswith", "a"),
        ("apikeys_apikey", "digest__startswith", "0"),
        ("apikeys_apikey", "public_id__regex", "("),
    ],
)
def test_lists_of_people_and_keys_take_no_comparison_that_they_do_not_offer(page, lookup, value):
    address = reverse(f"admin:{page}_changelist", query={lookup: value})
    assert browser_of(make_superuser()).get(address).status_code == 400


@pytest.mark.parametrize("page", OWN_LISTS)
def test_every_filter_that_a_list_of_people_or_keys_offers_works(shop, rival, page):
    browser = browser_of(make_superuser())
    listed = browser.get(reverse(page)).context["cl"]
    offered = [
        choice["query_string"]
        for filters in listed.filter_specs
        for choice in filters.choices(listed)
    ]
    assert len(offered) > 1
    for query in offered:
        assert browser.get(reverse(page) + query).status_code == 200, query


def test_sidebar_shows_what_one_may_see(shop):
    member = text_of(browser_of(make_member(shop)).get(reverse("admin:index")))
    superuser = text_of(browser_of(make_superuser()).get(reverse("admin:index")))
    assert list_url("job") in member
    assert list_url("worker") not in member
    assert list_url("worker") in superuser
