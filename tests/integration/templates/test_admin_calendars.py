"""The admin's pages of calendars: typed, filled by a file, used, deleted."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from templates_app.models import Calendar
from tests.factories.admin import browser_of, confirm, messages_of, text_of
from tests.factories.templates import DAY, HOUR, make_calendar, make_template
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

EVERY_DAY = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}


@pytest.fixture
def bystander(shop):
    """A calendar that nobody asks for."""
    with left_alone(make_calendar(merchant=shop, name="Bystander")) as calendar:
        yield calendar


def ics(*days, name="Feast"):
    """Return an iCalendar file with these days."""
    events = [
        f"BEGIN:VEVENT\r\nUID:{day:%Y%m%d}@test\r\nDTSTART;VALUE=DATE:{day:%Y%m%d}\r\n"
        f"SUMMARY:{name}\r\nEND:VEVENT\r\n"
        for day in days
    ]
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\n{''.join(events)}END:VCALENDAR\r\n"
    return SimpleUploadedFile("feasts.ics", text.encode(), content_type="text/calendar")


def test_typed_calendar_is_stored_for_the_persons_merchant(shop, browser, bystander):
    response = send(
        browser, add_url("calendar"), name="Rest", definition=json.dumps({"weekdays": ["su"]})
    )
    assert response.status_code == 302, errors_of(response)
    calendar = Calendar.objects.get(name="Rest")
    assert (calendar.merchant, calendar.definition) == (shop, {"weekdays": ["su"]})


def test_file_fills_the_definition(shop, browser, now, bystander):
    day = now.date() + DAY
    response = send(
        browser,
        add_url("calendar"),
        name="Feasts",
        description="Of the town.",
        includes=[str(bystander.pk)],
        definition="",
        ics=ics(day),
    )
    assert response.status_code == 302, errors_of(response)
    calendar = Calendar.objects.get(name="Feasts")
    assert calendar.definition["dates"] == [{"date": f"{day}", "name": "Feast"}]
    assert (calendar.description, calendar.includes) == ("Of the town.", [bystander.pk])


def test_newer_file_takes_the_place_of_the_old_definition(shop, browser, now, bystander):
    calendar = make_calendar(merchant=shop)
    day = now.date() + DAY
    assert send(browser, page_url("calendar", calendar), ics=ics(day)).status_code == 302
    calendar.refresh_from_db()
    assert set(calendar.definition) == {"dates"}
    assert calendar.name == "Closed days"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("definition", '{"weekdays": ["xx"]}', "xx"),
        ("definition", "{", "not valid JSON"),
        ("definition", "[]", ""),
        ("definition", "", "required"),
        ("includes", ["not-an-id"], "not a calendar"),
        ("name", " ", ""),
    ],
)
def test_fault_stands_beside_its_field_and_nothing_is_stored(shop, browser, field, value, words):
    calendar = make_calendar(merchant=shop)
    before = Calendar.objects.values().get()
    errors = errors_of(send(browser, page_url("calendar", calendar), **{field: value}))
    assert set(errors) == {field}
    assert words in " ".join(errors[field])
    assert Calendar.objects.values().get() == before


def test_file_that_is_no_calendar_is_refused_beside_its_field(browser):
    file = SimpleUploadedFile("x.ics", b"\xff\xfe nonsense")
    errors = errors_of(send(browser, add_url("calendar"), name="X", ics=file))
    assert set(errors) == {"ics"}
    assert not Calendar.objects.exists()


def test_edited_calendar_moves_the_waiting_runs_of_its_templates(shop, browser, now):
    calendar = make_calendar(merchant=shop, definition={"dates": ["2020-01-01"]})
    later = {"kind": "daily", "times": [f"{now + 12 * HOUR:%H:%M}"], "timezone": "UTC"}
    template = make_template(merchant=shop, recurrence=later, avoid=[str(calendar.pk)], now=now)
    other = make_template(merchant=shop, recurrence=later, now=now)
    assert Job.objects.filter(template_id=template.pk, status="scheduled").count() == 1
    send(browser, page_url("calendar", calendar), definition=json.dumps(EVERY_DAY))
    waiting = Job.objects.filter(status="scheduled")
    assert not waiting.filter(template_id=template.pk).exists()
    assert waiting.filter(template_id=other.pk).count() == 1


def test_page_tells_what_it_holds_and_which_templates_use_it(shop, browser, now):
    calendar = make_calendar(merchant=shop)
    user = make_template(merchant=shop, name="User", avoid=[str(calendar.pk)], now=now)
    stranger = make_template(merchant=shop, name="Stranger", now=now)
    response = browser.get(page_url("calendar", calendar))
    assert "weekends" in words_of(response)
    assert page_url("template", user) in text_of(response)
    assert page_url("template", stranger) not in text_of(response)


def test_calendar_in_use_is_not_deleted_and_the_reason_is_told(shop, browser, now):
    calendar = make_calendar(merchant=shop)
    template = make_template(merchant=shop, name="User", avoid=[str(calendar.pk)], now=now)
    response = confirm(browser, page_url("calendar", calendar, "remove"))
    assert '1 template ("User")' in messages_of(response)[0]
    assert Calendar.objects.filter(pk=calendar.pk).exists()
    template.refresh_from_db()
    assert template.avoid == [calendar.pk]


def test_unused_calendar_is_deleted(shop, browser, bystander):
    calendar = make_calendar(merchant=shop, name="Old")
    response = confirm(browser, page_url("calendar", calendar, "remove"))
    assert messages_of(response) == ["“Old” is deleted."]
    assert list(Calendar.objects.all()) == [bystander]


def test_platforms_calendar_is_read_only_for_merchants(shop, browser, now, rival):
    calendar = make_calendar(merchant=None, name="Everybody's")
    mine = make_template(merchant=shop, name="Mine", avoid=[str(calendar.pk)], now=now)
    theirs = make_template(merchant=rival, name="Theirs", avoid=[str(calendar.pk)], now=now)
    assert page_url("calendar", calendar) in text_of(browser.get(list_url("calendar")))
    page = text_of(browser.get(page_url("calendar", calendar)))
    assert page_url("calendar", calendar, "remove") not in page
    assert page_url("template", mine) in page
    assert page_url("template", theirs) not in page
    assert browser.post(page_url("calendar", calendar), {"name": "x"}).status_code == 403
    assert confirm(browser, page_url("calendar", calendar, "remove")).status_code == 404
    calendar.refresh_from_db()
    assert calendar.name == "Everybody's"


def test_superuser_makes_and_changes_the_platforms_calendars():
    browser = browser_of(make_superuser())
    assert send(browser, add_url("calendar"), name="All", merchant="").status_code == 302
    calendar = Calendar.objects.get()
    assert calendar.merchant is None
    assert send(browser, page_url("calendar", calendar), name="Else").status_code == 302
    calendar.refresh_from_db()
    assert calendar.name == "Else"


def test_picker_offers_own_and_the_platforms_calendars_only(shop, browser, rival):
    make_calendar(merchant=shop, name="Own days")
    make_calendar(merchant=None, name="Everybody's days")
    make_calendar(merchant=rival, name="Secret days")
    make_calendar(merchant=shop, name="Other")
    address = reverse("admin:templates_app_calendar_choices")
    found = browser.get(address, {"term": "DAYS"}).json()["results"]
    assert [one["text"] for one in found] == ["Everybody's days (the platform)", "Own days (Shop)"]
    assert browser.get(address, {"term": "\x00"}).json()["results"] == []


def test_picker_never_offers_more_than_a_handful(shop, browser):
    for number in range(25):
        make_calendar(merchant=shop, name=f"Calendar {number}")
    address = reverse("admin:templates_app_calendar_choices")
    assert len(browser.get(address).json()["results"]) == 20


def test_list_counts_nothing_and_costs_the_same_for_any_number_of_calendars(shop, browser):
    make_calendar(merchant=shop)
    with CaptureQueriesContext(connection) as few:
        browser.get(list_url("calendar"))
    for _ in range(12):
        make_calendar(merchant=shop)
    with CaptureQueriesContext(connection) as many:
        browser.get(list_url("calendar"))
    assert len(many) == len(few)
    assert not [query for query in many if "COUNT(" in query["sql"].upper()]


def test_calendar_that_includes_others_is_saved_untouched(shop, browser):
    inner = make_calendar(merchant=shop, name="Inner")
    outer = make_calendar(merchant=shop, name="Outer", includes=[str(inner.pk)])
    with left_alone(outer):
        assert send(browser, page_url("calendar", outer)).status_code == 302
