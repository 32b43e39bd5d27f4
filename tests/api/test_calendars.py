"""/calendars: create, import, change, delete; templates that use one follow its changes."""

from datetime import timedelta

import pytest

from jobs.models import Job
from templates_app.models import Calendar, Template
from tenants.clock import database_now
from tests.api.kit import client_of, pointers, problem
from tests.api.schedules import HOURLY, ICS, WEEKEND, created, daily, ics_of, jobs_of, make
from tests.factories.templates import make_calendar


def every_day():
    return {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}


def test_a_calendar_is_stored_canonically(api, merchant):
    definition = {
        "holidays": [{"country": "ESP", "region": "Madrid"}],
        "weekdays": ["su", "sa"],
        "dates": ["2026-12-24"],
    }
    body = created(api.send("/calendars", {"name": "Spain", "definition": definition}))
    assert body["definition"]["holidays"] == [
        {"country": "ES", "region": "MD", "categories": ["public"]}
    ]
    assert body["definition"]["weekdays"] == ["sa", "su"]
    assert (body["owner"], body["includes"], body["warnings"]) == ("merchant", [], [])
    assert Calendar.objects.get(pk=body["id"]).merchant == merchant
    assert api.read(f"/calendars/{body['id']}").json() == body


def test_the_same_key_creates_one_calendar(api):
    body = {"name": "Weekend", "definition": WEEKEND}
    answers = [api.send("/calendars", body, **{"Idempotency-Key": "c"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Calendar.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"definition": WEEKEND}, ("/name", "required")),
        ({"name": "A"}, ("/definition", "required")),
        (
            {"name": "A", "definition": {"weekdays": ["xx"]}},
            ("/definition/weekdays/0", "unknown_weekday"),
        ),
        (
            {"name": "A", "definition": {"dates": ["2026-13-01"]}},
            ("/definition/dates/0", "bad_date"),
        ),
        (
            {"name": "A", "definition": {"hours": {"mo": [["09:00", "09:00"]]}}},
            ("/definition/hours/mo/0/1", "empty_window"),
        ),
        (
            {"name": "A", "definition": {"holidays": [{"country": "XX"}]}},
            ("/definition/holidays/0/country", "unknown_country"),
        ),
        ({"name": "A", "definition": []}, ("/definition", "not_an_object")),
        ({"name": "A", "definition": None}, ("/definition", "not_an_object")),
        ({"name": "A", "definition": {"days": []}}, ("/definition", "unknown_key")),
        ({"name": "A", "includes": ["7"]}, ("/includes", "unknown_calendar")),
        ({"name": "A", "definition": WEEKEND, "merchant": None}, ("/merchant", "unknown_field")),
        ([], ("", "wrong_type")),
    ],
)
def test_a_bad_calendar_is_told_where_and_why(api, body, fault):
    told = problem(api.send("/calendars", body), 400, "invalid_fields")
    where, code = fault
    assert any(at.startswith(where) and told_code == code for at, told_code in pointers(told)), told
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer", "code", "begins"),
    [
        ({"name": None}, "/name", "wrong_type", '"name" must be a text, not null.'),
        ({"name": " "}, "/name", "required", '"name" is required'),
        ({"name": "A\tB"}, "/name", "control_characters", '"name" must not contain'),
        ({"description": None}, "/description", "wrong_type", '"description" must be a text; send'),
        ({"description": 7}, "/description", "wrong_type", '"description" must be a text; send'),
        ({"description": "x" * 2001}, "/description", "too_long", '"description" must have at'),
    ],
)
def test_a_calendars_fault_is_one_sentence_that_names_its_field(
    api, merchant, fields, pointer, code, begins
):
    calendar = make_calendar(merchant=merchant, name="Closed", description="Why")
    for answer in (
        api.send("/calendars", {"name": "A", "definition": WEEKEND, **fields}),
        api.change(f"/calendars/{calendar.pk}", fields),
    ):
        [error] = problem(answer, 400, "invalid_fields")["errors"]
        assert (error["pointer"], error["code"]) == (pointer, code)
        assert error["detail"].startswith(begins)
    [left] = Calendar.objects.all()
    assert (left.pk, left.name, left.description) == (calendar.pk, "Closed", "Why")


