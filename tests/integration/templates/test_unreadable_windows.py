"""A recurring window that cannot be read any more: told, left out, and no burden to any template."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from jobs.models import Job
from templates_app.expander import expand
from templates_app.models import MaintenanceWindow, Template
from templates_app.operations.preview import preview_template
from templates_app.operations.templates import edit_template, pause_template, resume_template
from templates_app.operations.windows import edit_window
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    EXPANSION,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    make_template,
    make_window,
)
from tests.integration.templates.admin_kit import list_url, page_url, words_of
from tests.integration.templates.ticking import (
    expand_all,
    expand_until_calm,
    live,
    nominal,
    planned,
    skipped,
)

pytestmark = pytest.mark.django_db
DUE = NOW + HOUR - 30 * SECOND
# Open from 14:00 to 15:00 every day, by a zone that no tzdata has.
LOST = {"kind": "daily", "times": ["14:00"], "timezone": "Mars/Base"}
FOUND = {**LOST, "timezone": "UTC"}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def bystander(merchant: Merchant) -> Iterator[Template]:
    """A paused template of the same merchant: nothing is planned for it, and nothing noted."""
    template = make_template(merchant=merchant, name="Bystander")
    pause_template(template, {"note": "Later"}, now=NOW, by=somebody("somebody"))
    before = Template.objects.filter(pk=template.pk).values().get()
    yield template
    assert Template.objects.filter(pk=template.pk).values().get() == before
    assert not Job.objects.filter(template_id=template.pk).exists()


def lose_window(merchant: Merchant | None, **fields: Any) -> MaintenanceWindow:
    """Store a recurring window that this release cannot read; without a merchant the platform's."""
    values = {"name": "Nightly", "mode": "hold", "recurrence": LOST, "duration": 3600, **fields}
    return MaintenanceWindow.objects.create(merchant=merchant, **values)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    name = "templates_app.expander.windows_in_force"
    return [one.getMessage() for one in caplog.records if one.name == name]


def assert_untroubled(*templates: Template) -> None:
    for template in templates:
        template.refresh_from_db()
        told = (template.state, template.expansion_failures, template.set_aside_reason)
        assert told == ("active", 0, "")


@pytest.mark.parametrize("owner", ["platform", "merchant", "template"])
def test_templates_are_planned_on_without_the_window(owner: str, merchant: Merchant) -> None:
    ours, theirs = make_template(merchant=merchant), make_template()
    window = lose_window(
        None if owner == "platform" else merchant, template=ours if owner == "template" else None
    )
    step = expand(DUE, EXPANSION)
    assert (step.templates, step.failed) == (2, 0)
    for template in (ours, theirs):
        assert nominal(template) == planned(template) == [NOW + HOUR, NOW + 2 * HOUR]
        assert skipped(template) == []
    assert_untroubled(ours, theirs)
    assert MaintenanceWindow.objects.get() == window


def test_nothing_is_set_aside_however_long_the_window_stays(
    merchant: Merchant, bystander: Template
) -> None:
    lose_window(None, mode="skip")
    template = make_template(merchant=merchant)
    ran = live(NOW, NOW + 4 * HOUR)
    assert ran == [NOW + hours * HOUR for hours in range(1, 5)]
    assert_untroubled(template)


@pytest.mark.parametrize(
    "stored",
    [LOST, {"kind": "lunar"}, [1, 2], "nightly", {"kind": "cron", "expression": None}],
    ids=["a lost zone", "an unknown kind", "a list", "a text", "no expression"],
)
def test_it_does_not_matter_why_the_window_cannot_be_read(stored: Any) -> None:
    lose_window(None, recurrence=stored)
    template = make_template()
    assert expand(DUE, EXPANSION).failed == 0
    assert planned(template) == [NOW + HOUR, NOW + 2 * HOUR]


def test_windows_beside_it_still_hold_and_skip(merchant: Merchant) -> None:
    lose_window(None)
    lose_window(merchant, mode="skip")
    start, end = NOW + HOUR, NOW + HOUR + 10 * MINUTE
    once = make_window(starts_at=start, ends_at=end)
    again = lose_window(
        merchant, mode="skip", recurrence={**FOUND, "times": ["15:00"]}, duration=600
    )
    held, free = make_template(merchant=merchant), make_template(recurrence=cron("30 * * * *"))
    live(NOW, NOW + 3 * HOUR)
    first = Job.objects.get(template_id=held.pk, occurrence_at=start)
    assert end <= first.run_at < end + 10 * MINUTE / 4
    assert first.occurrence_note == f"Held by the maintenance window {once.name}."
    assert nominal(held) == [NOW + HOUR, NOW + 2 * HOUR, NOW + 4 * HOUR]
    assert skipped(held) == [(NOW + 3 * HOUR, NOW + 3 * HOUR, 1)]
    assert planned(free) == nominal(free)
    assert MaintenanceWindow.objects.filter(pk=again.pk, recurrence__timezone="UTC").exists()


