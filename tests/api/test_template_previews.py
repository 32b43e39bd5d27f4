"""Previews of templates and drafts by the API: what calendars, windows and bounds do to them."""

from datetime import UTC, datetime, timedelta

import pytest

from templates_app.models import Calendar, Template
from tenants.clock import database_now
from tests.api.kit import http_job, pointers, problem
from tests.api.schedules import DAILY, HOURLY, at, full_hour, jobs_of, make, template_body
from tests.factories.templates import DAY, HOUR, MINUTE, make_calendar, make_window

ALWAYS = {"weekdays": ["mo", "tu", "we", "th", "fr", "sa", "su"]}
A_MINUTE = {"hours": {"mo": [["09:00", "09:01"]]}}
SUNDAYS = {"kind": "weekly", "weekdays": ["su"], "times": ["09:00"], "timezone": "UTC"}
SATURDAYS = {**SUNDAYS, "weekdays": ["sa"]}
SECONDLY = {"kind": "cron", "expression": "* * * * * *", "timezone": "UTC"}
YEARLY = {"kind": "yearly", "months": [1], "days": [1], "times": ["09:00"], "timezone": "UTC"}
BACKWARDS = ["previous_open", "previous_business_day"]
POLICIES = ["skip", "next_open", "next_business_day", *BACKWARDS]


