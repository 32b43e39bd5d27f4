"""Every answer about templates, calendars and windows has the shape that docs/openapi.yaml tells."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from templates_app.models import SkippedOccurrence, Template
from templates_app.recurrence.parse import parse
from tests.api.kit import http_job
from tests.api.schedules import DAILY, HOURLY, created, ics_of, make, window_body
from tests.factories.templates import NOW

DOCUMENT = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS = DOCUMENT["components"]["schemas"]
EVERYTHING = {
    "holidays": [{"country": "ES", "region": "MD"}, {"market": "XNYS"}],
    "dates": [
        "2026-12-24",
        {"from": "2026-08-01", "to": "2026-08-15", "name": "Summer"},
        {"every_year": "12-31"},
    ],
    "hours": {"mo": [["09:00", "17:30"], ["22:00", "02:00"]]},
    "weekdays": ["sa"],
    "spans": [{"from": "2026-05-01T22:00:00", "to": "2026-05-02T06:00:00", "name": "Move"}],
    "any_of": [{"weekdays": ["su"]}],
    "except": {"dates": ["2026-12-26"]},
}


def hold(name, answer, *, whole=True):
    """Hold an answer against a schema; `whole`: it has every property that the schema names."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)
    if whole:
        assert set(answer) == set(SCHEMAS[name]["properties"])


def test_templates_are_as_documented(api, merchant):
    calendar = created(api.send("/calendars", {"name": "A", "definition": {"weekdays": ["sa"]}}))
    cron = {"kind": "cron", "expression": "0 9 1 * MON", "timezone": "Europe/Madrid"}
    body = make(api, recurrence=cron, avoid=[calendar["id"]], **http_job())
    path = f"/templates/{body['id']}"
    hold("TemplateDetail", body)
    hold("TemplateDetail", api.read(path).json())
    hold("TemplateDetail", api.send(f"{path}/pause", {"note": "x"}).json())
    hold("TemplateDetail", api.send(f"{path}/resume").json())
    hold("PaginatedTemplateList", api.read("/templates").json())
    changed = api.change(f"{path}?dry_run=true", {"recurrence": DAILY}).json()
    hold("EditPreview", changed)
    for edited in (changed, api.change(path, {"recurrence": HOURLY}).json()):
        hold("TemplateEdited", edited, whole=False)
    hold("Preview", api.read(f"{path}/preview").json())
    hold("Preview", api.send("/templates/preview", {"recurrence": cron}).json())
    hold("Job", api.send(f"{path}/run-now").json())
    past = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T03:00:00Z"}
    hold("Backfilled", api.send(f"{path}/backfill", past).json())
    SkippedOccurrence.objects.create(
        merchant=merchant,
        template=Template.objects.get(),
        cause="missed",
        reason="x",
        first_at=NOW,
        last_at=NOW,
    )
    hold("TemplateSkipped", api.read(f"{path}/skipped").json())


def test_calendars_are_as_documented(api):
    body = created(api.send("/calendars", {"name": "A", "definition": EVERYTHING}))
    hold("Calendar", body)
    hold("CalendarDefinition", EVERYTHING, whole=False)
    hold("PaginatedCalendarList", api.read("/calendars").json())
    days = api.read(f"/calendars/{body['id']}/days?from=2026-01-01&to=2026-12-31").json()
    hold("CalendarDays", days)
    assert len(days["days"]) > 100
    hold("Calendar", created(api.send("/calendars/import", {"name": "B", "ics": ics_of()})))


def test_windows_are_as_documented(api):
    hold("Window", created(api.send("/maintenance-windows", window_body())))
    again = window_body(recurrence=DAILY, duration=600, release_over=60)
    hold("Window", created(api.send("/maintenance-windows", again)))
    hold("PaginatedWindowList", api.read("/maintenance-windows").json())


KINDS = [
    schema
    for name, schema in SCHEMAS.items()
    if name.endswith("Recurrence") and name != "Recurrence"
]


@pytest.mark.parametrize("schema", KINDS, ids=lambda one: one["properties"]["kind"]["const"])
def test_the_example_of_each_kind_is_taken_and_shown_as_documented(schema):
    [example] = schema["examples"]
    hold("Recurrence", example, whole=False)
    canonical = parse(example, seed="x").document
    hold("Recurrence", canonical, whole=False)
    bounded = {**example, "starts_at": "1990-01-01T00:00:00", "ends_at": "2040-01-01T00:00:00"}
    hold("Recurrence", parse(bounded, seed="x").document, whole=False)


def test_there_is_an_example_of_every_kind():
    assert len(KINDS) == 10


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "cron"}, {"kind": "sometimes", "timezone": "UTC"}, {**HOURLY, "expresion": "x"}, []],
)
def test_what_is_refused_is_not_in_the_document(api, wrong):
    with pytest.raises(jsonschema.ValidationError):
        hold("Recurrence", wrong, whole=False)
    assert api.send("/templates/preview", {"recurrence": wrong}).status_code == 400
