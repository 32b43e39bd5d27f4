"""Messages in plain words, whatever users called their things."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alerts.channels.parcel import Parcel
from alerts.channels.slack import prepare
from alerts.wording import Told, message_of, plain, text_of
from jobs.handlers.http.policy import AddressPolicy

AT = datetime(2026, 6, 1, 14, 0, tzinfo=UTC)


def told(number=1, **fields):
    values = {
        "incident_id": UUID(int=number),
        "subject": f"Report {number}",
        "detail": "http_500: The target answered 500.",
        "count": 1,
        "first_seen": AT,
        "last_seen": AT + timedelta(minutes=5),
        "severity": "error",
    }
    return Told(**{**values, **fields})


def message(event="opened", *incidents, public_url="https://flow.example"):
    return message_of(
        event,
        rule="Failures",
        title="Job failed for good",
        owner="Shop",
        incidents=incidents or [told()],
        public_url=public_url,
    )


def test_one_incident_is_told_with_its_count_its_times_and_the_way_to_it():
    said = message("opened", told(count=10_000, example_job_id=UUID(int=9)))
    assert said["title"] == "Job failed for good: Report 1"
    assert text_of(said) == (
        "Report 1: seen 10,000 times, first at 2026-06-01 14:00:00 UTC, last at "
        "2026-06-01 14:05:00 UTC. http_500: The target answered 500. Example: job "
        f"{UUID(int=9)}.\n\nRule: Failures (Shop)\n"
        f"More: https://flow.example/admin/alerts/incident/{UUID(int=1)}/change/"
    )


def test_several_incidents_are_counted_and_lead_to_the_list():
    said = message("reminder", *[told(number) for number in range(1, 15)])
    assert said["title"] == "Reminder: Job failed for good: 14 subjects"
    assert len(said["facts"]) == 11
    assert said["link"] == "https://flow.example/admin/alerts/incident/"
    assert len(said["incidents"]) == 14


def test_control_characters_and_line_breaks_are_gone():
    said = message("opened", told(subject="a\r\nBcc: b\x00\x1b[31m\u202e", detail="x\n\n\ty"))
    assert said["title"] == "Job failed for good: a Bcc: b [31m"
    assert all("\n" not in fact and "\x1b" not in fact for fact in said["facts"])


def test_long_names_are_cut():
    assert plain("x" * 50, 10) == "xxxxxxxxx…"
    assert len(message("opened", told(subject="y" * 300))["title"]) <= 150


def test_who_resolved_it_is_said():
    assert (
        "Resolved by eva@shop.example."
        in message("recovered", told(resolved_by="eva@shop.example"))["facts"][0]
    )


def test_nobody_is_mentioned_by_what_users_wrote():
    said = {
        "title": "@channel <!here>",
        "facts": ["@everyone"],
        "rule": "",
        "link": "https://flow.example/",
    }
    parcel = Parcel(
        delivery_id=UUID(int=1),
        message=said,
        settings={"url": "https://hooks.example/x"},
        created_at=AT,
        sent_at=AT,
        pagerduty_url="",
    )
    text = json.loads(prepare(parcel, AddressPolicy(())).body or b"")["text"]
    assert "@\u200bchannel &lt;!here&gt;" in text
    assert "@\u200beveryone" in text
    assert "<!" not in text
