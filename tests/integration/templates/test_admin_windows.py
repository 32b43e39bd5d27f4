"""The admin's pages of maintenance windows."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from templates_app.models import MaintenanceWindow
from tests.factories.admin import browser_of, confirm, messages_of, text_of
from tests.factories.templates import DAY, HOUR, make_template, make_window
from tests.factories.tenants import make_superuser
from tests.integration.templates.admin_kit import (
    add_url,
    errors_of,
    left_alone,
    list_url,
    page_url,
    send,
    words_of,
)

pytestmark = pytest.mark.django_db

NIGHTLY = json.dumps({"kind": "daily", "times": ["02:00"], "timezone": "Europe/Madrid"})


@pytest.fixture
def bystander(shop, now):
    """A window that nobody asks for."""
    with left_alone(make_window(merchant=shop, name="Bystander", **between(now))) as window:
        yield window


def between(now, start=DAY, lasts=HOUR):
    """Return the two ends of a window."""
    return {"starts_at": now + start, "ends_at": now + start + lasts}


def typed(now, start=DAY, lasts=HOUR):
    """Return the same as a person types it."""
    ends = between(now, start, lasts)
    return {
        f"{name}_{place}": f"{moment:{form}}"
        for name, moment in ends.items()
        for place, form in enumerate(("%Y-%m-%d", "%H:%M:%S"))
    }


def test_window_is_stored_for_the_persons_merchant(shop, browser, now, bystander):
    response = send(browser, add_url("maintenancewindow"), name="Move", **typed(now))
    assert response.status_code == 302, errors_of(response)
    window = MaintenanceWindow.objects.get(name="Move")
    assert (window.merchant, window.template, window.mode) == (shop, None, "hold")
    assert window.starts_at == (now + DAY).replace(microsecond=0)


def test_window_of_one_template(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    address = add_url("maintenancewindow")
    send(browser, address, name="Move", template=str(template.pk), mode="skip", **typed(now))
    window = MaintenanceWindow.objects.get()
    assert (window.merchant, window.template, window.mode) == (shop, template, "skip")


def test_window_that_opens_again_and_again_is_told_in_words(shop, browser):
    address = add_url("maintenancewindow")
    response = send(browser, address, name="Night", recurrence=NIGHTLY, duration=5400)
    assert response.status_code == 302, errors_of(response)
    page = words_of(browser.get(list_url("maintenancewindow")))
    assert "At 02:00 every day; Europe/Madrid; each lasts 1 h 30 min" in page


def test_once_becomes_again_and_again(shop, browser, now, bystander):
    window = make_window(merchant=shop, **between(now))
    response = send(
        browser,
        page_url("maintenancewindow", window),
        recurrence=NIGHTLY,
        duration=600,
        starts_at_0="",
        starts_at_1="",
        ends_at_0="",
        ends_at_1="",
    )
    assert response.status_code == 302, errors_of(response)
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at, window.duration) == (None, None, 600)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"recurrence": '{"kind": "nonsense"}', "duration": 600}, "recurrence"),
        ({"recurrence": "{"}, "recurrence"),
        ({"recurrence": NIGHTLY}, "duration"),
        ({"ends_at_0": "2020-01-01"}, "ends_at"),
        ({"release_over": 100_000}, "release_over"),
    ],
)
def test_fault_stands_beside_its_field_and_nothing_is_stored(shop, browser, now, changes, field):
    window = make_window(merchant=shop, **between(now))
    before = MaintenanceWindow.objects.values().get()
    errors = errors_of(send(browser, page_url("maintenancewindow", window), **changes))
    assert field in errors
    assert MaintenanceWindow.objects.values().get() == before


def test_foreign_template_is_refused_beside_its_field(shop, browser, now, rival):
    theirs = make_template(merchant=rival, now=now)
    address = add_url("maintenancewindow")
    response = send(browser, address, name="X", template=str(theirs.pk), **typed(now))
    assert set(errors_of(response)) == {"template"}
    assert not MaintenanceWindow.objects.exists()


def test_deleted_window_is_gone(shop, browser, now, bystander):
    window = make_window(merchant=shop, **between(now))
    response = confirm(browser, page_url("maintenancewindow", window, "remove"))
    assert messages_of(response) == ["“Move” is deleted."]
    assert list(MaintenanceWindow.objects.all()) == [bystander]


def test_platforms_window_is_read_only_for_merchants(browser, now):
    window = make_window(merchant=None, name="Move house", **between(now))
    page = text_of(browser.get(page_url("maintenancewindow", window)))
    assert "Move house" in page
    assert page_url("maintenancewindow", window, "remove") not in page
    assert browser.post(page_url("maintenancewindow", window), {"name": "x"}).status_code == 403
    assert confirm(browser, page_url("maintenancewindow", window, "remove")).status_code == 404
    assert MaintenanceWindow.objects.get().name == "Move house"


def test_superuser_makes_a_window_for_everybody_or_for_a_template(shop, now):
    browser = browser_of(make_superuser())
    template = make_template(merchant=shop, now=now)
    address = add_url("maintenancewindow")
    send(browser, address, name="All", merchant="", **typed(now))
    send(browser, address, name="One", merchant="", template=str(template.pk), **typed(now))
    owners = dict(MaintenanceWindow.objects.values_list("name", "merchant__slug"))
    assert owners == {"All": None, "One": "shop"}


def test_list_counts_nothing_and_costs_the_same_for_any_number_of_windows(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    make_window(merchant=shop, template=template, **between(now))
    with CaptureQueriesContext(connection) as few:
        browser.get(list_url("maintenancewindow"))
    for number in range(12):
        make_window(merchant=shop, template=template, **between(now, DAY + timedelta(days=number)))
    with CaptureQueriesContext(connection) as many:
        browser.get(list_url("maintenancewindow"))
    assert len(many) == len(few)
    assert not [query for query in many if "COUNT(" in query["sql"].upper()]


def test_unreadable_moment_is_told_with_an_example(shop, browser):
    response = send(
        browser, add_url("maintenancewindow"), name="W", starts_at_0="soon", starts_at_1="noon"
    )
    faults = errors_of(response)["starts_at"]
    assert faults == ["Write the date as 2026-01-31.", "Write the time as 14:30 or 14:30:00."]


def test_both_inputs_of_a_moment_say_what_they_are(browser):
    page = text_of(browser.get(add_url("maintenancewindow")))
    for words in ("Starts (UTC): date", "Starts (UTC): time", "Ends (UTC): date"):
        assert f'aria-label="{words}"' in page


def test_window_of_one_template_is_saved_untouched(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    send(browser, add_url("maintenancewindow"), name="W", **typed(now), template=str(template.pk))
    before = MaintenanceWindow.objects.values().get()
    assert send(browser, page_url("maintenancewindow", before["id"])).status_code == 302
    assert MaintenanceWindow.objects.values().get() == before
