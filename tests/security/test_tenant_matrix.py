"""Every operation of the OpenAPI document, called with another merchant's key.

What a stranger finds of merchant A is a 404, a 403, an empty list or a count of nothing; and after
the walk every row of A is as it was. An operation that is not in the matrix fails the test.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core import serializers

from alerts.models import (
    Channel,
    Delivery,
    EscalationPolicy,
    Incident,
    Rule,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from apikeys.scopes import Scope
from jobs.models import (
    Breaker,
    DeadLetter,
    Execution,
    Flow,
    IdempotencyRecord,
    Job,
    Redrive,
)
from jobs.operations import redrives
from templates_app.models import Calendar, MaintenanceWindow, SkippedOccurrence, Template
from tenants.models import AuditEntry
from tests.api.kit import client_of, http_job, noop
from tests.api.schedules import HOURLY, WEEKEND, ics_of, template_body, window_body
from tests.factories.actors import somebody
from tests.factories.alerts import (
    make_channel,
    make_delivery,
    make_incident,
    make_policy,
    make_rule,
)
from tests.factories.flows import make_breaker, make_flow
from tests.factories.jobs import NOW, make_job
from tests.factories.templates import make_calendar, make_template, make_window
from tests.factories.tenants import make_merchant
from tests.factories.webhooks import make_delivery as make_webhook_delivery
from tests.factories.webhooks import make_endpoint

DOCUMENT = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text(encoding="utf-8")
)
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
HIDDEN = "hidden"  # names A's object in its path: 404, and the same 404 as for a missing id
EMPTY = "empty"  # a list without A's objects, whatever filter names them
NOTHING = "nothing"  # a bulk verb that names A's objects: counts none
OWN = "own"  # creates, or draws up, something of the stranger's own

MATRIX = {
    "audit_list": EMPTY,
    "dead_letters_list": EMPTY,
    "dead_letters_retrieve": HIDDEN,
    "dead_letters_discard": HIDDEN,
    "dead_letters_redrive": HIDDEN,
    "dead_letters_discard_many": NOTHING,
    "dead_letters_groups": EMPTY,
    "dead_letters_redrive_many": NOTHING,
    "dead_letters_diff": HIDDEN,
    "redrives_list": EMPTY,
    "redrives_create": OWN,
    "redrives_dry_run": OWN,
    "redrives_retrieve": HIDDEN,
    "redrives_stop": HIDDEN,
    "redrives_resume": HIDDEN,
    "executions_list": EMPTY,
    "breakers_list": EMPTY,
    "breakers_reset": HIDDEN,
    "flows_list": EMPTY,
    "flows_create": OWN,
    "flows_retrieve": HIDDEN,
    "flows_edit": HIDDEN,
    "flows_delete": HIDDEN,
    "flows_pause": HIDDEN,
    "flows_resume": HIDDEN,
    "executions_retrieve": HIDDEN,
    "jobs_list": EMPTY,
    "jobs_create": OWN,
    "jobs_retrieve": HIDDEN,
    "jobs_edit": HIDDEN,
    "jobs_cancel": HIDDEN,
    "jobs_executions": HIDDEN,
    "jobs_graph": HIDDEN,
    "jobs_retry": HIDDEN,
    "jobs_run_now": HIDDEN,
    "jobs_create_batch": OWN,
    "calendars_list": EMPTY,
    "calendars_create": OWN,
    "calendars_import": OWN,
    "calendars_import_again": HIDDEN,
    "calendars_retrieve": HIDDEN,
    "calendars_days": HIDDEN,
    "calendars_edit": HIDDEN,
    "calendars_delete": HIDDEN,
    "maintenance_windows_list": EMPTY,
    "maintenance_windows_create": OWN,
    "maintenance_windows_retrieve": HIDDEN,
    "maintenance_windows_edit": HIDDEN,
    "maintenance_windows_delete": HIDDEN,
    "templates_list": EMPTY,
    "templates_create": OWN,
    "templates_retrieve": HIDDEN,
    "templates_edit": HIDDEN,
    "templates_delete": HIDDEN,
    "templates_pause": HIDDEN,
    "templates_resume": HIDDEN,
    "templates_run_now": HIDDEN,
    "templates_backfill": HIDDEN,
    "templates_preview": HIDDEN,
    "templates_preview_draft": OWN,
    "templates_skipped": HIDDEN,
    "webhook_endpoints_list": EMPTY,
    "webhook_endpoints_create": OWN,
    "webhook_endpoints_retrieve": HIDDEN,
    "webhook_endpoints_edit": HIDDEN,
    "webhook_endpoints_delete": HIDDEN,
    "webhook_endpoints_enable": HIDDEN,
    "webhook_endpoints_redeliver": HIDDEN,
    "webhook_endpoints_rotate_secret": HIDDEN,
    "webhook_endpoints_test": HIDDEN,
    "webhook_deliveries_list": EMPTY,
    "webhook_deliveries_retrieve": HIDDEN,
    "webhook_deliveries_redeliver": HIDDEN,
    "webhook_events_list": EMPTY,
    "webhook_events_retrieve": HIDDEN,
    "alert_channels_list": EMPTY,
    "alert_channels_create": OWN,
    "alert_channels_retrieve": HIDDEN,
    "alert_channels_edit": HIDDEN,
    "alert_channels_delete": HIDDEN,
    "alert_channels_test": HIDDEN,
    "alert_policies_list": EMPTY,
    "alert_policies_create": OWN,
    "alert_policies_retrieve": HIDDEN,
    "alert_policies_edit": HIDDEN,
    "alert_policies_delete": HIDDEN,
    "alert_rules_list": EMPTY,
    "alert_rules_create": OWN,
    "alert_rules_retrieve": HIDDEN,
    "alert_rules_edit": HIDDEN,
    "alert_rules_delete": HIDDEN,
    "alert_deliveries_list": EMPTY,
    "alert_deliveries_retrieve": HIDDEN,
    "incidents_list": EMPTY,
    "incidents_retrieve": HIDDEN,
    "incidents_acknowledge": HIDDEN,
    "incidents_snooze": HIDDEN,
    "incidents_resolve": HIDDEN,
}
# Sent like something that writes; it stores nothing, and a reading key may.
DRAWS_UP = {"templates_preview_draft", "redrives_dry_run", "dead_letters_diff"}
BODIES = {
    "jobs_edit": {"priority": 1},
    "flows_edit": {"most_active": 1},
    "calendars_edit": {"name": "mine now"},
    "calendars_import_again": {"ics": "BEGIN:VCALENDAR"},
    "maintenance_windows_edit": {"name": "mine now"},
    "templates_edit": {"active": False},
    "webhook_endpoints_edit": {"active": False},
    "webhook_endpoints_redeliver": {"since": "2026-05-01T00:00:00Z"},
    "templates_backfill": {"from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z"},
    "dead_letters_redrive": {"payload": {"handler": "demo.noop"}},
    "dead_letters_discard": {"reason": "mine now"},
    "alert_channels_edit": {"name": "mine now"},
    "alert_policies_edit": {"name": "mine now"},
    "alert_rules_edit": {"name": "mine now"},
    "incidents_snooze": {"minutes": 5},
    "dead_letters_diff": {"payload": {"handler": "demo.noop"}},
    "redrives_stop": {"reason": "mine now"},
}


OWNED = (
    Job,
    Execution,
    DeadLetter,
    Flow,
    Breaker,
    IdempotencyRecord,
    Template,
    Calendar,
    MaintenanceWindow,
    SkippedOccurrence,
    AuditEntry,
    WebhookEndpoint,
    WebhookEvent,
    WebhookDelivery,
    Channel,
    EscalationPolicy,
    Rule,
    Incident,
    Delivery,
    Redrive,
)


class Belongings:
    """One merchant with a job in every status, their attempts and a dead letter; a template with
    its calendar, window and an occurrence that did not run."""

    def __init__(self):
        self.merchant = make_merchant()
        statuses = ("blocked", "scheduled", "queued", "running", "retryable")
        ended = ("succeeded", "failed", "cancelled", "skipped")
        self.jobs = [
            make_job(merchant=self.merchant, status=status, name="A-secret", tags=["A-tag"])
            for status in (*statuses, *ended)
        ]
        self.executions = [
            Execution.objects.create(
                job=job,
                merchant=self.merchant,
                number=1,
                outcome="failed",
                scheduled_at=NOW,
                started_at=NOW,
                finished_at=NOW,
            )
            for job in self.jobs
        ]
        self.letters = list(DeadLetter.objects.of(self.merchant))
        self.calendar = make_calendar(merchant=self.merchant, name="A-secret")
        self.template = make_template(
            merchant=self.merchant, name="A-secret", tags=["A-tag"], avoid=[str(self.calendar.pk)]
        )
        self.breaker = make_breaker(merchant=self.merchant, handler="a.example")
        self.redrive = redrives.begin(
            {"ids": [str(self.letters[0].pk)]}, merchant=self.merchant, now=NOW, by=somebody()
        )
        self.flow = make_flow(merchant=self.merchant, scope="kind", name="http", most_active=9)
        self.window = make_window(
            merchant=self.merchant,
            template=self.template,
            starts_at=NOW,
            ends_at=NOW + timedelta(1),
        )
        SkippedOccurrence.objects.create(
            merchant=self.merchant,
            template=self.template,
            cause="missed",
            reason="A-secret",
            first_at=NOW,
            last_at=NOW,
        )
        self.endpoint = make_endpoint(self.merchant, description="A-secret")
        self.webhook_delivery = make_webhook_delivery(self.endpoint)
        self.channel = make_channel(merchant=self.merchant, name="A-secret")
        self.policy = make_policy((0, [self.channel]), merchant=self.merchant, name="A-secret")
        self.rule = make_rule(merchant=self.merchant, policy=self.policy, name="A-secret")
        self.incident = make_incident(self.rule, subject="A-secret")
        self.delivery = make_delivery(self.channel, self.incident)
        client_of(self.merchant).send("/jobs", noop(), **{"Idempotency-Key": "shared"})

    def ids_for(self, path):
        rows: dict[str, list[Any]] = {
            "executions": self.executions,
            "dead-letters": self.letters,
            "templates": [self.template],
            "calendars": [self.calendar],
            "maintenance-windows": [self.window],
            "flows": [self.flow],
            "breakers": [self.breaker],
            "redrives": [self.redrive],
            "audit": list(AuditEntry.objects.of(self.merchant)),
            "webhook-endpoints": [self.endpoint],
            "webhook-deliveries": [self.webhook_delivery],
            "webhook-events": [self.webhook_delivery.event],
            "alert-channels": [self.channel],
            "alert-policies": [self.policy],
            "alert-rules": [self.rule],
            "alert-deliveries": [self.delivery],
            "incidents": [self.incident],
            "jobs": self.jobs,
        }
        return [row.pk for row in rows[path.removeprefix("/api/v1/").split("/")[0]]]

    def snapshot(self):
        return [
            serializers.serialize(
                "json", model.objects.filter(merchant=self.merchant).order_by("pk")
            )
            for model in OWNED
        ]


@pytest.fixture
def owner(db):
    return Belongings()


@pytest.fixture
def stranger(db):
    return client_of(make_merchant())


def filters_for(owner):
    """Return queries that name what belongs to the owner."""
    job, letter, attempt = owner.jobs[0], owner.letters[0], owner.executions[0]
    return {
        "jobs_list": ["", f"?q={job.pk}", "?q=A-secret", "?tag=A-tag", "?status=running"],
        "executions_list": ["", f"?job={job.pk}", "?outcome=failed", f"?job={attempt.job_id}"],
        "dead_letters_list": ["", f"?job={letter.job_id}", f"?fingerprint={letter.fingerprint}"],
        "dead_letters_groups": ["", f"?fingerprint={letter.fingerprint}"],
        "breakers_list": [""],
        # The stranger has entries of its own: its key was issued.
        "redrives_list": [""],
        "audit_list": [f"?object_id={owner.template.pk}", "?object_type=template"],
        "flows_list": [""],
        "alert_channels_list": [""],
        "alert_policies_list": [""],
        "alert_rules_list": [""],
        "alert_deliveries_list": [
            "",
            f"?incident={owner.incident.pk}",
            f"?channel={owner.channel.pk}",
        ],
        "incidents_list": ["", f"?rule={owner.rule.pk}", "?state=open"],
        "calendars_list": ["", "?q=A-secret", "?owner=merchant"],
        "maintenance_windows_list": ["", f"?template={owner.template.pk}", "?owner=merchant"],
        "templates_list": [
            "",
            f"?q={owner.template.pk}",
            "?q=A-secret",
            "?tag=A-tag",
            f"?calendar={owner.calendar.pk}",
        ],
        "webhook_endpoints_list": [""],
        "webhook_deliveries_list": ["", f"?endpoint={owner.endpoint.pk}", "?state=waiting"],
        "webhook_events_list": ["", "?type=job.failed"],
    }


def own_body(name, stranger):
    """Return what a merchant sends to make something of its own."""
    if name == "alert_policies_create":
        channel = stranger.send("/alert-channels", own_body("alert_channels_create", stranger))
        steps = [{"after": 0, "channels": [channel.json()["id"]]}]
        return {"name": "Mine", "steps": steps}
    bodies: dict[str, dict[str, Any]] = {
        "jobs_create": http_job(),
        "jobs_create_batch": {"jobs": [http_job()]},
        "redrives_create": {"filter": {"kind": "python"}, "rate": 5},
        "redrives_dry_run": {"filter": {"kind": "python"}},
        "flows_create": {"scope": "merchant", "most_active": 5},
        "templates_create": template_body(),
        "templates_preview_draft": {"recurrence": HOURLY},
        "calendars_create": {"name": "Mine", "definition": WEEKEND},
        "calendars_import": {"name": "Mine", "ics": ics_of()},
        "maintenance_windows_create": window_body(),
        "webhook_endpoints_create": {"url": "https://mine.example/", "events": ["job.*"]},
        "alert_channels_create": {
            "name": "Mine",
            "kind": "email",
            "addresses": ["me@shop.example"],
        },
        "alert_rules_create": {"name": "Mine", "kind": "job_failed"},
    }
    return bodies[name]


def bodies_naming(name, owner, stranger):
    """Return bodies that name the owner, or something that belongs to it."""
    body = own_body(name, stranger)
    fields = {"merchant": str(owner.merchant.pk), "id": str(owner.jobs[0].pk)}
    calendar = [str(owner.calendar.pk)]
    reached: dict[str, tuple[dict[str, Any], ...]] = {
        "templates_create": ({"avoid": calendar}, {"keep_to": calendar}),
        "templates_preview_draft": ({"avoid": calendar}, {"keep_to": calendar}),
        "calendars_create": ({"includes": calendar},),
        "maintenance_windows_create": ({"template_id": str(owner.template.pk)},),
        "webhook_endpoints_create": ({"template_id": str(owner.template.pk)},),
        "alert_policies_create": ({"steps": [{"after": 0, "channels": [str(owner.channel.pk)]}]},),
        "alert_rules_create": (
            {"policy_id": str(owner.policy.pk)},
            {"template_id": str(owner.template.pk)},
        ),
    }
    changes = [*({field: value} for field, value in fields.items()), *reached.get(name, ())]
    if "jobs" in body:
        return [{"jobs": [{**body["jobs"][0], **change}]} for change in changes]
    return [{**body, **change} for change in changes]


def test_every_operation_has_a_place_in_the_matrix():
    assert set(MATRIX) == set(OPERATIONS)
    hidden = {name for name, (_, path) in OPERATIONS.items() if "{id}" in path}
    assert hidden == {name for name, kind in MATRIX.items() if kind == HIDDEN}


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == HIDDEN])
def test_another_merchants_object_looks_like_a_missing_one(owner, stranger, name):
    method, path = OPERATIONS[name]
    before = owner.snapshot()
    missing = stranger.call(
        method, path.replace("{id}", str(owner.merchant.pk)), BODIES.get(name)
    ).json()
    for pk in owner.ids_for(path):
        answer = stranger.call(method, path.replace("{id}", str(pk)), BODIES.get(name))
        assert answer.status_code == 404, (name, answer.content)
        assert {**answer.json(), "instance": ""} == {**missing, "instance": ""}
    assert owner.snapshot() == before


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == EMPTY])
def test_another_merchants_objects_are_in_no_list(owner, stranger, name):
    _, path = OPERATIONS[name]
    for query in filters_for(owner)[name]:
        answer = stranger.call("GET", path + query)
        assert answer.status_code == 200, answer.content
        assert answer.json()["results"] == [], (name, query)


def test_another_merchants_cursor_shows_nothing_of_it(owner, stranger):
    page = client_of(owner.merchant).read("/jobs?page_size=2").json()
    answer = stranger.read(page["next"].removeprefix("http://testserver"))
    assert answer.json()["results"] == []


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == NOTHING])
def test_bulk_verbs_do_not_reach_another_merchants_objects(owner, stranger, name):
    _, path = OPERATIONS[name]
    before = owner.snapshot()
    letter = owner.letters[0]
    choices = [
        {"ids": [str(letter.pk)]},
        {"filter": {"fingerprint": letter.fingerprint}},
        {"filter": {"created_after": "2020-01-01T00:00:00Z"}},
    ]
    for choice in choices:
        answer = stranger.call("POST", path, choice)
        assert answer.status_code == 200, answer.content
        assert {value for value in answer.json().values() if value is not False} == {0}
    assert owner.snapshot() == before


@pytest.mark.parametrize("name", [name for name, kind in MATRIX.items() if kind == OWN])
def test_what_a_stranger_creates_is_its_own(owner, stranger, name):
    _, path = OPERATIONS[name]
    before = owner.snapshot()
    for body in bodies_naming(name, owner, stranger):
        refused = stranger.call("POST", path, body)
        assert refused.status_code == 400, (body, refused.content)
    answer = stranger.call("POST", path, own_body(name, stranger), **{"Idempotency-Key": "shared"})
    assert answer.status_code == (200 if name in DRAWS_UP else 201), answer.content
    assert "Idempotent-Replayed" not in answer
    assert owner.snapshot() == before


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_key_without_the_scope_is_refused(owner, name):
    method, path = OPERATIONS[name]
    nothing = client_of(owner.merchant, scopes=[Scope.METRICS_READ])
    for pk in owner.ids_for(path)[:1]:
        answer = nothing.call(method, path.replace("{id}", str(pk)), BODIES.get(name))
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    anonymous = type(nothing)()
    assert anonymous.call(method, path).status_code == 401


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_reading_keys_cannot_write(owner, name):
    method, path = OPERATIONS[name]
    reader = client_of(
        owner.merchant,
        scopes=[
            Scope.JOBS_READ,
            Scope.DEADLETTERS_READ,
            Scope.TEMPLATES_READ,
            Scope.WEBHOOKS_READ,
            Scope.ALERTS_READ,
            Scope.AUDIT_READ,
        ],
    )
    before = owner.snapshot()
    answer = reader.call(
        method, path.replace("{id}", str(owner.ids_for(path)[0])), BODIES.get(name)
    )
    writes = method != "GET" and name not in DRAWS_UP
    assert (answer.status_code == 403) == writes, answer.content
    assert owner.snapshot() == before
