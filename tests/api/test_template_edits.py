"""Edits check what they name and nothing else; each fault is one sentence about one field."""

from uuid import uuid4

import pytest

from templates_app.models import Template
from tenants.clock import database_now
from tests.api.kit import pointers, problem
from tests.api.schedules import DAILY, HOURLY, ahead, daily, make, template_body
from tests.factories.templates import DAY, make_calendar, make_template

PAST = {"kind": "dates", "dates": ["2020-01-01T09:00:00"], "timezone": "UTC"}
LOST = {"kind": "daily", "times": ["09:00"], "timezone": "Mars/Base"}
EDITS = [
    {"name": "Other"},
    {"active": False},
    {"misfire": "skip"},
    {"tags": ["a"]},
    {"description": "x"},
]


def stored(api, **columns):
    """Return the address of a template whose row became like this."""
    template = make(api)
    Template.objects.filter(pk=template["id"]).update(**columns)
    return f"/templates/{template['id']}"


def detail_of(answer):
    [error] = problem(answer, 400, "invalid_fields")["errors"]
    return error["pointer"], error["code"], error["detail"]


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@pytest.mark.parametrize("change", EDITS)
def test_a_template_that_has_ended_can_be_edited(api, change, query):
    path = stored(api, recurrence=PAST)
    answer = api.change(path + query, change)
    assert answer.status_code == 200, answer.content
    if not query:
        [(name, value)] = change.items()
        assert answer.json()[name] == value
        assert answer.json()["recurrence"] == PAST


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@pytest.mark.parametrize(
    "columns",
    [
        {"recurrence": LOST},
        {"recurrence": PAST},
        {"avoid": [uuid4()]},
        {"payload": {"handler": "demo.gone"}},
        {"misfire_grace": 3600, "misfire_window": 60},
    ],
    ids=["zone lost", "ended", "calendar lost", "handler lost", "short window"],
)
def test_whatever_has_become_of_a_template_it_can_be_switched_off(api, columns, query):
    bystander = make_template()
    path = stored(api, **columns)
    answer = api.change(path + query, {"active": False})
    assert answer.status_code == 200, answer.content
    if not query:
        template = Template.objects.get(pk=path.rpartition("/")[2])
        assert not template.active
        for name, value in columns.items():
            assert getattr(template, name) == value
        assert api.change(path, {"name": "Old"}).json()["name"] == "Old"
    bystander.refresh_from_db()
    assert bystander.active


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_what_an_edit_names_is_checked(api, query):
    path = stored(api, recurrence=LOST, payload={"handler": "demo.gone"}, avoid=[uuid4()])
    before = Template.objects.get(pk=path.rpartition("/")[2])
    for change, pointer in (
        ({"recurrence": PAST}, "/recurrence"),
        ({"recurrence": LOST}, "/recurrence/timezone"),
        ({"payload": {"handler": "demo.nothing"}}, "/payload/handler"),
        ({"avoid": [str(uuid4())]}, "/avoid"),
        ({"priority": 11}, "/priority"),
    ):
        told = problem(api.change(path + query, change), 400, "invalid_fields")
        assert pointer in {where for where, _ in pointers(told)}, told
    after = Template.objects.get(pk=before.pk)
    assert vars(after) | {"_state": None} == vars(before) | {"_state": None}


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@pytest.mark.parametrize("field", ["avoid", "keep_to"])
def test_calendars_that_are_named_already_may_be_named_again(api, stranger, field, query):
    """Whoever sends back what was read, with one thing changed, is told of no lost calendar."""
    gone, theirs = uuid4(), make_calendar(merchant=stranger).pk
    bystander = make(api)
    path = stored(api, **{field: [gone, theirs]})
    kept = [str(gone), str(theirs)]
    assert api.read(path).json()[field] == kept
    answer = api.change(path + query, {field: kept, "tags": ["a"]})
    assert answer.status_code == 200, answer.content
    other = {"avoid": "keep_to", "keep_to": "avoid"}[field]
    refused = [{field: [*kept, str(uuid4())]}, {other: [str(gone)]}, {other: [str(theirs)]}]
    for change in refused:
        told = problem(api.change(path + query, change), 400, "invalid_fields")
        assert pointers(told) == {(f"/{next(iter(change))}", "unknown_calendar")}
    template = Template.objects.get(pk=path.rpartition("/")[2])
    assert getattr(template, field) == [gone, theirs]
    assert template.tags == ([] if query else ["a"])
    assert api.read(f"/templates/{bystander['id']}").json() == bystander


def test_a_policy_that_needs_room_is_checked_with_the_stored_recurrence(api, merchant):
    weekend = str(make_calendar(merchant=merchant).pk)
    template = make(api, recurrence=HOURLY, avoid=[weekend])
    path = f"/templates/{template['id']}"
    answer = api.change(path, {"on_closed": "previous_open"})
    assert detail_of(answer)[:2] == ("/on_closed", "too_dense")
    assert api.change(path, {"on_closed": "next_open"}).status_code == 200


