"""/maintenance-windows: create, change, delete; what is planned within them follows."""

from datetime import timedelta

import pytest

from templates_app.models import MaintenanceWindow, Template
from templates_app.recurrence.parse import parse
from tenants.clock import database_now
from tests.api.kit import client_of, pointers, problem
from tests.api.schedules import (
    HOURLY,
    ahead,
    at,
    created,
    daily,
    hourly,
    jobs_of,
    make,
    window_body,
)
from tests.factories.templates import make_template, make_window

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NIGHTLY = {"kind": "daily", "times": ["03:00"], "timezone": "UTC"}


def test_a_window_holds_what_is_planned_within_it(api):
    template = make(api)
    outside = make(api, recurrence=hourly(ahead(minutes=50)))
    [before] = jobs_of(template)
    body = created(api.send("/maintenance-windows", window_body()))
    assert (body["mode"], body["owner"], body["template_id"]) == ("hold", "merchant", None)
    [held] = jobs_of(template)
    assert held.occurrence_at == before.occurrence_at
    assert at(body["ends_at"]) <= held.run_at < at(body["ends_at"]) + 15 * MINUTE
    assert "Move" in held.occurrence_note
    assert [str(job.pk) for job in jobs_of(outside)] == [outside["next_runs"][0]["id"]]


