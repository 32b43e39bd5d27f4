"""What was stored and cannot be read any more is told by its name, and where a template names it."""

from datetime import timedelta

import pytest

from jobs.models import Job
from templates_app.models import Calendar, MaintenanceWindow, Template
from tenants.clock import database_now
from tests.api.kit import pointers, problem
from tests.api.schedules import DAILY, jobs_of, make, template_body, window_body
from tests.factories.templates import make_calendar, make_window

# As after an update of the library that knew the country, or of tzdata that knew the zone.
LOST_COUNTRY = {"holidays": [{"country": "YU", "region": "", "categories": ["public"]}]}
LOST_ZONE = {"kind": "daily", "times": ["03:00"], "timezone": "Mars/Base"}
HOUR = timedelta(hours=1)


@pytest.fixture
def lost(merchant):
    return make_calendar(merchant=merchant, name="Belgrade", definition=LOST_COUNTRY)


@pytest.fixture
def weekend(merchant):
    return make_calendar(merchant=merchant, name="Weekend")


def lost_window(merchant, **fields):
    values = {"name": "Nightly", "mode": "hold", "recurrence": LOST_ZONE, "duration": 3600}
    return MaintenanceWindow.objects.create(merchant=merchant, **values, **fields)


def error_of(answer):
    [error] = problem(answer, 400, "invalid_fields")["errors"]
    return error


@pytest.mark.parametrize("path", ["/templates", "/templates/preview"])
@pytest.mark.parametrize("field", ["avoid", "keep_to"])
def test_a_template_that_names_an_unreadable_calendar_is_told_which(
    api, lost, weekend, field, path
):
    body = template_body(**{field: [str(weekend.pk), str(lost.pk)]})
    error = error_of(api.send(path, body))
    assert (error["pointer"], error["code"]) == (f"/{field}/1", "bad_calendar")
    assert error["detail"].startswith(f'"{field}" names the calendar "Belgrade", which cannot be')
    assert "YU" in error["detail"]
    assert error["detail"].endswith('Mend "Belgrade", or leave it out.')
    assert not Template.objects.exists()
    assert not Job.objects.exists()


def test_a_calendar_that_includes_an_unreadable_one_is_told_with_both_names(api, lost, merchant):
    outer = make_calendar(merchant=merchant, name="Europe", includes=[lost.pk])
    error = error_of(api.send("/templates", template_body(avoid=[str(outer.pk)])))
    assert (error["pointer"], error["code"]) == ("/avoid/0", "bad_calendar")
    assert 'names the calendar "Europe", which includes "Belgrade", which' in error["detail"]
    for calendar, pointer in ((lost, "/definition"), (outer, "/includes")):
        days = error_of(api.read(f"/calendars/{calendar.pk}/days"))
        assert (days["pointer"], days["code"]) == (pointer, "bad_calendar")


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_edit_that_is_planned_anew_names_the_calendar_and_changes_nothing(
    api, weekend, merchant, query
):
    template = make(api, avoid=[str(weekend.pk)])
    bystander = make(api)
    planned = [job.pk for job in jobs_of(template)]
    Calendar.objects.filter(pk=weekend.pk).update(definition=LOST_COUNTRY)
    path = f"/templates/{template['id']}"
    error = error_of(api.change(path + query, {"recurrence": DAILY}))
    assert (error["pointer"], error["code"]) == ("/avoid/0", "bad_calendar")
    assert '"Weekend"' in error["detail"]
    assert [job.pk for job in jobs_of(template)] == planned
    assert api.read(path).json()["recurrence"] == template["recurrence"]
    assert len(jobs_of(bystander)) == 1
    assert api.change(path + query, {"active": False}).status_code == 200
    assert api.change(path, {"avoid": []}).status_code == 200


def test_a_preview_of_a_stored_template_names_its_unreadable_calendar(api, weekend):
    template = make(api, keep_to=[str(weekend.pk)])
    Calendar.objects.filter(pk=weekend.pk).update(definition=LOST_COUNTRY)
    error = error_of(api.read(f"/templates/{template['id']}/preview"))
    assert (error["pointer"], error["code"]) == ("/keep_to/0", "bad_calendar")
    api.send(f"/templates/{template['id']}/pause", {})
    error = error_of(api.send(f"/templates/{template['id']}/resume"))
    assert error["pointer"] == "/keep_to/0"