def test_a_step_warns_once_by_the_id_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        window, other = lose_window(None, name="Secret move"), lose_window(None)
        templates = [make_template() for _ in range(3)]
        caplog.clear()
        assert expand(DUE, EXPANSION).failed == 0
        first, second = warnings_of(caplog)
        assert str(window.pk) in first
        assert str(other.pk) in second
        assert not any(word in caplog.text for word in ("Secret", "Mars", "Traceback"))

        # The batch breaks, and its templates are expanded one by one.
        caplog.clear()
        Template.objects.filter(pk=templates[0].pk).update(timeout=float("nan"))
        later = DUE + HOUR
        assert expand(later, EXPANSION).failed == 1
        assert [
            str(one.pk) in told
            for one, told in zip((window, other), warnings_of(caplog), strict=True)
        ] == [True, True]

        # Nothing is due: nothing is looked at.
        caplog.clear()
        expand(later + SECOND, EXPANSION)
        assert warnings_of(caplog) == []
    assert_untroubled(*templates[1:])


def test_readable_windows_warn_of_nothing(
    caplog: pytest.LogCaptureFixture, merchant: Merchant
) -> None:
    lose_window(merchant, recurrence=FOUND)
    make_template(merchant=merchant)
    expand(DUE, EXPANSION)
    assert warnings_of(caplog) == []


def test_once_it_can_be_read_again_it_counts_for_what_is_planned_from_then_on(
    merchant: Merchant, bystander: Template
) -> None:
    """As after an update of tzdata that has the zone again, by its old name or a new one."""
    window = lose_window(None)
    template = make_template(merchant=merchant, recurrence=cron("30 * * * *"))
    expand_all(NOW + 30 * MINUTE)
    assert planned(template) == [NOW + 30 * MINUTE, NOW + 90 * MINUTE]
    MaintenanceWindow.objects.filter(pk=window.pk).update(recurrence=FOUND)
    live(NOW + 31 * MINUTE, NOW + 3 * HOUR)
    held = Job.objects.get(template_id=template.pk, occurrence_at=NOW + 2 * HOUR + 30 * MINUTE)
    assert held.run_at >= NOW + 3 * HOUR
    assert held.occurrence_note == "Held by the maintenance window Nightly."
    assert planned(template)[:2] == [NOW + 30 * MINUTE, NOW + 90 * MINUTE]
    assert_untroubled(template)


def test_mending_the_window_plans_again_what_was_planned_without_it(merchant: Merchant) -> None:
    window = lose_window(None)
    template = make_template(merchant=merchant, recurrence=cron("30 14 * * *"))
    elsewhere = make_template(recurrence=cron("30 16 * * *"))
    at = NOW + 2 * HOUR + 30 * MINUTE
    assert planned(template) == [at]
    edit_window(window, {"recurrence": FOUND}, now=NOW)
    expand_until_calm(NOW)
    [run_at] = planned(template)
    assert run_at >= NOW + 3 * HOUR
    assert nominal(template) == [at]
    assert planned(elsewhere) == [NOW + 4 * HOUR + 30 * MINUTE]


def test_a_window_that_is_lost_later_releases_what_it_held_with_the_next_plan(
    merchant: Merchant,
) -> None:
    window = lose_window(merchant, recurrence=FOUND)
    template = make_template(merchant=merchant, recurrence=cron("30 14 * * *"))
    at = NOW + 2 * HOUR + 30 * MINUTE
    assert planned(template) > [NOW + 3 * HOUR]
    MaintenanceWindow.objects.filter(pk=window.pk).update(recurrence=LOST)
    # As after the release that lost the zone: whatever is planned with other data is planned again.
    Template.objects.filter(pk=template.pk).update(replan=True, next_expansion_at=NOW + MINUTE)
    expand_until_calm(NOW + MINUTE)
    assert planned(template) == [at]


def test_a_template_is_created_edited_and_resumed_and_its_preview_names_the_window(
    merchant: Merchant, bystander: Template
) -> None:
    lose_window(None, name="Platform's")
    template = make_template(merchant=merchant)
    lose_window(merchant, name="Ours", template=template)
    lose_window(make_merchant(), name="Theirs")
    template = edit_template(template, {"recurrence": cron("45 * * * *")}, now=NOW)
    assert planned(template) == [NOW + 45 * MINUTE]
    pause_template(template, {}, now=NOW, by=somebody("somebody"))
    template = resume_template(template, now=NOW)
    assert planned(template) == [NOW + 45 * MINUTE]
    found = preview_template(template, count=2, start=NOW)
    assert [run.run_at.hour for run in found.runs] == [12, 13]
    assert [(one.code, one.hint) for one in found.cautions] == [
        ("bad_window", "An operator has to mend it."),
        ("bad_window", "Mend it, or delete it."),
    ]
    platform, ours = found.cautions
    assert platform.message == (
        'The maintenance window "Platform\'s" cannot be read and is left out: '
        '"Mars/Base" is not a time zone.'
    )
    assert '"Ours"' in ours.message


def test_pages_of_the_window_and_of_its_templates_say_that_it_cannot_be_read(
    shop: Merchant, browser: Client, now: datetime, bystander: Template
) -> None:
    window = lose_window(shop)
    template = make_template(merchant=shop, now=now)
    told = 'unreadable: "Mars/Base" is not a time zone.'
    for address in (list_url("maintenancewindow"), page_url("maintenancewindow", window)):
        assert told in words_of(browser.get(address))
    page = words_of(browser.get(page_url("template", template)))
    assert 'The maintenance window "Nightly" cannot be read and is left out' in page
    assert "Mend it, or delete it." in page
