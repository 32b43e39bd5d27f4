"""The admin's list of templates and the page of one: what is shown, typed and done."""

import json
from itertools import pairwise

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from templates_app.admin.runs import RUNS
from templates_app.models import Template
from templates_app.operations.templates import pause_template
from tests.factories.admin import HTTP_PAYLOAD, confirm, messages_of, text_of
from tests.factories.jobs import make_job
from tests.factories.templates import DAY, HOUR, MINUTE, cron, make_calendar, make_template
from tests.integration.templates.admin_kit import (
    add_url,
    all_of,
    errors_of,
    form_of,
    list_url,
    make_skipped,
    page_url,
    send,
    words_of,
)

pytestmark = pytest.mark.django_db

NOON = {"kind": "daily", "times": ["12:00"], "timezone": "Europe/Madrid"}


def waiting(template):
    return Job.objects.filter(template_id=template.pk, status="scheduled")


def backfill(browser, template, start, end, **fields):
    """Answer the backfill's dialog."""
    ends = {"start": f"{start:%Y-%m-%dT%H:%M:%S}", "end": f"{end:%Y-%m-%dT%H:%M:%S}"}
    address = page_url("template", template, "backfill")
    return confirm(browser, address, overlap="allow", **ends, **fields)


# The list


def test_list_tells_schedule_state_and_next_run(shop, browser, now):
    template = make_template(merchant=shop, name="Stock", recurrence=NOON, now=now)
    page = words_of(browser.get(list_url("template")))
    due = waiting(template).get().scheduled_at
    for words in ("Stock", "active", "At 12:00", "Europe/Madrid", f"{due:%Y-%m-%d %H:%M:%S}"):
        assert words in page