def preview(api, **body):
    answer = api.send("/templates/preview", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def preview_of(api, template, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = api.read(f"/templates/{template['id']}/preview?{asked.replace('+', '%2B')}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def codes(told):
    return [one["code"] for one in told["warnings"]]


def sunday_noon() -> datetime:
    """Return noon of a Sunday more than a week ahead."""
    day = database_now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return day + (13 - day.weekday()) * DAY


@pytest.mark.parametrize(
    ("recurrence", "policy"),
    [
        *[(recurrence, policy) for recurrence in (DAILY, YEARLY) for policy in POLICIES],
        *[(HOURLY, policy) for policy in POLICIES if policy not in BACKWARDS],
    ],
)
def test_calendars_that_never_open_are_told_and_not_an_error(api, merchant, recurrence, policy):
    calendar = str(make_calendar(merchant=merchant, definition=ALWAYS).pk)
    schedule = {"recurrence": recurrence, "avoid": [calendar], "on_closed": policy}
    told = preview(api, **schedule)
    stored = preview_of(api, make(api, **schedule), count=5)
    for one in (told, stored):
        assert (one["runs"], codes(one), one["ended"]) == ([], ["never_open"], False)
        assert one["skipped"][0]["cause"] == "closed"


@pytest.mark.parametrize("policy", BACKWARDS)
def test_a_dense_recurrence_is_not_moved_backwards_out_of_calendars(api, merchant, policy):
    calendar = str(make_calendar(merchant=merchant, definition=ALWAYS).pk)
    schedule = {"recurrence": HOURLY, "avoid": [calendar], "on_closed": policy}
    for path, body in (
        ("/templates/preview", schedule),
        ("/templates", template_body(**schedule)),
    ):
        refused = problem(api.send(path, body), 400, "invalid_fields")
        assert pointers(refused) == {("/on_closed", "too_dense")}
    assert not Template.objects.exists()


def test_a_preview_that_takes_too_much_work_says_that_it_stopped(api, merchant):
    calendar = str(make_calendar(merchant=merchant, definition=A_MINUTE).pk)
    told = preview(
        api, recurrence=SECONDLY, keep_to=[calendar], on_closed="next_business_day", count=1000
    )
    assert "stopped_early" in codes(told)
    assert len(told["runs"]) < 1000


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "9999-12-31T00:00:00Z"]
)
def test_a_preview_starts_within_the_time_that_is_planned(api, merchant, moment):
    calendar = str(make_calendar(merchant=merchant).pk)
    template = make(api, recurrence=DAILY, avoid=[calendar])
    told = problem(
        api.read(f"/templates/{template['id']}/preview?from={moment}"), 400, "invalid_parameters"
    )
    [error] = told["errors"]
    assert error["parameter"] == "from"
    assert ("2000" in error["detail"]) or ("ten years" in error["detail"])
    draft = {"recurrence": DAILY, "avoid": [calendar], "from": moment}
    refused = problem(api.send("/templates/preview", draft), 400, "invalid_fields")
    assert {where for where, _ in pointers(refused)} == {"/from"}


def test_a_preview_starts_in_the_year_2000_and_in_ten_years(api, merchant):
    calendar = str(make_calendar(merchant=merchant).pk)
    schedule = {"recurrence": DAILY, "avoid": [calendar], "on_closed": "next_open", "count": 1}
    for moment in ("2000-01-01T00:00:00+00:00", (database_now() + 3652 * DAY).isoformat()):
        [run] = preview(api, **schedule, **{"from": moment})["runs"]
        assert at(run["run_at"]) > at(moment)


def test_a_run_that_was_moved_across_the_start_is_shown(api, merchant):
    noon = sunday_noon()
    weekend = str(make_calendar(merchant=merchant).pk)
    template = make(api, recurrence=SUNDAYS, avoid=[weekend], on_closed="next_business_day")
    told = preview_of(api, template, count=2, **{"from": noon.isoformat()})
    monday = noon + 21 * HOUR
    assert [at(run["run_at"]) for run in told["runs"]] == [monday, monday + 7 * DAY]
    assert at(told["runs"][0]["occurrence_at"]) == monday
    assert told["runs"][0]["note"].startswith("Moved from Sun")


def test_no_run_of_a_preview_lies_before_its_start(api, merchant):
    saturday_noon = sunday_noon() - DAY
    weekend = str(make_calendar(merchant=merchant).pk)
    template = make(api, recurrence=SATURDAYS, avoid=[weekend], on_closed="previous_business_day")
    told = preview_of(api, template, count=2, **{"from": (saturday_noon - 4 * HOUR).isoformat()})
    friday = saturday_noon + 6 * DAY - 3 * HOUR
    assert [at(run["run_at"]) for run in told["runs"]] == [friday, friday + 7 * DAY]


def test_a_run_that_a_window_holds_at_the_start_is_shown(api, merchant):
    hour = full_hour(database_now()) + 3 * HOUR
    template = make(api, recurrence=HOURLY)
    make_window(merchant=merchant, starts_at=hour - MINUTE, ends_at=hour + 40 * MINUTE, name="Move")
    told = preview_of(api, template, count=1, **{"from": (hour + 10 * MINUTE).isoformat()})
    [run] = told["runs"]
    assert at(run["occurrence_at"]) == hour
    assert hour + 40 * MINUTE <= at(run["run_at"]) < hour + 55 * MINUTE
    assert run["note"] == "Held by the maintenance window Move."


def test_what_a_window_skipped_before_the_start_is_not_counted(api, merchant):
    hour = full_hour(database_now()) + 3 * HOUR
    template = make(api, recurrence=HOURLY)
    make_window(merchant=merchant, starts_at=hour, ends_at=hour + 5 * HOUR, mode="skip")
    start = hour + 2 * HOUR + MINUTE
    told = preview_of(api, template, count=1, **{"from": start.isoformat()})
    [row] = told["skipped"]
    assert (row["occurrences"], row["cause"]) == (2, "window")
    assert at(row["first_at"]) == hour + 3 * HOUR
    assert at(told["runs"][0]["run_at"]) == hour + 5 * HOUR


def test_a_new_template_owes_nothing_of_the_time_before_it(api, merchant):
    """Everything closed up to the next full hour: what it moved there is older than the template."""
    now = database_now()
    dates = {"spans": [{"from": f"{now - DAY:%FT%H}:00Z", "to": f"{full_hour(now):%FT%H}:00Z"}]}
    calendar = str(make_calendar(merchant=merchant, definition=dates).pk)
    minute_ago = {
        "kind": "dates",
        "dates": [f"{now - MINUTE:%FT%T}Z", f"{now + 10 * DAY:%FT%T}Z"],
    }
    schedule = {"recurrence": minute_ago, "avoid": [calendar], "on_closed": "next_open"}
    template = make(api, **schedule)
    [job] = jobs_of(template)
    for told in (preview_of(api, template), preview(api, **schedule)):
        assert [at(run["run_at"]) for run in told["runs"]] == [job.run_at]


def test_a_preview_says_what_moves_to_before_the_template_was_made(api, merchant):
    now = database_now()
    hour = full_hour(now) + HOUR
    closed = {"spans": [{"from": f"{now - DAY:%FT%H}:00Z", "to": f"{hour + HOUR:%FT%H}:00Z"}]}
    calendar = str(make_calendar(merchant=merchant, definition=closed).pk)
    dates = {"kind": "dates", "dates": [f"{hour:%FT%T}Z", f"{now + 10 * DAY:%FT%T}Z"]}
    schedule = {"recurrence": dates, "avoid": [calendar], "on_closed": "previous_open"}
    template = make(api, **schedule)
    for told in (preview_of(api, template), preview(api, **schedule)):
        assert [at(run["run_at"]).date() for run in told["runs"]] == [(now + 10 * DAY).date()]
        [row] = told["skipped"]
        assert (at(row["first_at"]), row["occurrences"], row["cause"]) == (hour, 1, "closed")
        assert row["reason"].endswith(", before the template was made")


def test_a_paused_templates_preview_begins_when_it_resumes(api):
    template = make(api, recurrence=HOURLY)
    until = full_hour(database_now()) + 10 * DAY + MINUTE
    path = f"/templates/{template['id']}"
    api.send(f"{path}/pause", {"resume_at": until.isoformat()})
    told = preview_of(api, template, count=1)
    assert [at(run["run_at"]) for run in told["runs"]] == [until + 59 * MINUTE]
    assert codes(told) == []


def test_a_preview_says_when_nothing_of_it_runs(api):
    template = make(api)
    path = f"/templates/{template['id']}"
    api.send(f"{path}/pause", {"note": "Moving"})
    assert codes(preview_of(api, template)) == ["paused"]
    api.send(f"{path}/resume")
    assert codes(preview_of(api, template)) == []
    api.change(path, {"active": False})
    assert codes(preview_of(api, template)) == ["inactive"]
    assert codes(preview(api, **template_body(active=False))) == ["inactive"]


def test_windows_of_the_platform_and_the_merchant_concern_a_draft(api, merchant, stranger):
    hour = full_hour(database_now()) + 3 * HOUR
    make_window(starts_at=hour - MINUTE, ends_at=hour + MINUTE, name="Ours")
    make_window(
        merchant=merchant,
        starts_at=hour + 59 * MINUTE,
        ends_at=hour + 61 * MINUTE,
        mode="skip",
        name="Mine",
    )
    make_window(merchant=stranger, starts_at=hour - HOUR, ends_at=hour + 9 * HOUR)
    other = Template.objects.get(pk=make(api)["id"])
    make_window(merchant=merchant, template=other, starts_at=hour - HOUR, ends_at=hour + 9 * HOUR)
    told = preview(api, recurrence=HOURLY, count=2, **{"from": (hour - MINUTE).isoformat()})
    assert [run["note"] for run in told["runs"]] == ["Held by the maintenance window Ours.", ""]
    assert at(told["runs"][0]["run_at"]) >= hour + MINUTE
    assert at(told["runs"][1]["run_at"]) == hour + 2 * HOUR
    assert [row["reason"] for row in told["skipped"]] == ["Maintenance window: Mine."]


def test_a_whole_template_is_previewed_before_it_is_created(api):
    told = preview(api, **template_body(**http_job(), priority=7, description="x"), count=1)
    assert len(told["runs"]) == 1
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"kind": "nothing"}, "/kind"),
        ({"payload": []}, "/payload"),
        ({"kind": "python", "payload": {"handler": "demo.nothing"}}, "/payload/handler"),
        (
            {"kind": "python", "payload": {"handler": "demo.noop", "arguments": "{{ nope }}"}},
            "/payload/arguments",
        ),
        ({"priority": 11}, "/priority"),
        ({"overlap": "x"}, "/overlap"),
        ({"state": "paused"}, "/state"),
    ],
)
def test_what_else_a_draft_holds_is_checked(api, fields, pointer):
    told = problem(
        api.send("/templates/preview", {"recurrence": HOURLY, **fields}), 400, "invalid_fields"
    )
    assert {where for where, _ in pointers(told)} == {pointer}