def test_deleting_a_window_gives_its_occurrences_back(api):
    for mode in ("hold", "skip"):
        template = make(api)
        [before] = jobs_of(template)
        window = created(api.send("/maintenance-windows", window_body(mode=mode)))
        [planned] = jobs_of(template)
        assert planned.run_at != before.run_at
        answer = api.call("DELETE", f"/maintenance-windows/{window['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert jobs_of(template)[0].run_at == before.run_at
        assert api.read(f"/templates/{template['id']}/skipped").json()["results"] == []


def test_a_skipping_window_says_what_it_skipped(api):
    template = make(api)
    [before] = jobs_of(template)
    created(api.send("/maintenance-windows", window_body(mode="skip")))
    [after] = jobs_of(template)
    assert after.run_at == before.run_at + HOUR
    [row] = api.read(f"/templates/{template['id']}/skipped").json()["results"]
    assert (row["cause"], row["reason"]) == ("window", "Maintenance window: Move.")


def test_a_moved_window_lets_go_and_catches_anew(api):
    template = make(api)
    [before] = jobs_of(template)
    window = created(api.send("/maintenance-windows", window_body()))
    later = before.run_at + 20 * HOUR
    times = {"starts_at": later.isoformat(), "ends_at": (later + HOUR).isoformat()}
    moved = api.change(f"/maintenance-windows/{window['id']}", times)
    assert moved.status_code == 200, moved.content
    assert jobs_of(template)[0].run_at == before.run_at
    assert at(moved.json()["starts_at"]) == later


def test_a_new_name_plans_nothing_again(api):
    template = make(api)
    window = created(api.send("/maintenance-windows", window_body()))
    before = [job.pk for job in jobs_of(template)]
    assert api.change(f"/maintenance-windows/{window['id']}", {"name": "X"}).status_code == 200
    assert [job.pk for job in jobs_of(template)] == before


def test_a_window_of_one_template_concerns_no_other(api):
    one, other = make(api), make(api)
    body = created(api.send("/maintenance-windows", window_body(template_id=one["id"])))
    assert body["template_id"] == one["id"]
    assert jobs_of(one)[0].occurrence_note
    assert not jobs_of(other)[0].occurrence_note
    turned = api.change(f"/maintenance-windows/{body['id']}", {"template_id": other["id"]})
    assert turned.status_code == 200, turned.content
    assert not jobs_of(one)[0].occurrence_note
    assert jobs_of(other)[0].occurrence_note
    assert api.call("DELETE", f"/templates/{other['id']}").status_code == 204
    problem(api.read(f"/maintenance-windows/{body['id']}"), 404, "not_found")


def test_a_window_of_a_merchant_concerns_nobody_else(api, stranger_api):
    theirs = make(stranger_api)
    created(api.send("/maintenance-windows", window_body()))
    [job] = jobs_of(theirs)
    assert (str(job.pk), job.occurrence_note) == (theirs["next_runs"][0]["id"], "")
    assert not Template.objects.filter(replan=True).exists()


def test_a_recurring_window_opens_again_and_again(api):
    opens = ahead(hours=12)
    template = make(api, recurrence=daily(opens))
    again = window_body(recurrence=daily(opens), duration=3600)
    body = created(api.send("/maintenance-windows", again))
    assert (body["starts_at"], body["duration"]) == (None, 3600)
    assert body["sentence"] == f"At {opens:%H:%M} every day; UTC"
    [held] = jobs_of(template)
    assert held.occurrence_at is not None
    assert held.run_at >= held.occurrence_at + HOUR
    once = window_body()
    times = {name: once[name] for name in ("starts_at", "ends_at")}
    changed = api.change(f"/maintenance-windows/{body['id']}", times).json()
    assert (changed["recurrence"], changed["duration"], changed["sentence"]) == (None, None, None)
    assert jobs_of(template)[0].run_at == held.occurrence_at


def test_the_same_key_creates_one_window(api):
    body = window_body()
    headers = {"Idempotency-Key": "w"}
    answers = [api.send("/maintenance-windows", body, **headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert MaintenanceWindow.objects.count() == 1


SECONDLY = {"kind": "interval", "every": 1, "unit": "seconds", "timezone": "UTC"}
FIVE_MINUTES = {"kind": "interval", "every": 5, "unit": "minutes", "timezone": "UTC"}
MONTHLY = {"kind": "monthly", "days": [1], "times": ["00:00"], "timezone": "UTC"}
PAST = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-01-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"name": ""}, {("/name", "required")}),
        ({"mode": "delay"}, {("/mode", "not_allowed")}),
        ({"starts_at": None}, {("/starts_at", "required")}),
        ({"ends_at": "2020-01-01T00:00:00Z"}, {("/ends_at", "empty_window")}),
        (PAST, {("/ends_at", "too_early")}),
        ({"ends_at": "2999-01-01T00:00:00Z"}, {("/ends_at", "too_long")}),
        (
            {"starts_at": "2999-01-01T00:00:00Z", "ends_at": "2999-01-02T00:00:00Z"},
            {("/ends_at", "too_late")},
        ),
        ({"starts_at": "tomorrow"}, {("/starts_at", "invalid_time")}),
        ({"duration": 60}, {("/duration", "conflict")}),
        ({"recurrence": NIGHTLY}, {("/duration", "required")}),
        (
            {"recurrence": NIGHTLY, "duration": 60, "ends_at": "2999-01-01T00:00:00Z"},
            {("/ends_at", "conflict")},
        ),
        ({"recurrence": NIGHTLY, "duration": 59}, {("/duration", "out_of_range")}),
        ({"recurrence": NIGHTLY, "duration": 86_400}, {("/duration", "never_open")}),
        ({"recurrence": MONTHLY, "duration": 31 * 86_400}, {("/duration", "never_open")}),
        (
            {"recurrence": SECONDLY, "duration": 60},
            {("/duration", "never_open"), ("/recurrence", "too_dense")},
        ),
        ({"recurrence": FIVE_MINUTES, "duration": 60}, {("/recurrence", "too_dense")}),
        (
            {"recurrence": {**HOURLY, "expression": "99 * * * *"}, "duration": 60},
            {("/recurrence/expression", "out_of_range")},
        ),
        ({"recurrence": [], "duration": 60}, {("/recurrence", "wrong_type")}),
        ({"release_over": 0}, {("/release_over", "out_of_range")}),
        ({"template_id": "7"}, {("/template_id", "unknown_template")}),
        ({"template_id": 7}, {("/template_id", "unknown_template")}),
        ({"merchant": None}, {("/merchant", "unknown_field")}),
    ],
)
def test_a_bad_window_is_told_where_and_why(api, fields, faults):
    body = {**window_body(**fields), **fields}
    told = problem(api.send("/maintenance-windows", body), 400, "invalid_fields")
    assert pointers(told) & faults == pointers(told), told
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"duration": 60, "starts_at": None, "ends_at": None}, "/duration", "conflict"),
        ({"duration": 60}, "/duration", "conflict"),
        ({"name": None}, "/name", "wrong_type"),
        (
            {"recurrence": NIGHTLY, "duration": 60, "ends_at": None},
            "/starts_at",
            "conflict",
        ),
    ],
)
def test_a_window_of_two_sorts_is_told_one_thing(api, fields, pointer, code):
    body = {**window_body(), **fields}
    [error] = problem(api.send("/maintenance-windows", body), 400, "invalid_fields")["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert error["detail"].startswith(f'"{pointer[1:]}" ')
    assert "a window has either" not in error["detail"]


def test_a_window_that_has_passed_can_be_renamed_and_not_moved(api, merchant):
    now = database_now()
    window = make_window(merchant=merchant, starts_at=now - 3 * HOUR, ends_at=now - HOUR)
    path = f"/maintenance-windows/{window.pk}"
    assert api.change(path, {"name": "Done"}).json()["name"] == "Done"
    earlier = {"ends_at": (now - 2 * HOUR).isoformat()}
    told = problem(api.change(path, earlier), 400, "invalid_fields")
    assert pointers(told) == {("/ends_at", "too_early")}
    bounded = {**NIGHTLY, "ends_at": "2020-01-01T00:00:00+00:00"}
    again = MaintenanceWindow.objects.create(
        merchant=merchant, name="Old", mode="hold", recurrence=parse(bounded).document, duration=60
    )
    path = f"/maintenance-windows/{again.pk}"
    assert api.change(path, {"name": "Done"}).json()["name"] == "Done"
    told = problem(api.change(path, {"duration": 120}), 400, "invalid_fields")
    assert pointers(told) == {("/recurrence", "ended")}


def test_weekends_are_a_window_although_their_days_touch(api):
    days = {"kind": "weekly", "weekdays": ["sa", "su"], "times": ["00:00"], "timezone": "UTC"}
    created(api.send("/maintenance-windows", window_body(recurrence=days, duration=86_400)))


@pytest.mark.parametrize("body", [[], 7, None, "x"])
def test_nonsense_is_refused(api, body):
    problem(
        api.send("/maintenance-windows", body if body is not None else b"null"),
        400,
        "invalid_fields",
    )


def test_strangers_templates_have_no_windows_of_mine(api):
    theirs = make_template()
    told = problem(
        api.send("/maintenance-windows", window_body(template_id=str(theirs.pk))),
        400,
        "invalid_fields",
    )
    assert pointers(told) == {("/template_id", "unknown_template")}


def test_the_platforms_windows_are_seen_and_not_changed(api):
    now = database_now()
    window = make_window(starts_at=now, ends_at=now + HOUR)
    path = f"/maintenance-windows/{window.pk}"
    assert api.read(path).json()["owner"] == "platform"
    problem(api.change(path, {"name": "Mine"}), 403, "platform_owned")
    problem(api.call("DELETE", path), 403, "platform_owned")
    assert MaintenanceWindow.objects.filter(pk=window.pk, name="Move").exists()


def test_lists_are_narrowed(api, merchant):
    now = database_now()
    template = Template.objects.get(pk=make(api)["id"])
    shared = make_window(starts_at=now, ends_at=now + HOUR)
    mine = make_window(merchant=merchant, starts_at=now, ends_at=now + HOUR, mode="skip")
    of_one = make_window(merchant=merchant, template=template, starts_at=now, ends_at=now + HOUR)
    make_window(merchant=make_template().merchant, starts_at=now, ends_at=now + HOUR)
    for query, wanted in (
        ("", [of_one, mine, shared]),
        ("owner=platform", [shared]),
        ("owner=merchant", [of_one, mine]),
        ("mode=skip", [mine]),
        (f"template={template.pk}", [of_one]),
    ):
        found = api.read(f"/maintenance-windows?{query}").json()["results"]
        assert [row["id"] for row in found] == [str(row.pk) for row in wanted]


def test_a_merchant_has_so_many_windows_ahead(api, merchant):
    now = database_now()
    for number in range(100):
        make_window(merchant=merchant, starts_at=now, ends_at=now + HOUR, name=str(number))
    problem(api.send("/maintenance-windows", window_body()), 429, "quota_exceeded")
    MaintenanceWindow.objects.filter(name="0").update(starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    created(api.send("/maintenance-windows", window_body()))


def test_a_reading_key_changes_no_window(merchant):
    now = database_now()
    window = make_window(merchant=merchant, starts_at=now, ends_at=now + HOUR)
    reader = client_of(merchant, scopes=["templates:read"])
    path = f"/maintenance-windows/{window.pk}"
    assert reader.read(path).status_code == 200
    for answer in (
        reader.send("/maintenance-windows", window_body()),
        reader.change(path, {"name": "x"}),
        reader.call("DELETE", path),
    ):
        problem(answer, 403, "missing_scope")