def test_list_tells_the_last_run_and_not_the_waiting_or_skipped_ones(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    ran = make_job(merchant=shop, template_id=template.pk, status="failed")
    make_job(
        merchant=shop,
        template_id=template.pk,
        status="skipped",
        skip_reason="overlap",
        occurrence_at=now,
    )
    page = text_of(browser.get(list_url("template")))
    assert f"/admin/jobs/job/{ran.pk}/change/" in page
    assert page.count("/admin/jobs/job/") == 2  # the last run, and the list of jobs


def test_list_names_the_calendars_of_a_schedule(shop, browser, now):
    closed = make_calendar(merchant=shop, name="Days of rest")
    make_template(merchant=shop, recurrence=NOON, avoid=[str(closed.pk)], now=now)
    assert "except Days of rest" in words_of(browser.get(list_url("template")))


def test_list_counts_nothing_and_costs_the_same_for_any_number_of_templates(shop, browser, now):
    closed = make_calendar(merchant=shop)
    make_template(merchant=shop, avoid=[str(closed.pk)], now=now)
    with CaptureQueriesContext(connection) as few:
        browser.get(list_url("template"))
    for _ in range(12):
        make_template(merchant=shop, avoid=[str(closed.pk)], now=now)
    with CaptureQueriesContext(connection) as many:
        browser.get(list_url("template"))
    assert len(many) == len(few)
    statements = [query["sql"] for query in many]
    assert not [sql for sql in statements if "COUNT(" in sql.upper()]
    (listing,) = [sql for sql in statements if 'FROM "templates_app_template"' in sql]
    assert '"payload"' not in listing


def test_runs_of_the_list_are_found_by_indexes(shop, now):
    template = make_template(merchant=shop, now=now)
    with connection.cursor() as cursor:
        # The tables of a test are so small that reading them whole would be cheapest.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {RUNS}", {"ids": [template.pk]})
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on jobs_job" not in plan
    assert "job_template_newest" in plan
    assert "job_template_unfinished" in plan


def test_filters_narrow_the_list_by_state(shop, browser, now):
    going = make_template(merchant=shop, name="Going", now=now)
    paused = make_template(merchant=shop, name="Resting", now=now)
    pause_template(paused, {}, now=now, by="somebody")
    off = make_template(merchant=shop, name="Off", active=False, now=now)
    aside, ended = (make_template(merchant=shop, name=name, now=now) for name in ("Odd", "Old"))
    Template.objects.filter(pk=aside.pk).update(set_aside_at=now, next_expansion_at=None)
    Template.objects.filter(pk=ended.pk).update(next_expansion_at=None)
    rows = {"active": going, "paused": paused, "inactive": off, "set_aside": aside, "ended": ended}
    for state, shown in rows.items():
        page = text_of(browser.get(list_url("template", state=state)))
        found = {row for row in rows.values() if page_url("template", row) in page}
        assert found == {shown}


def test_nothing_but_the_filters_can_be_asked_for(browser):
    assert browser.get(list_url("template", payload__url__startswith="h")).status_code == 400


# The page


def test_page_costs_the_same_for_any_number_of_jobs_and_skips(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    make_skipped(template, now)
    make_job(merchant=shop, template_id=template.pk)
    browser.get(page_url("template", template))
    with CaptureQueriesContext(connection) as few:
        browser.get(page_url("template", template))
    for _ in range(9):
        make_skipped(template, now)
        make_job(merchant=shop, template_id=template.pk)
    with CaptureQueriesContext(connection) as many:
        browser.get(page_url("template", template))
    assert len(many) == len(few)


def test_page_tells_the_schedule_the_warnings_and_the_next_runs(shop, browser, now):
    template = make_template(
        merchant=shop, recurrence=cron("30 2 1 * MON", "Europe/Madrid"), now=now
    )
    response = browser.get(page_url("template", template))
    told = response.context["told"]
    assert len([line for line in told.coming if line.runs]) == 20
    page = words_of(response)
    assert told.sentence in page
    assert "Careful: Day of the month" in page
    assert told.coming[0].utc in page


def test_page_tells_why_an_occurrence_is_shifted_or_does_not_run(shop, browser, now):
    closed = make_calendar(merchant=shop, name="Days of rest")
    daily = {"kind": "daily", "times": ["12:00"], "timezone": "UTC"}
    template = make_template(merchant=shop, recurrence=daily, avoid=[str(closed.pk)], now=now)
    page = words_of(browser.get(page_url("template", template)))
    assert "Does not run:" in page
    assert "Days of rest" in page


def test_page_tells_where_a_calendar_moves_a_run(shop, browser, now):
    closed = make_calendar(merchant=shop, name="Days of rest")
    template = make_template(
        merchant=shop,
        recurrence={"kind": "weekly", "weekdays": ["sa"], "times": ["12:00"], "timezone": "UTC"},
        avoid=[str(closed.pk)],
        on_closed="next_business_day",
        now=now,
    )
    coming = browser.get(page_url("template", template)).context["told"].coming
    assert {line.local.split()[0] for line in coming} == {"Mon"}
    assert all("Moved from Sat" in line.note for line in coming)


def test_page_tells_why_a_template_was_set_aside_and_resuming_tries_it_again(
    shop, browser, now, bystander
):
    template = make_template(merchant=shop, now=now)
    rows = Template.objects.filter(pk=template.pk)
    rows.update(
        recurrence={"kind": "cron", "expression": "broken"},
        set_aside_at=now,
        set_aside_reason="Too odd.",
        next_expansion_at=None,
    )
    assert "set aside" in words_of(browser.get(list_url("template")))
    page = words_of(browser.get(page_url("template", template)))
    assert "The schedule cannot be read" in page
    assert "Too odd." in page
    assert _offered(browser, template) == {"run_now", "resume", "backfill", "remove"}
    for verb in ("run_now", "resume"):
        response = confirm(browser, page_url("template", template, verb))
        assert response.headers["HX-Redirect"] == page_url("template", template)
    assert browser.get(page_url("template", template, "backfill")).status_code == 200
    told = words_of(backfill(browser, template, now - 2 * DAY, now - DAY))
    assert "is not a macro or a cron expression" in told
    assert Job.objects.filter(template_id=template.pk).count() == 1
    rows.update(recurrence=template.recurrence)
    confirm(browser, page_url("template", template, "resume"))
    template.refresh_from_db()
    assert (template.state, template.set_aside_reason) == ("active", "")


def test_page_shows_jobs_skips_and_the_blueprint_without_its_secrets(shop, browser, now):
    template = make_template(merchant=shop, kind="http", payload=HTTP_PAYLOAD, now=now)
    skipped = make_skipped(template, now)
    response = browser.get(page_url("template", template))
    page = text_of(response)
    assert "s3cret" not in page
    assert "***" in page
    assert str(waiting(template).get().pk) in page
    assert page_url("skippedoccurrence", skipped) in page
    assert "missed in an outage. Down for an hour." in words_of(response)


# Typing


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


def test_page_links_to_all_jobs_of_the_template_and_no_others(shop, browser, now):
    template, other = (make_template(merchant=shop, now=now, name=n) for n in ("One", "Two"))
    page = text_of(browser.get(page_url("template", template)))
    address = f"{reverse('admin:jobs_job_changelist')}?template_id={template.pk}"
    assert address in page
    jobs = text_of(browser.get(address))
    assert str(waiting(template).get().pk) in jobs
    assert str(waiting(other).get().pk) not in jobs


def test_paused_template_tells_the_runs_after_its_pause(shop, browser, now):
    template = make_template(merchant=shop, recurrence=NOON, now=now)
    back = (now + 10 * DAY).replace(microsecond=0)
    pause_template(template, {"resume_at": back.isoformat()}, now=now, by="somebody")
    page = words_of(browser.get(page_url("template", template)))
    story = page[page.index("Next runs, once it is resumed") :]
    assert f"{back - 2 * DAY:%F}" not in story
    assert f"{back + 2 * DAY:%F}" in story


def test_edited_schedule_replaces_the_waiting_run(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    old = waiting(template).get()
    response = send(browser, page_url("template", template), recurrence=json.dumps(NOON))
    assert response.status_code == 302
    template.refresh_from_db()
    assert template.recurrence["kind"] == "daily"
    (new,) = waiting(template)
    assert new.scheduled_at != old.scheduled_at


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
    }
    sent = {**values, "avoid": [str(closed.pk)], "keep_to": [str(open_.pk)]}
    sent["payload"] = json.dumps(values["payload"])
    response = send(browser, page_url("template", template), **sent)
    assert response.status_code == 302, errors_of(response)
    template.refresh_from_db()
    assert {name: getattr(template, name) for name in values} == values
    assert (template.avoid, template.keep_to) == ([closed.pk], [open_.pk])


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


# Buttons


def test_pause_takes_the_waiting_run_back_and_keeps_the_note(shop, browser, member, now, bystander):
    template = make_template(merchant=shop, now=now)
    later = f"{now + DAY:%Y-%m-%dT%H:%M}"
    response = confirm(
        browser, page_url("template", template, "pause"), note="Stock-taking", resume_at=later
    )
    assert messages_of(response) == ["The template is paused."]
    template.refresh_from_db()
    assert (template.state, template.pause_note, template.paused_by) == (
        "paused",
        "Stock-taking",
        member.email,
    )
    assert f"{template.resume_at:%Y-%m-%dT%H:%M}" == later
    assert not waiting(template).exists()
    page = words_of(browser.get(page_url("template", template)))
    assert "Stock-taking; resumes" in page


def test_pause_into_the_past_is_refused_beside_the_field(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    address = page_url("template", template, "pause")
    page = words_of(confirm(browser, address, resume_at="2020-01-01T00:00"))
    assert "“Resume at (UTC)” has passed" in page
    template.refresh_from_db()
    assert template.state == "active"


def test_resume_goes_on_from_now(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    pause_template(template, {"note": "x"}, now=now, by="somebody")
    confirm(browser, page_url("template", template, "resume"))
    template.refresh_from_db()
    assert (template.state, template.pause_note) == ("active", "")
    assert waiting(template).count() == 1


def test_run_now_makes_one_more_job(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    planned = waiting(template).get()
    confirm(browser, page_url("template", template, "run_now"))
    (job,) = waiting(template).exclude(pk=planned.pk)
    assert (job.origin, job.occurrence_at) == ("run_now", None)


def test_backfill_runs_a_past_range(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    response = backfill(browser, template, now - 3 * HOUR, now, per_minute="1")
    assert messages_of(response) == ["3 runs are on their way."]
    jobs = Job.objects.filter(template_id=template.pk, origin="backfill").order_by("run_at")
    dues = list(jobs.values_list("run_at", flat=True))
    assert [late - early for early, late in pairwise(dues)] == [MINUTE] * 2


def test_backfill_of_the_future_is_refused_beside_the_field(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    response = backfill(browser, template, now - DAY, now + DAY)
    assert "“To (UTC)” lies in the future" in words_of(response)
    assert not Job.objects.filter(origin="backfill").exists()


def test_delete_cancels_the_waiting_run_and_keeps_history(shop, browser, now, bystander):
    template = make_template(merchant=shop, now=now)
    planned = waiting(template).get()
    done = make_job(merchant=shop, template_id=template.pk, status="succeeded")
    response = confirm(browser, page_url("template", template, "remove"))
    assert response.headers["HX-Redirect"] == list_url("template")
    assert not Template.objects.filter(pk=template.pk).exists()
    assert Job.objects.filter(pk=done.pk, status="succeeded").exists()
    assert not Job.objects.filter(pk=planned.pk, status="scheduled").exists()
    assert LogEntry.objects.get().object_id == str(template.pk)


def test_djangos_own_deletion_is_shut(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    address = page_url("template", template, "delete")
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"post": "yes"}).status_code == 403
    browser.post(
        list_url("template"), {"action": "delete_selected", "_selected_action": [template.pk]}
    )
    assert Template.objects.filter(pk=template.pk).exists()


@pytest.mark.parametrize("verb", ["run_now", "pause", "resume", "backfill", "remove"])
def test_looking_at_a_question_changes_nothing(shop, browser, now, verb):
    template = make_template(merchant=shop, now=now)
    before = all_of(template)
    assert browser.get(page_url("template", template, verb)).status_code == 200
    assert all_of(template) == before


def test_page_offers_the_verbs_that_fit_the_state(shop, browser, now):
    template = make_template(merchant=shop, now=now)
    assert _offered(browser, template) == {"run_now", "pause", "backfill", "remove"}
    pause_template(template, {}, now=now, by="somebody")
    assert _offered(browser, template) == {"run_now", "pause", "resume", "backfill", "remove"}


def _offered(browser, template):
    page = text_of(browser.get(page_url("template", template)))
    verbs = ("run_now", "pause", "resume", "backfill", "remove")
    return {verb for verb in verbs if page_url("template", template, verb) in page}


def test_list_actions_steer_the_chosen(shop, browser, now, bystander):
    rows = [make_template(merchant=shop, now=now) for _ in range(2)]
    chosen = [row.pk for row in rows]
    for action, states, jobs in (
        ("pause_chosen", {"paused"}, 0),
        ("resume_chosen", {"active"}, 2),
        ("run_chosen_now", {"active"}, 4),
    ):
        response = browser.post(
            list_url("template"), {"action": action, "_selected_action": chosen}
        )
        assert messages_of(response)[0].startswith("2 ")
        assert {row.state for row in Template.objects.filter(pk__in=chosen)} == states
        assert Job.objects.filter(template_id__in=chosen, status="scheduled").count() == jobs


@pytest.mark.parametrize("value", ["nonsense", "\x00", "' OR 1=1"])
def test_nonsense_in_the_address_is_no_error(browser, value):
    for model, name in (
        ("template", "state"),
        ("skippedoccurrence", "template"),
        ("template", "q"),
    ):
        response = browser.get(list_url(model, **{name: value}), follow=True)
        assert response.status_code == 200


def test_unknown_state_in_the_address_is_no_filter(shop, browser, now):
    make_template(merchant=shop, now=now)
    response = browser.get(list_url("template", state="nonsense"))
    assert (response.status_code, response["Location"].rpartition("?")[2]) == (302, "e=1")


def test_login_without_a_destination_leads_to_the_overview(client, member):
    member.set_password("correct horse battery staple")
    member.save()
    typed = {"username": member.email, "password": "correct horse battery staple"}
    response = client.post(reverse("admin:login"), typed)
    assert response["Location"] == reverse("admin:index")