def test_a_change_moves_the_jobs_that_are_planned(api):
    calendar = created(
        api.send("/calendars", {"name": "Closed", "definition": {"dates": ["2020-01-01"]}})
    )
    template = make(api, recurrence=daily(), avoid=[calendar["id"]])
    bystander = make(api, recurrence=daily())
    [before] = jobs_of(template)
    closed = {"dates": [f"{before.run_at:%Y-%m-%d}"]}
    answer = api.change(f"/calendars/{calendar['id']}", {"definition": closed})
    assert answer.status_code == 200, answer.content
    [after] = jobs_of(template)
    assert after.run_at == before.run_at + timedelta(days=1)
    [skipped] = api.read(f"/templates/{template['id']}/skipped").json()["results"]
    assert skipped["cause"] == "closed"
    assert [str(job.pk) for job in jobs_of(bystander)] == [bystander["next_runs"][0]["id"]]
    long_ago = {"dates": ["2020-01-01"]}
    assert api.change(f"/calendars/{calendar['id']}", {"definition": long_ago}).status_code == 200
    assert [job.run_at for job in jobs_of(template)] == [before.run_at]
    assert api.read(f"/templates/{template['id']}/skipped").json()["results"] == []


def test_a_change_reaches_templates_by_way_of_other_calendars(api):
    inner = created(api.send("/calendars", {"name": "In", "definition": {"dates": ["2020-01-01"]}}))
    middle = created(api.send("/calendars", {"name": "Mid", "includes": [inner["id"]]}))
    outer = created(api.send("/calendars", {"name": "Out", "includes": [middle["id"]]}))
    template = make(api, recurrence=daily(), avoid=[outer["id"]])
    [before] = jobs_of(template)
    closed = {"dates": [f"{before.run_at:%Y-%m-%d}"]}
    api.change(f"/calendars/{inner['id']}", {"definition": closed})
    [after] = jobs_of(template)
    assert after.run_at == before.run_at + timedelta(days=1)


def test_a_new_name_plans_nothing_again(api):
    calendar = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    template = make(api, avoid=[calendar["id"]])
    renamed = api.change(f"/calendars/{calendar['id']}", {"name": "B"})
    assert renamed.json()["name"] == "B"
    shown = api.read(f"/templates/{template['id']}").json()
    assert [run["id"] for run in shown["next_runs"]] == [run["id"] for run in template["next_runs"]]
    assert "except B" in shown["sentence"]


def test_many_templates_are_left_to_the_expander(api):
    calendar = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    for number in range(51):
        make(api, name=f"T{number}", keep_to=[calendar["id"]])
    paused = make(api, keep_to=[calendar["id"]])
    api.send(f"/templates/{paused['id']}/pause", {})
    now = database_now()
    api.change(f"/calendars/{calendar['id']}", {"definition": every_day()})
    marked = Template.objects.filter(replan=True, next_expansion_at__lte=database_now())
    assert marked.filter(next_expansion_at__gte=now).count() == 51
    assert not marked.filter(pk=paused["id"]).exists()


def test_a_calendar_that_never_opens_leaves_nothing_planned(api):
    calendar = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    template = make(api, recurrence=daily(), avoid=[calendar["id"]])
    api.change(f"/calendars/{calendar['id']}", {"definition": every_day()})
    assert jobs_of(template) == []
    shown = api.read(f"/templates/{template['id']}").json()
    assert (shown["state"], shown["next_runs"]) == ("active", [])


def test_calendars_do_not_include_themselves_by_any_way(api):
    first = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    second = created(api.send("/calendars", {"name": "B", "includes": [first["id"]]}))
    third = created(api.send("/calendars", {"name": "C", "includes": [second["id"]]}))
    for includes, told in (
        ([third["id"]], '"A" includes "C" includes "B" includes "A"'),
        ([first["id"]], '"A" includes "A"'),
    ):
        answer = api.change(f"/calendars/{first['id']}", {"includes": includes})
        body = problem(answer, 400, "invalid_fields")
        assert pointers(body) == {("/includes", "circle")}
        assert told in body["detail"]
    assert Calendar.objects.get(pk=first["id"]).includes == []