@pytest.mark.parametrize("again", [1, 2])
@pytest.mark.parametrize("spelling", [str, lambda one: str(one).upper(), lambda one: one.hex])
@pytest.mark.parametrize("field", ["avoid", "keep_to"])
def test_a_calendar_is_pointed_at_where_the_client_named_it_first(
    api, lost, weekend, field, spelling, again
):
    named = [str(weekend.pk)] + [spelling(weekend.pk)] * again + [str(lost.pk), spelling(lost.pk)]
    template, bystander = make(api), make(api)
    for answer in (
        api.send("/templates", template_body(**{field: named})),
        api.send("/templates/preview", template_body(**{field: named})),
        api.change(f"/templates/{template['id']}", {field: named}),
        api.change(f"/templates/{template['id']}?dry_run=true", {field: named}),
    ):
        error = error_of(answer)
        assert (error["pointer"], error["code"]) == (f"/{field}/{again + 1}", "bad_calendar")
    assert {str(one.pk) for one in Template.objects.all()} == {template["id"], bystander["id"]}
    assert not Template.objects.exclude(avoid=[], keep_to=[]).exists()


def test_a_change_that_does_not_name_the_calendar_points_into_what_is_stored(api, lost, weekend):
    template = make(api, avoid=[str(weekend.pk)], keep_to=[])
    both = [weekend.pk, lost.pk]
    Template.objects.filter(pk=template["id"]).update(avoid=both)
    for query in ("", "?dry_run=true"):
        change = {"recurrence": DAILY, "keep_to": [str(weekend.pk)] * 3}
        error = error_of(api.change(f"/templates/{template['id']}{query}", change))
        assert error["pointer"] == "/avoid/1"


def test_other_faults_of_a_list_are_pointed_at_as_they_were_sent(api, lost):
    named = [str(lost.pk), str(lost.pk), ""]
    error = error_of(api.send("/templates", template_body(avoid=named)))
    assert (error["pointer"], error["code"]) == ("/avoid/2", "blank")


def warnings_of(answer, status):
    assert answer.status_code == status, answer.content
    return [(one["code"], one["field"], one["hint"]) for one in answer.json()["warnings"]]


def test_a_window_that_cannot_be_read_is_a_warning_and_keeps_nobody_from_their_templates(
    api, stranger_api, merchant
):
    before, theirs = make(api), make(stranger_api)
    assert before["warnings"] == []
    lost_window(merchant)
    told = [("bad_window", "maintenance_windows", "Mend it, or delete it.")]
    path = f"/templates/{before['id']}"
    assert warnings_of(api.send("/templates", template_body()), 201) == told
    assert warnings_of(api.send("/templates/preview", template_body()), 200) == told
    assert warnings_of(api.read(path), 200) == told
    assert warnings_of(api.read(f"{path}/preview"), 200) == told
    assert warnings_of(api.change(path, {"recurrence": DAILY}), 200) == told
    assert api.change(f"{path}?dry_run=true", {"recurrence": DAILY}).status_code == 200
    [warning] = api.read(path).json()["warnings"]
    assert warning["message"] == (
        'The maintenance window "Nightly" cannot be read and is left out: '
        '"Mars/Base" is not a time zone.'
    )
    theirs_path = f"/templates/{theirs['id']}"
    assert warnings_of(stranger_api.read(theirs_path), 200) == []
    assert warnings_of(stranger_api.send("/templates", template_body()), 201) == []
    lost_window(None)
    assert warnings_of(stranger_api.read(theirs_path), 200) == [
        ("bad_window", "maintenance_windows", "An operator has to mend it.")
    ]


def test_a_window_says_itself_that_it_cannot_be_read(api, merchant):
    window = lost_window(merchant)
    bystander = lost_window(merchant, release_over=60)
    MaintenanceWindow.objects.filter(pk=bystander.pk).update(recurrence=DAILY)
    MaintenanceWindow.objects.create(
        merchant=merchant, name="Odd", recurrence={"kind": "lunar"}, duration=60
    )
    odd, fine, found = api.read("/maintenance-windows").json()["results"]
    assert found == api.read(f"/maintenance-windows/{window.pk}").json()
    assert (found["sentence"], found["recurrence"]) == (None, LOST_ZONE)
    assert found["warnings"] == [
        {
            "code": "bad_window",
            "field": "recurrence",
            "message": "The window cannot be read, and planning leaves it out: "
            '"Mars/Base" is not a time zone.',
            "hint": "Pick one such as Europe/Berlin.",
        }
    ]
    assert [one["code"] for one in odd["warnings"]] == ["bad_window"]
    assert (fine["warnings"], fine["sentence"]) == ([], "At 09:00 every day; UTC")


