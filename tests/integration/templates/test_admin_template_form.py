"""The form of a template in the admin: what is typed is stored whole, or refused by its field."""

import json

import pytest
from django.contrib.admin.models import LogEntry

from templates_app.models import Template
from tests.factories.admin import HTTP_PAYLOAD, messages_of, text_of
from tests.factories.templates import HOUR, make_calendar, make_template
from tests.integration.templates.admin_kit import (
    add_url,
    all_of,
    errors_of,
    form_of,
    page_url,
    send,
    words_of,
)
from tests.integration.templates.template_pages import NOON, waiting

pytestmark = pytest.mark.django_db


def test_saving_an_untouched_form_changes_nothing(shop, browser, now, bystander):
    week = {"weekdays": ["mo", "tu", "we", "th", "fr"]}
    closed = [make_calendar(merchant=shop, name=name) for name in ("Closed", "Feast")]
    open_ = make_calendar(merchant=shop, name="Open", definition=week)
    template = make_template(
        merchant=shop,
        kind="http",
        payload=HTTP_PAYLOAD,
        avoid=[str(one.pk) for one in closed],
        keep_to=[str(open_.pk)],
        now=now,
    )
    before = all_of(template)
    assert send(browser, page_url("template", template)).status_code == 302
    assert all_of(template) == before


def test_schedule_is_written_for_reading(shop, browser, now):
    template = make_template(merchant=shop, recurrence=NOON, now=now)
    page = browser.get(page_url("template", template))
    assert form_of(page)["recurrence"].splitlines() == [
        "{",
        '  "kind": "daily",',
        '  "every": 1,',
        '  "times": ["12:00"],',
        '  "timezone": "Europe/Madrid",',
        '  "dst_gap": "shift",',
        '  "dst_overlap": "auto"',
        "}",
    ]


@pytest.mark.parametrize("payload", ["{}", "[]"])
def test_empty_payload_is_not_called_a_missing_one(shop, browser, now, bystander, payload):
    template = make_template(merchant=shop, kind="http", payload=HTTP_PAYLOAD, now=now)
    response = send(browser, page_url("template", template), payload=payload)
    [fault] = errors_of(response)["payload"][:1]
    assert "This field is required" not in fault
    page = words_of(response)
    assert "Next runs" in page, "what is to come stays beside a form that was refused"