def test_a_calendar_in_use_is_not_deleted(api):
    calendar = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    path = f"/calendars/{calendar['id']}"
    names = ["Nightly", "Weekly", "Monthly", "Yearly"]
    templates = [make(api, name=name, avoid=[calendar["id"]]) for name in names]
    including = created(api.send("/calendars", {"name": "B", "includes": [calendar["id"]]}))
    told = problem(api.call("DELETE", path), 409, "calendar_in_use")["detail"]
    assert "4 templates" in told
    assert "and 1 more" in told
    assert '1 calendar ("B")' in told
    for template in templates:
        api.call("DELETE", f"/templates/{template['id']}")
    problem(api.call("DELETE", path), 409, "calendar_in_use")
    assert api.call("DELETE", f"/calendars/{including['id']}").status_code == 204
    assert api.call("DELETE", path).status_code == 204
    problem(api.read(path), 404, "not_found")


def test_the_platforms_calendars_are_used_and_not_changed(api, stranger_api):
    shared = make_calendar(merchant=None, name="Weekends")
    path = f"/calendars/{shared.pk}"
    for client in (api, stranger_api):
        assert client.read(path).json()["owner"] == "platform"
        [listed] = client.read("/calendars").json()["results"]
        assert listed["id"] == str(shared.pk)
    make(api, avoid=[str(shared.pk)])
    problem(api.change(path, {"name": "Mine"}), 403, "platform_owned")
    problem(api.call("DELETE", path), 403, "platform_owned")
    problem(api.send(f"{path}/import", {"ics": ics_of()}), 403, "platform_owned")
    assert created(api.send("/calendars", {"name": "B", "includes": [str(shared.pk)]}))
    shared.refresh_from_db()
    assert shared.name == "Weekends"


def test_strangers_calendars_cannot_be_used(api, stranger):
    theirs = make_calendar(merchant=stranger)
    for path, body in (
        ("/templates/preview", {"recurrence": HOURLY, "avoid": [str(theirs.pk)]}),
        ("/calendars", {"name": "A", "includes": [str(theirs.pk)]}),
    ):
        told = problem(api.send(path, body), 400, "invalid_fields")
        assert {code for _, code in pointers(told)} == {"unknown_calendar"}


def test_an_ics_file_becomes_a_calendar(api):
    text = ics_of()
    answer = api.call(
        "POST", "/calendars/import?name=School", text.encode(), content_type="text/calendar"
    )
    body = created(answer)
    [entry] = body["definition"]["dates"]
    assert (body["name"], entry["name"]) == ("School", "Fête")
    same = created(api.send("/calendars/import", {"name": "School", "ics": text}))
    assert same["definition"] == body["definition"]


def test_an_import_tells_until_when_it_holds(api):
    day = f"{database_now():%Y%m%d}"
    text = ICS.format(day=day).replace("SUMMARY", "RRULE:FREQ=YEARLY\r\nSUMMARY")
    body = created(api.send("/calendars/import", {"name": "A", "ics": text}))
    assert [one["code"] for one in body["warnings"]] == ["expanded_until"]