def test_a_bad_calendar_is_not_blamed_on_the_window_beside_it(api, lost, merchant):
    lost_window(merchant)
    error = error_of(api.send("/templates", template_body(avoid=[str(lost.pk)])))
    assert (error["pointer"], error["code"]) == ("/avoid/0", "bad_calendar")


def test_a_window_whose_time_zone_is_lost_can_be_renamed(api, merchant):
    window, bystander = lost_window(merchant), lost_window(merchant, release_over=60)
    path = f"/maintenance-windows/{window.pk}"
    for change in (
        {"name": "Old"},
        {"mode": "skip"},
        {"release_over": 120},
        {"duration": 600},
        {"template_id": None},
    ):
        answer = api.change(path, change)
        assert answer.status_code == 200, answer.content
        [(name, value)] = change.items()
        assert answer.json()[name] == value
        assert answer.json()["recurrence"] == LOST_ZONE
    left = MaintenanceWindow.objects.get(pk=bystander.pk)
    assert vars(left) | {"_state": None} == vars(bystander) | {
        "_state": None,
        "created_at": left.created_at,
        "updated_at": left.updated_at,
    }


def test_a_window_whose_time_zone_is_lost_is_ended_by_other_times_or_deleted(api, merchant):
    once, again, gone = (lost_window(merchant) for _ in range(3))
    hour = database_now() + HOUR
    times = {"starts_at": hour.isoformat(), "ends_at": (hour + HOUR).isoformat()}
    answer = api.change(f"/maintenance-windows/{once.pk}", times)
    assert answer.status_code == 200, answer.content
    assert answer.json()["recurrence"] is None
    mended = {**LOST_ZONE, "timezone": "UTC"}
    answer = api.change(f"/maintenance-windows/{again.pk}", {"recurrence": mended})
    assert answer.status_code == 200, answer.content
    assert api.call("DELETE", f"/maintenance-windows/{gone.pk}").status_code == 204
    assert api.send("/templates", template_body()).status_code == 201


def test_mending_a_lost_window_plans_what_it_concerned_again(api, merchant):
    template = make(api)
    [before] = jobs_of(template)
    window = lost_window(merchant)
    assert before.occurrence_at is not None
    times = window_body(before.occurrence_at - HOUR, before.occurrence_at + HOUR)
    answer = api.change(
        f"/maintenance-windows/{window.pk}",
        {name: times[name] for name in ("starts_at", "ends_at")},
    )
    assert answer.status_code == 200, answer.content
    [held] = jobs_of(template)
    assert held.run_at >= before.occurrence_at + HOUR


def test_what_a_change_of_a_lost_window_names_is_checked(api, merchant):
    window = lost_window(merchant)
    path = f"/maintenance-windows/{window.pk}"
    for change, fault in (
        ({"recurrence": LOST_ZONE}, ("/recurrence/timezone", "unknown_zone")),
        ({"duration": 59}, ("/duration", "out_of_range")),
        ({"name": None}, ("/name", "wrong_type")),
        ({"mode": "delay"}, ("/mode", "not_allowed")),
        ({"duration": None}, ("/duration", "required")),
    ):
        told = problem(api.change(path, change), 400, "invalid_fields")
        assert pointers(told) == {fault}, told
    window.refresh_from_db()
    assert (window.name, window.mode, window.duration) == ("Nightly", "hold", 3600)


def test_an_edit_of_a_window_checks_what_it_names_and_nothing_else(api, merchant):
    now = database_now()
    window = make_window(merchant=merchant, starts_at=now, ends_at=now + HOUR)
    MaintenanceWindow.objects.filter(pk=window.pk).update(release_over=100_000)
    answer = api.change(f"/maintenance-windows/{window.pk}", {"name": "Other"})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["name"], answer.json()["release_over"]) == ("Other", 100_000)
