"""Who may do what on the admin's schedule pages; and what users wrote is text there."""

import pytest
from django.apps import apps
from django.urls import reverse

from jobs.models import Job
from templates_app.models import Calendar, MaintenanceWindow, SkippedOccurrence, Template
from tenants.identifiers import new_id
from tenants.models import Membership
from tests.factories.admin import browser_of, confirm, text_of
from tests.factories.templates import DAY, HOUR, make_calendar, make_template, make_window
from tests.factories.tenants import make_member, make_merchant_admin, make_superuser, make_user
from tests.integration.templates.admin_kit import (
    add_url,
    all_of,
    left_alone,
    list_url,
    page_url,
    send,
)
from tests.integration.test_admin_escaping import EVIL, check

pytestmark = pytest.mark.django_db

MODELS = ("template", "calendar", "maintenancewindow", "skippedoccurrence")
# What the form of a new one needs beside its name.
ADDED = {
    "template": {"kind": "python", "payload": '{"handler": "demo.noop"}'},
    "calendar": {},
    "maintenancewindow": {
        "recurrence": '{"kind": "daily", "times": ["12:00"], "timezone": "UTC"}',
        "duration": "600",
    },
}
VERBS = (
    *(("template", verb) for verb in ("run_now", "pause", "resume", "backfill", "remove")),
    ("calendar", "remove"),
    ("maintenancewindow", "remove"),
    *(("skippedoccurrence", verb) for verb in ("run_all", "run_last", "dismiss")),
)


def rows_of(merchant, now):
    """One row of each kind for a merchant."""
    template = make_template(merchant=merchant, name=f"T of {merchant.slug}", now=now)
    return {
        "template": template,
        "calendar": make_calendar(merchant=merchant, name=f"C of {merchant.slug}"),
        "maintenancewindow": make_window(
            merchant=merchant, starts_at=now + DAY, ends_at=now + DAY + HOUR
        ),
        "skippedoccurrence": SkippedOccurrence.objects.create(
            merchant=merchant,
            template=template,
            cause="missed",
            reason="Down.",
            first_at=now - HOUR,
            last_at=now - HOUR,
        ),
    }


@pytest.fixture
def own(shop, now):
    return rows_of(shop, now)


@pytest.fixture
def foreign(rival, now):
    return rows_of(rival, now)


def everything():
    models = (Template, Calendar, MaintenanceWindow, SkippedOccurrence, Job)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("model", MODELS)
def test_people_of_a_merchant_find_its_rows_only(shop, own, foreign, model):
    for person in (make_member(shop), make_merchant_admin(shop)):
        page = text_of(browser_of(person).get(list_url(model)))
        assert page_url(model, own[model]) in page
        assert page_url(model, foreign[model]) not in page


@pytest.mark.parametrize("model", MODELS)
def test_superuser_finds_every_merchants_rows(own, foreign, model):
    page = text_of(browser_of(make_superuser()).get(list_url(model)))
    assert page_url(model, own[model]) in page
    assert page_url(model, foreign[model]) in page


@pytest.mark.parametrize("model", MODELS)
def test_foreign_page_is_answered_like_a_missing_one(browser, foreign, model):
    before = everything()
    answers = [
        [
            (response.status_code, response.headers.get("Location"))
            for address in [page_url(model, wanted)]
            for response in (browser.get(address), browser.post(address, {"name": "x"}))
        ]
        for wanted in (foreign[model], new_id())
    ]
    assert answers[0] == answers[1]
    assert answers[0][0][0] == 302
    assert everything() == before


@pytest.mark.parametrize(("model", "verb"), VERBS)
def test_verbs_on_foreign_rows_are_answered_like_missing_ones(browser, foreign, model, verb):
    before = everything()
    for wanted in (foreign[model], new_id(), "not-an-id"):
        assert browser.get(page_url(model, wanted, verb)).status_code == 404
        assert confirm(browser, page_url(model, wanted, verb)).status_code == 404
    assert everything() == before