def test_a_window_shorter_than_the_grace_is_refused_with_the_remedy(api):
    where, code, detail = detail_of(api.send("/templates", template_body(misfire_window=60)))
    assert (where, code) == ("/misfire_window", "out_of_range")
    assert '"misfire_grace", 300 s' in detail
    where, code, detail = detail_of(
        api.send("/templates", template_body(misfire_grace=86_400, misfire_window=86_399))
    )
    assert where == "/misfire_window"
    template = make(api, misfire_window=300)
    path = f"/templates/{template['id']}"
    where, code, detail = detail_of(api.change(path, {"misfire_grace": 301}))
    assert (where, code) == ("/misfire_grace", "out_of_range")
    assert '"misfire_window", 300 s' in detail
    assert api.change(path, {"misfire_window": 60, "misfire_grace": 30}).status_code == 200


def test_a_short_window_of_old_hinders_no_other_edit(api):
    path = stored(api, misfire_grace=3600, misfire_window=60)
    assert api.change(path, {"name": "Other", "misfire": "run_all"}).status_code == 200
    assert detail_of(api.change(path, {"misfire_window": 61}))[0] == "/misfire_window"


@pytest.mark.parametrize(
    ("fields", "pointer", "code", "begins"),
    [
        ({"description": None}, "/description", "wrong_type", '"description" must be a text'),
        ({"description": "x" * 2001}, "/description", "too_long", '"description" must have at'),
        ({"backoff": True}, "/backoff", "wrong_type", '"backoff" must be an object such as'),
        ({"backoff": []}, "/backoff", "wrong_type", '"backoff" must be'),
        ({"name": None}, "/name", "wrong_type", '"name" must be a text, not null.'),
        ({"name": "  "}, "/name", "required", '"name" is required'),
        ({"name": "x" * 201}, "/name", "too_long", '"name" must have'),
        ({"name": "A\nB"}, "/name", "control_characters", '"name" must not contain'),
        ({"priority": True}, "/priority", "wrong_type", '"priority" must be a whole number'),
        ({"timeout": True}, "/timeout", "wrong_type", '"timeout" must be a number'),
        ({"max_attempts": True}, "/max_attempts", "wrong_type", '"max_attempts" must be a whole'),
        (
            {"misfire_limit": True},
            "/misfire_limit",
            "wrong_type",
            '"misfire_limit" must be a whole',
        ),
        ({"backoff": {"base": True}}, "/backoff/base", "wrong_type", '"base" must be a number'),
    ],
)
def test_a_fault_is_one_sentence_that_names_its_field(api, fields, pointer, code, begins):
    template = make(api)
    for answer in (
        api.send("/templates", template_body(**fields)),
        api.send("/templates/preview", {"recurrence": DAILY, **fields}),
        api.change(f"/templates/{template['id']}?dry_run=true", fields),
    ):
        where, told, detail = detail_of(answer)
        assert (where, told) == (pointer, code)
        assert detail.startswith(begins)
        assert detail.endswith((".", "?"))


def test_a_template_without_a_name_is_told_once(api):
    body = template_body()
    del body["name"]
    assert detail_of(api.send("/templates", body))[:2] == ("/name", "required")


def test_a_dry_run_of_a_paused_template_begins_when_it_resumes(api):
    path = f"/templates/{make(api, recurrence=daily())['id']}"
    until = database_now() + 10 * DAY
    api.send(f"{path}/pause", {"resume_at": until.isoformat()})
    told = api.change(
        f"{path}?dry_run=true",
        {"recurrence": daily(ahead(hours=13))},
    ).json()
    assert len(told["added"]) == len(told["removed"]) == 20
    assert min(run["run_at"] for run in told["added"]) > until.isoformat()[:19]
    api.send(f"{path}/pause", {})
    told = api.change(f"{path}?dry_run=true", {"recurrence": HOURLY}).json()
    assert (told["added"], told["removed"], told["kept"]) == ([], [], 0)


def test_a_dry_run_that_takes_too_much_work_says_up_to_when_it_compared(api, merchant):
    minute = {"hours": {"mo": [["09:00", "09:01"]]}}
    calendar = str(make_calendar(merchant=merchant, definition=minute).pk)
    secondly = {"kind": "cron", "expression": "* * * * * *", "timezone": "UTC"}
    path = f"/templates/{make(api)['id']}"
    told = api.change(
        f"{path}?dry_run=true",
        {"recurrence": secondly, "keep_to": [calendar], "on_closed": "next_business_day"},
    ).json()
    assert told["complete"] is False
    assert told["until"] < (database_now() + 20 * DAY).isoformat()[:19]