def test_a_calendar_that_cannot_be_read_is_named_as_such(api, merchant):
    calendar = make_calendar(merchant=merchant)
    fine = make_calendar(merchant=merchant)
    bad = {"dates": [{"every_year": "13-45"}]}
    Calendar.objects.filter(pk=calendar.pk).update(definition=bad)
    draft = {"recurrence": HOURLY, "avoid": [str(fine.pk), str(calendar.pk)]}
    told = problem(api.send("/templates/preview", draft), 400, "invalid_fields")
    [error] = told["errors"]
    assert (error["pointer"], error["code"]) == ("/avoid/1", "bad_calendar")
    assert '"avoid" names the calendar "Closed days", which cannot be read:' in error["detail"]


def test_the_days_of_a_calendar_lie_within_the_years_that_are_known(api, merchant):
    calendar = make_calendar(merchant=merchant)
    for first in ("0001-01-01", "1989-12-31", "2200-01-01", "9999-12-31"):
        path = f"/calendars/{calendar.pk}/days?from={first}"
        told = problem(api.read(path), 400, "invalid_parameters")
        assert [error["parameter"] for error in told["errors"]] == ["from"]
    last = api.read(f"/calendars/{calendar.pk}/days?from=2199-12-31").json()
    assert last["days"] == []


def test_a_long_preview_of_held_runs_is_in_order_and_whole(api, merchant):
    hour = full_hour(database_now()) + 3 * HOUR
    every_ten = {"kind": "cron", "expression": "*/10 * * * *", "timezone": "UTC"}
    make_window(merchant=merchant, starts_at=hour, ends_at=hour + HOUR)
    start = hour + timedelta(minutes=55)
    told = preview(api, recurrence=every_ten, count=8, **{"from": (start - DAY).isoformat()})
    assert len(told["runs"]) == 8
    template = make(api, recurrence=every_ten)
    told = preview_of(api, template, count=8, **{"from": start.isoformat()})
    due = [at(run["run_at"]) for run in told["runs"]]
    assert due == sorted(due)
    # Six were held, at 13:00 to 13:50; those of 14:00 and 14:10 pass the last of them.
    named = [at(run["occurrence_at"]) for run in told["runs"]]
    assert {hour + n * 10 * MINUTE for n in range(8)} == set(named)