def test_fault_calls_fields_by_their_labels(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    response = send(browser, page_url("template", template), misfire_limit="999999999")
    [fault] = errors_of(response)["misfire_limit"]
    assert fault.startswith("“Made up for at most” must be")


def test_saving_a_doubtful_schedule_warns(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    both = {"kind": "cron", "expression": "0 9 1 * MON", "timezone": "Europe/Madrid"}
    said = messages_of(send(browser, page_url("template", template), recurrence=json.dumps(both)))
    assert any("either" in one for one in said), said
    quiet = messages_of(send(browser, page_url("template", template), name="Other"))
    assert len(quiet) == 1, quiet


def test_edited_schedule_replaces_the_waiting_run(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    old = waiting(template).get()
    due = (now + 12 * HOUR).replace(second=0, microsecond=0)
    later = {"kind": "daily", "times": [f"{due:%H:%M}"], "timezone": "UTC"}
    response = send(browser, page_url("template", template), recurrence=json.dumps(later))
    assert response.status_code == 302
    template.refresh_from_db()
    assert template.recurrence["kind"] == "daily"
    (new,) = waiting(template)
    assert new.scheduled_at == due != old.scheduled_at


def test_every_field_reaches_the_template(shop, browser, now):
    closed, open_ = make_calendar(merchant=shop), make_calendar(merchant=None, name="Open")
    template = make_template(merchant=shop, now=now)
    values = {
        "name": "Other",
        "description": "Why.",
        "payload": {"handler": "demo.echo", "arguments": {"order": 7}},
        "priority": 9,
        "timeout": 7.5,
        "max_attempts": 2,
        "on_closed": "next_open",
        "misfire": "run_all",
        "misfire_grace": 60,
        "misfire_window": 3600,
        "misfire_limit": 7,
        "overlap": "skip",
        "concurrency_key": "warehouse",
        "concurrency_limit": 3,
    }
    sent = {**values, "avoid": [str(closed.pk)], "keep_to": [str(open_.pk)]}
    sent["payload"] = json.dumps(values["payload"])
    response = send(browser, page_url("template", template), **sent)
    assert response.status_code == 302, errors_of(response)
    template.refresh_from_db()
    assert {name: getattr(template, name) for name in values} == values
    assert (template.avoid, template.keep_to) == ([closed.pk], [open_.pk])


def test_key_without_a_limit_means_one_and_goes_with_its_limit(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    address = page_url("template", template)
    for typed, stored in (
        ({"concurrency_key": "warehouse"}, ("warehouse", 1)),
        ({"concurrency_limit": "5"}, ("warehouse", 5)),
        ({"concurrency_limit": ""}, ("warehouse", 1)),
        ({"concurrency_key": ""}, ("", None)),
    ):
        response = send(browser, address, **typed)
        assert response.status_code == 302, errors_of(response)
        template.refresh_from_db()
        assert (template.concurrency_key, template.concurrency_limit) == stored
        assert waiting(template).get().concurrency_key == stored[0]
    fault = errors_of(send(browser, address, concurrency_limit="5"))
    assert list(fault) == ["concurrency_limit"]
    assert "“Concurrency key”" in fault["concurrency_limit"][0]


def test_inactive_template_has_no_waiting_run(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    send(browser, page_url("template", template), active=None)
    template.refresh_from_db()
    assert template.state == "inactive"
    assert not waiting(template).exists()


def test_hidden_values_are_kept_when_the_payload_is_edited(shop, browser, now):
    template = make_template(merchant=shop, kind="http", payload=HTTP_PAYLOAD, now=now)
    shown = json.loads(
        browser.get(page_url("template", template)).context["adminform"].form["payload"].value()
    )
    edited = json.dumps({**shown, "json": {"order": 8}})
    assert send(browser, page_url("template", template), payload=edited).status_code == 302
    template.refresh_from_db()
    assert template.payload["json"] == {"order": 8}
    assert template.payload["headers"]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("recurrence", '{"kind": "cron", "expression": "0 25 * * *"}', "25 is not an hour"),
        ("recurrence", '{"kind": "cron",', "not valid JSON"),
        ("recurrence", "", "required"),
        ("recurrence", "[1]", ""),
        ("payload", '{"handler": "nobody.knows"}', ""),
        ("payload", '{"handler": "demo.noop", "x": "{{ nonsense }}"}', "nonsense"),
        ("payload", '"\\ud800"', ""),
        ("avoid", ["not-an-id"], "not a calendar"),
        ("name", " ", ""),
        ("priority", "11", "10"),
        ("misfire_grace", "1", "between"),
        ("timeout", "0", "between"),
        ("kind", "nonsense", ""),
    ],
)
def test_fault_stands_beside_its_field_and_nothing_is_stored(
    shop, browser, now, field, value, words
):
    template = make_template(merchant=shop, now=now)
    before = all_of(template)
    errors = errors_of(send(browser, page_url("template", template), **{field: value}))
    assert set(errors) == {field}
    assert words in " ".join(errors[field])
    assert all_of(template) == before
    assert not LogEntry.objects.exists()


def test_foreign_calendar_is_refused_and_not_named(shop, browser, now, rival):
    secret = make_calendar(merchant=rival, name="Secret days")
    template = make_template(merchant=shop, now=now)
    response = send(browser, page_url("template", template), avoid=[str(secret.pk)])
    assert set(errors_of(response)) == {"avoid"}
    assert "Secret days" not in text_of(response)


def test_added_template_is_planned_at_once(shop, browser, bystander):
    response = send(
        browser,
        add_url("template"),
        name="New",
        kind="python",
        payload='{"handler": "demo.noop"}',
        recurrence=json.dumps(NOON),
    )
    assert response.status_code == 302, errors_of(response)
    template = Template.objects.get(name="New")
    assert template.merchant == shop
    assert waiting(template).count() == 1


def test_full_quota_is_told_on_the_form(shop, browser, bystander):
    shop.max_templates = 1
    shop.save()
    errors = errors_of(
        send(
            browser,
            add_url("template"),
            name="New",
            kind="python",
            payload='{"handler": "demo.noop"}',
        )
    )
    assert set(errors) == {""}
    assert "quota" in errors[""][0]
    assert Template.objects.get() == bystander


def test_what_was_typed_is_logged_with_the_persons_name(shop, browser, member, now):
    template = make_template(merchant=shop, now=now)
    send(browser, page_url("template", template), name="Other")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (member, str(template.pk))
    assert entry.get_change_message() == "Changed Name."
    assert f"{member.email}: Changed Name." in words_of(browser.get(page_url("template", template)))
