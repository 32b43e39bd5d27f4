"""GET /audit: what keys did, with whom, from where, and what changed; one's own merchant's only."""

from datetime import timedelta

import pytest

from alerts.models import Rule
from tenants.clock import database_now
from tenants.models import AuditEntry
from tests.api.kit import http_job, problem
from tests.api.schedules import WEEKEND, template_body, window_body
from tests.factories.alerts import make_incident
from tests.factories.flows import make_breaker
from tests.factories.jobs import make_job


def entries(api, query=""):
    return api.read(f"/audit{query}").json()["results"]


def test_an_entry_says_who_from_where_what_and_to_what(api, merchant):
    job = make_job(merchant=merchant)
    api.send(f"/jobs/{job.pk}/cancel")
    [entry] = entries(api, f"?object_id={job.pk}")
    assert (entry["verb"], entry["object_type"], entry["actor"]["kind"]) == (
        "cancel",
        "job",
        "api_key",
    )
    assert entry["actor"]["address"] == "127.0.0.1"
    assert entry["actor"]["name"].startswith("key ")
    assert (entry["before"]["status"], entry["after"]["status"]) == ("scheduled", "cancelled")


def verbs_of(api, object_type):
    return [entry["verb"] for entry in entries(api, f"?object_type={object_type}")][::-1]


def test_every_verb_of_a_job_is_told(api, merchant):
    made = api.send("/jobs", {**http_job(), "delay": 3600}).json()["id"]
    api.call("PATCH", f"/api/v1/jobs/{made}", {"priority": 7, "payload": http_job()["payload"]})
    api.send(f"/jobs/{made}/run-now")
    api.send(f"/jobs/{made}/cancel")
    api.send(f"/jobs/{made}/retry")
    assert verbs_of(api, "job") == ["edit", "run_now", "cancel", "retry"]


def test_every_verb_of_a_template_is_told(api):
    made = api.send("/templates", template_body()).json()["id"]
    api.call("PATCH", f"/api/v1/templates/{made}", {"name": "Other"})
    api.send(f"/templates/{made}/pause", {"note": "away"})
    api.send(f"/templates/{made}/resume")
    api.send(f"/templates/{made}/run-now")
    past = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T02:00:00Z"}
    api.send(f"/templates/{made}/backfill", past)
    api.call("DELETE", f"/api/v1/templates/{made}")
    expected = ["create", "edit", "pause", "resume", "run_now", "backfill", "delete"]
    assert verbs_of(api, "template") == expected


def test_every_verb_of_a_flow_rule_and_a_breaker_is_told(api, merchant):
    made = api.send("/flows", {"scope": "merchant", "most_active": 5}).json()["id"]
    api.call("PATCH", f"/api/v1/flows/{made}", {"most_active": 6})
    api.send(f"/flows/{made}/pause")
    api.send(f"/flows/{made}/resume")
    api.call("DELETE", f"/api/v1/flows/{made}")
    assert verbs_of(api, "flow_rule") == ["create", "edit", "pause", "resume", "delete"]
    api.send(f"/breakers/{make_breaker(merchant=merchant, handler='a.example').pk}/reset")
    assert verbs_of(api, "breaker") == ["reset"]


def test_every_verb_of_a_calendar_and_a_window_is_told(api):
    made = api.send("/calendars", {"name": "Closed", "definition": WEEKEND}).json()["id"]
    api.call("PATCH", f"/api/v1/calendars/{made}", {"name": "Shut"})
    api.call("DELETE", f"/api/v1/calendars/{made}")
    assert verbs_of(api, "calendar") == ["create", "edit", "delete"]
    made = api.send("/maintenance-windows", window_body()).json()["id"]
    api.call("PATCH", f"/api/v1/maintenance-windows/{made}", {"name": "Move"})
    api.call("DELETE", f"/api/v1/maintenance-windows/{made}")
    assert verbs_of(api, "maintenance_window") == ["create", "edit", "delete"]


def test_creating_jobs_is_no_act_that_is_told(api):
    count = AuditEntry.objects.count()
    api.send("/jobs", http_job())
    assert AuditEntry.objects.count() == count


def test_another_merchants_entries_are_not_there(api, stranger_api, merchant):
    api.send(f"/jobs/{make_job(merchant=merchant).pk}/cancel")
    assert "cancel" not in {entry["verb"] for entry in entries(stranger_api)}


@pytest.mark.parametrize("query", ["?actor=x", "?after=yesterday"])
def test_a_filter_that_cannot_be_read_is_refused(api, query):
    problem(api.read(f"/audit{query}"), 400, "invalid_parameters")


def test_every_verb_of_alerts_is_told_and_no_secret(api, merchant):
    secret = "whsec_" + "A" * 44
    address = "https://hooks.example/in?token=t0ken"
    body = {"name": "Ours", "kind": "webhook", "url": address, "secret": secret}
    channel = api.send("/alert-channels", body).json()["id"]
    api.call("PATCH", f"/api/v1/alert-channels/{channel}", {"name": "Theirs"})
    api.send(f"/alert-channels/{channel}/test")
    steps = [{"after": 0, "channels": [channel]}]
    policy = api.send("/alert-policies", {"name": "First", "steps": steps}).json()["id"]
    rule = api.send("/alert-rules", {"name": "Any", "kind": "job_failed"}).json()["id"]
    api.call("PATCH", f"/api/v1/alert-rules/{rule}", {"policy_id": policy})
    incident = make_incident(Rule.objects.get(pk=rule)).pk
    api.send(f"/incidents/{incident}/acknowledge", {"note": "mine"})
    api.send(f"/incidents/{incident}/snooze", {"minutes": 5})
    api.send(f"/incidents/{incident}/resolve")
    api.call("DELETE", f"/api/v1/alert-rules/{rule}")
    api.call("DELETE", f"/api/v1/alert-policies/{policy}")
    api.call("DELETE", f"/api/v1/alert-channels/{channel}")

    assert verbs_of(api, "alert_channel") == ["create", "edit", "test", "delete"]
    assert verbs_of(api, "escalation_policy") == ["create", "delete"]
    assert verbs_of(api, "alert_rule") == ["create", "edit", "delete"]
    assert verbs_of(api, "incident") == ["acknowledge", "snooze", "resolve"]
    told = str(entries(api))
    assert secret not in told
    assert "t0ken" not in told


def test_every_verb_of_a_webhook_endpoint_is_told_and_no_secret(api):
    body = {"url": "https://hooks.example/in?token=t0ken", "events": ["job.failed"]}
    made = api.send("/webhook-endpoints", body).json()
    path = f"/webhook-endpoints/{made['id']}"
    api.call("PATCH", f"/api/v1{path}", {"active": False})
    api.send(f"{path}/enable")
    test = api.send(f"{path}/test").json()["id"]
    api.send(f"{path}/rotate-secret")
    api.send(f"/webhook-deliveries/{test}/redeliver")
    since = {"since": (database_now() - timedelta(hours=1)).isoformat()}
    api.send(f"{path}/redeliver", since)
    api.call("DELETE", f"/api/v1{path}")

    expected = ["create", "edit", "enable", "test", "rotate", "redeliver", "redeliver", "delete"]
    assert verbs_of(api, "webhook_endpoint") == expected
    told = str(entries(api))
    assert made["secret"] not in told
    assert "t0ken" not in told