@pytest.mark.parametrize(
    ("model", "action"),
    [
        ("template", "pause_chosen"),
        ("template", "run_chosen_now"),
        ("skippedoccurrence", "dismiss_chosen"),
    ],
)
def test_list_action_leaves_foreign_rows_alone(browser, own, foreign, model, action):
    chosen = [own[model].pk, foreign[model].pk]
    before = all_of(own[model])
    with left_alone(foreign[model]):
        browser.post(list_url(model), {"action": action, "_selected_action": chosen})
    assert all_of(own[model]) != before


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_a_merchant_and_ended_members_are_shut_out(shop, own, model):
    ended = make_member(shop)
    Membership.objects.filter(user=ended).update(active=False)
    before = everything()
    for person in (make_user(is_staff=True), ended):
        browser = browser_of(person)
        assert browser.get(list_url(model)).status_code == 403
        assert browser.get(add_url(model)).status_code == 403
        assert browser.get(page_url(model, own[model])).status_code in {302, 403}
    assert everything() == before


def test_picker_is_shut_for_staff_without_a_merchant(own):
    browser = browser_of(make_user(is_staff=True))
    assert browser.get(reverse("admin:templates_app_calendar_choices")).status_code == 403


@pytest.mark.parametrize("model", ["template", "calendar", "maintenancewindow"])
def test_member_merchant_admin_and_superuser_may_edit(shop, own, model):
    for person in (make_member(shop), make_merchant_admin(shop), make_superuser()):
        name = f"By {person.email}"
        assert send(browser_of(person), page_url(model, own[model]), name=name).status_code == 302
        own[model].refresh_from_db()
        assert own[model].name == name


@pytest.mark.parametrize("model", ["template", "calendar", "maintenancewindow"])
def test_person_of_two_merchants_says_for_which_one(shop, rival, model):
    person = make_member(shop)
    Membership.objects.create(user=person, merchant=rival, role="merchant_member")
    fields = {"name": "New", **ADDED[model]}
    browser = browser_of(person)
    refused = send(browser, add_url(model), **fields)
    assert "merchant" in refused.context["adminform"].form.errors
    assert not apps.get_model("templates_app", model).objects.exists()
    assert send(browser, add_url(model), merchant=str(rival.pk), **fields).status_code == 302
    assert apps.get_model("templates_app", model).objects.get().merchant == rival


@pytest.mark.parametrize("model", ["template", "calendar", "maintenancewindow"])
def test_nobody_adds_for_a_merchant_that_is_not_theirs(shop, browser, rival, model):
    sent = send(browser, add_url(model), name="New", merchant=str(rival.pk), **ADDED[model])
    assert sent.status_code == 302
    for kind in (Template, Calendar, MaintenanceWindow):
        assert not kind.objects.filter(merchant=rival).exists()
        assert not kind.objects.filter(merchant=None).exists()
    assert apps.get_model("templates_app", model).objects.get().merchant == shop


@pytest.mark.parametrize("lookup", ["name__regex", "merchant__slug", "description__startswith"])
@pytest.mark.parametrize("model", MODELS)
def test_list_takes_no_comparison_that_it_does_not_offer(browser, own, model, lookup):
    assert browser.get(list_url(model, **{lookup: "(a+)+$"})).status_code == 400


def test_what_users_wrote_is_text_on_every_page(shop, browser, now):
    closed = make_calendar(
        merchant=shop, name=EVIL, description=EVIL, definition={"weekdays": ["mo"]}
    )
    template = make_template(
        merchant=shop,
        name=EVIL,
        description=EVIL,
        avoid=[str(closed.pk)],
        recurrence={"kind": "daily", "times": ["09:00"], "timezone": "UTC"},
        tags=[EVIL[:64]],
        metadata={EVIL: EVIL},
        now=now,
    )
    skipped = SkippedOccurrence.objects.create(
        merchant=shop,
        template=template,
        cause="missed",
        reason=EVIL,
        first_at=now,
        last_at=now,
    )
    window = make_window(
        merchant=shop, template=template, name=EVIL, starts_at=now + DAY, ends_at=now + DAY + HOUR
    )
    confirm(browser, page_url("template", template, "pause"), note=EVIL)
    rows = {
        "template": template,
        "calendar": closed,
        "maintenancewindow": window,
        "skippedoccurrence": skipped,
    }
    for model, row in rows.items():
        check(text_of(browser.get(list_url(model))))
        check(text_of(browser.get(page_url(model, row))))
    check(text_of(browser.post(page_url("template", template), {"recurrence": EVIL})))