def test_a_newer_file_replaces_the_older(api):
    body = created(api.send("/calendars/import", {"name": "A", "ics": ics_of(30)}))
    template = make(api, recurrence=daily(), avoid=[body["id"]])
    [job] = jobs_of(template)
    text = ICS.format(day=f"{job.run_at:%Y%m%d}")
    answer = api.call(
        "POST", f"/calendars/{body['id']}/import", text.encode(), content_type="text/calendar"
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["name"] == "A"
    [moved] = jobs_of(template)
    assert moved.run_at == job.run_at + timedelta(days=1)


def test_the_same_key_imports_once(api):
    headers = {"Idempotency-Key": "i", "content_type": "text/calendar; charset=utf-8"}
    raw = ics_of().encode()
    answers = [api.call("POST", "/calendars/import?name=A", raw, **headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Calendar.objects.count() == 1


@pytest.mark.parametrize(
    ("raw", "kind", "status", "code"),
    [
        (b"hello", "text/calendar", 400, "invalid_fields"),
        (b"\xff\xfe\x00", "text/calendar", 400, "invalid_fields"),
        (b"", "text/calendar", 400, "invalid_fields"),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR", "text/calendar", 400, "invalid_fields"),
        (b"x" * (2 * 1024 * 1024 + 1), "text/calendar", 400, "invalid_fields"),
        (b"x" * (5 * 1024 * 1024 + 1), "text/calendar", 413, "body_too_large"),
        (b'{"name": "A"}', "application/json", 400, "invalid_fields"),
        (b'{"name": "A", "ics": 7}', "application/json", 400, "invalid_fields"),
        (b"BEGIN:VCALENDAR", "text/plain", 415, "unsupported_media_type"),
        (b"BEGIN:VCALENDAR", "text/calendar; charset=latin-1", 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_calendar_file_is_refused(api, raw, kind, status, code):
    answer = api.call("POST", "/calendars/import?name=A", raw, content_type=kind)
    problem(answer, status, code)
    assert not Calendar.objects.exists()


def test_calendar_files_are_taken_by_imports_only(api):
    for path in ("/calendars", "/templates"):
        answer = api.call("POST", path, ics_of().encode(), content_type="text/calendar")
        problem(answer, 415, "unsupported_media_type")


def test_days_are_told_with_their_names(api):
    inner = created(
        api.send("/calendars", {"name": "Spain", "definition": {"holidays": [{"country": "ES"}]}})
    )
    definition = {
        "hours": {"mo": [["09:00", "17:30"]]},
        "spans": [
            {"from": "2026-12-29T22:00:00+00:00", "to": "2026-12-30T02:00:00+00:00", "name": "Move"}
        ],
    }
    body = created(
        api.send("/calendars", {"name": "A", "definition": definition, "includes": [inner["id"]]})
    )
    path = f"/calendars/{body['id']}/days?from=2026-12-24&to=2026-12-31&timezone=Europe/Madrid"
    days = {day["date"]: day for day in api.read(path).json()["days"]}
    assert days["2026-12-25"]["whole_day"]
    assert days["2026-12-25"]["reasons"] == ["Christmas Day (Spain)"]
    assert days["2026-12-28"]["times"] == [["09:00", "17:30"]]
    assert days["2026-12-29"]["times"] == [["23:00", "24:00"]]
    assert days["2026-12-30"]["times"] == [["00:00", "03:00"]]
    assert days["2026-12-30"]["reasons"] == ["Move"]
    assert set(days) == {"2026-12-25", "2026-12-28", "2026-12-29", "2026-12-30"}


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-30",
        "from=1980-01-01",
        "to=2020-01-01",
        "from=2026-01-01&to=2028-01-01",
        "timezone=Mars",
        "from=2026-W01",
    ],
)
def test_a_bad_range_of_days_is_refused_by_name(api, query):
    body = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    told = problem(api.read(f"/calendars/{body['id']}/days?{query}"), 400, "invalid_parameters")
    assert told["errors"][0]["parameter"] in query


def test_lists_are_narrowed(api, merchant):
    mine = make_calendar(merchant=merchant, name="Mine")
    shared = make_calendar(merchant=None, name="Shared")
    for query, wanted in (
        ("owner=merchant", {mine}),
        ("owner=platform", {shared}),
        ("q=SHAR", {shared}),
        ("", {mine, shared}),
    ):
        found = api.read(f"/calendars?{query}").json()["results"]
        assert {row["id"] for row in found} == {str(row.pk) for row in wanted}


def test_a_merchant_has_so_many_calendars(api, merchant):
    Calendar.objects.bulk_create(
        Calendar(merchant=merchant, name=str(n), definition=WEEKEND) for n in range(1_000)
    )
    problem(api.send("/calendars", {"name": "A", "definition": WEEKEND}), 429, "quota_exceeded")


def test_a_reading_key_changes_no_calendar(merchant):
    reader = client_of(merchant, scopes=["templates:read"])
    calendar = make_calendar(merchant=merchant)
    path = f"/calendars/{calendar.pk}"
    assert reader.read(path).status_code == 200
    assert reader.read(f"{path}/days").status_code == 200
    for answer in (
        reader.send("/calendars", {}),
        reader.send("/calendars/import", {}),
        reader.change(path, {}),
        reader.call("DELETE", path),
    ):
        problem(answer, 403, "missing_scope")


def test_nothing_is_planned_twice_when_a_change_comes_to_nothing(api):
    calendar = created(api.send("/calendars", {"name": "A", "definition": WEEKEND}))
    make(api, avoid=[calendar["id"]])
    before = set(Job.objects.values_list("pk", flat=True))
    answer = api.change(f"/calendars/{calendar['id']}", {"definition": {"weekdays": ["su", "sa"]}})
    assert answer.status_code == 200
    assert set(Job.objects.values_list("pk", flat=True)) == before
