"""A template that cannot be expanded: tried again, set aside with its reason, no burden to others."""

from typing import Any

import pytest

from jobs.handlers import python_plugins
from jobs.models import Job
from templates_app.expander import expand
from templates_app.models import Calendar, Template
from templates_app.operations.templates import edit_template, resume_template
from tests.factories.jobs import make_merchant
from tests.factories.templates import (
    EXPANSION,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    every,
    make_calendar,
    make_template,
)
from tests.integration.templates.ticking import counted_statements, expand_all, nominal

pytestmark = pytest.mark.django_db
DUE = NOW + HOUR - 30 * SECOND


def damage(template: Template, **columns: Any) -> None:
    """Write what no operation would."""
    Template.objects.filter(pk=template.pk).update(**columns)


def try_thrice() -> None:
    for attempt in range(3):
        expand_all(DUE + attempt * 30 * SECOND)


DAMAGES: dict[str, dict[str, Any]] = {
    "a recurrence of an unknown kind": {"recurrence": {"kind": "lunar"}},
    "a recurrence that is a list": {"recurrence": [1, 2]},
    "a recurrence that is a text": {"recurrence": "hourly"},
    "a recurrence that is null": {"recurrence": {"kind": "cron", "expression": None}},
    "a payload that is a list": {"payload": [1]},
    "a placeholder that nobody knows": {"payload": {"handler": "{{ wibble }}"}},
    "a rendered payload that no longer fits": {
        "payload": {"handler": "demo.sleep", "arguments": {"seconds": "{{ template.name }}"}}
    },
    "a handler that vanished": {
        "payload": {"handler": "gone.away", "arguments": {"at": "{{ occurrence }}"}}
    },
    "a kind that vanished": {"kind": "carrier-pigeon"},
    "a policy that vanished": {"on_closed": "sometimes"},
    "a number that is none, which breaks the insert": {"timeout": float("nan")},
    "an infinite number, which breaks the insert": {"timeout": float("inf")},
    "a timeout beyond what a job may have": {"timeout": 1e12},
}


@pytest.mark.parametrize("columns", DAMAGES.values(), ids=DAMAGES)
def test_damaged_template_is_set_aside_after_three_tries_and_others_go_on(
    columns: dict[str, Any],
) -> None:
    broken, *others = [make_template() for _ in range(5)]
    damage(broken, **columns)
    first = expand(DUE, EXPANSION)
    assert (first.templates, first.failed) == (4, 1)
    assert [nominal(other) for other in others] == [[NOW + HOUR, NOW + 2 * HOUR]] * 4
    broken.refresh_from_db()
    assert (broken.state, broken.expansion_failures) == ("active", 1)
    assert broken.next_expansion_at == DUE + 30 * SECOND

    expand_all(DUE + 30 * SECOND)
    expand_all(DUE + 60 * SECOND)
    broken.refresh_from_db()
    assert (broken.state, broken.set_aside_at) == ("set_aside", DUE + 60 * SECOND)
    assert broken.set_aside_reason
    assert nominal(broken) == [NOW + HOUR]
    for other in others:
        other.refresh_from_db()
        assert (other.state, other.expansion_failures, other.set_aside_reason) == ("active", 0, "")


def test_set_aside_template_is_left_alone() -> None:
    broken = make_template()
    damage(broken, recurrence={"kind": "lunar"})
    try_thrice()
    for minutes in range(10):
        assert expand(DUE + HOUR + minutes * MINUTE, EXPANSION).failed == 0


def test_template_that_recovers_forgets_its_failures() -> None:
    template = make_template()
    damage(template, recurrence={"kind": "lunar"})
    expand_all(DUE)
    damage(template, recurrence=every(1, "hours"))
    expand_all(DUE + 30 * SECOND)
    template.refresh_from_db()
    assert (template.state, template.expansion_failures) == ("active", 0)
    assert template.set_aside_reason == ""
    assert nominal(template) == [NOW + HOUR, NOW + 2 * HOUR]


def test_resume_tries_a_template_again_that_was_set_aside() -> None:
    template = make_template()
    damage(template, recurrence={"kind": "lunar"})
    try_thrice()
    damage(template, recurrence=every(1, "hours"))
    template.refresh_from_db()
    resumed = resume_template(template, now=NOW + 2 * HOUR)
    assert (resumed.state, resumed.expansion_failures, resumed.set_aside_reason) == (
        "active",
        0,
        "",
    )
    assert NOW + 3 * HOUR in nominal(template)


def test_edit_tries_a_template_again_that_was_set_aside() -> None:
    template = make_template()
    damage(template, recurrence={"kind": "lunar"})
    try_thrice()
    template.refresh_from_db()
    edited = edit_template(template, {"recurrence": cron("30 * * * *")}, now=NOW + 2 * HOUR)
    assert edited.state == "active"
    assert nominal(template)[-1] == NOW + 2 * HOUR + 30 * MINUTE


def test_many_that_fail_cost_no_more_statements_than_a_few() -> None:
    templates = [make_template() for _ in range(30)]
    Template.objects.filter(pk__in=[one.pk for one in templates[:3]]).update(
        recurrence={"kind": "lunar"}
    )
    costs: list[int] = []
    for now, failing in ((DUE, 3), (DUE + 15 * SECOND, 30)):
        with counted_statements() as sent:
            assert expand(now, EXPANSION).failed == failing
        costs.append(len(sent))
        Template.objects.update(
            recurrence={"kind": "lunar"}, next_expansion_at=now, expansion_failures=0
        )
    assert costs[0] >= costs[1]


def test_broken_calendar_fails_only_the_templates_that_use_it() -> None:
    merchant = make_merchant()
    calendar = make_calendar(merchant=merchant)
    user = make_template(merchant=merchant, avoid=[str(calendar.id)])
    neighbour = make_template(merchant=merchant)
    Calendar.objects.update(definition={"phases": ["full moon"]})
    step = expand(DUE, EXPANSION)
    assert (step.templates, step.failed) == (1, 1)
    assert nominal(neighbour) == [NOW + HOUR, NOW + 2 * HOUR]
    user.refresh_from_db()
    assert user.expansion_failures == 1


def test_plain_payload_of_a_vanished_handler_becomes_a_job_that_fails_for_itself() -> None:
    """The handler may well exist in the worker's process: the job says what is wrong, if it is."""
    assert "gone.away" not in python_plugins.known_handlers()
    template = make_template()
    damage(template, payload={"handler": "gone.away"})
    assert expand(DUE, EXPANSION).failed == 0
    job = Job.objects.get(template_id=template.id, occurrence_at=NOW + 2 * HOUR)
    assert (job.handler, job.lane) == ("gone.away", "process")
