"""Previews and dry runs say what the jobs will be, also of what began before they were asked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from templates_app.models import Template
from templates_app.operations.dry_run import preview_edit
from templates_app.operations.preview import preview_template
from templates_app.operations.templates import edit_template, pause_template
from tests.factories.actors import somebody
from tests.factories.templates import (
    DAY,
    HOUR,
    HOURLY,
    MINUTE,
    june,
    make_avoiding_template,
    make_template,
    make_window,
)
from tests.integration.templates.ticking import expand_until_calm, live, planned

pytestmark = pytest.mark.django_db
NINE = {"kind": "daily", "times": ["09:00"], "timezone": "UTC"}
SUNDAYS = {"kind": "weekly", "weekdays": ["su"], "times": ["09:00"], "timezone": "UTC"}


def on_weekdays(**fields: Any) -> Template:
    return make_avoiding_template(**{"on_closed": "next_business_day", **fields})


def previewed(template: Template, start: datetime, count: int = 20) -> list[datetime]:
    runs = preview_template(template, count=count, start=start).runs
    return [run.run_at.replace(tzinfo=UTC) for run in runs]


def ahead(template: Template, now: datetime) -> list[datetime]:
    return [at for at in planned(template) if at > now]


def changes(template: Template, data: Any, now: datetime) -> tuple[list[datetime], list[datetime]]:
    told = preview_edit(template, data, now=now)
    assert told.complete
    added, removed = (
        [run.run_at.replace(tzinfo=UTC) for run in runs] for runs in (told.added, told.removed)
    )
    return added, removed


def test_dropping_a_calendar_removes_the_run_that_it_had_moved() -> None:
    template, sunday = on_weekdays(recurrence=SUNDAYS), june(7, 12)
    live(june(1, 12), sunday)
    assert june(8) in ahead(template, sunday)
    assert previewed(template, sunday)[:2] == [june(8), june(15)]
    added, removed = changes(template, {"avoid": []}, sunday)
    assert june(8) in removed
    assert added == []
    edit_template(template, {"avoid": []}, now=sunday)
    expand_until_calm(sunday)
    assert june(8) not in ahead(template, sunday)


def test_run_that_a_window_holds_is_neither_lost_nor_new() -> None:
    window = (june(1, 12, 59), june(1, 14, 30))
    make_window(starts_at=window[0], ends_at=window[1])
    template, now = make_template(recurrence=HOURLY, now=june(1, 12)), june(1, 13, 10)
    live(june(1, 12), now)
    first = ahead(template, now)[0]
    assert first >= window[1]
    assert first in previewed(template, now)[:2]
    assert changes(template, {"priority": 9}, now) == ([], [])
    told = preview_edit(template, {"recurrence": NINE}, now=now)
    assert first in [run.run_at.replace(tzinfo=UTC) for run in told.removed]


def test_jittered_run_that_is_still_to_come_is_shown() -> None:
    jittered = {**HOURLY, "jitter": 3599}
    template = make_template(recurrence=jittered, now=june(1, 12, 30))
    job = next(at for at in planned(template) if at > june(1, 13))
    between = june(1, 13) + (job - june(1, 13)) / 2
    assert previewed(template, between)[0] == job


@pytest.mark.parametrize("policy", ["next_open", "next_business_day", "previous_business_day"])
@pytest.mark.parametrize("recurrence", [NINE, SUNDAYS], ids=["daily", "sundays"])
@pytest.mark.parametrize("start", [june(5, 12), june(6, 12), june(7, 12), june(8, 8)])
def test_preview_tells_the_jobs_that_come(
    policy: str, recurrence: dict[str, Any], start: datetime
) -> None:
    template = on_weekdays(recurrence=recurrence, on_closed=policy)
    live(june(1, 12), start)
    told = previewed(template, start)
    live(start, june(20))
    came = [at for at in planned(template) if start < at <= june(20)]
    assert [at for at in told if at <= june(20)] == came
    assert len(came) >= 1


def test_template_that_resumes_by_itself_is_compared_from_then_on() -> None:
    template = pause_template(
        on_weekdays(recurrence=NINE),
        {"resume_at": june(10, 12).isoformat()},
        now=june(2),
        by=somebody("me"),
    )
    assert previewed(template, june(2))[:2] == [june(11), june(12)]
    added, removed = changes(template, {"recurrence": {**NINE, "times": ["10:00"]}}, june(2))
    assert (min(added), min(removed)) == (june(11, 10), june(11))
    assert changes(template, {"active": False}, june(2))[1][0] == june(11)


def test_dry_run_of_a_template_set_aside_adds_what_it_will_do_again() -> None:
    template = make_template(recurrence=NINE, now=june(1, 12))
    Template.objects.filter(pk=template.pk).update(
        set_aside_at=june(1, 13), next_expansion_at=None, set_aside_reason="x"
    )
    template.refresh_from_db()
    added, removed = changes(template, {"priority": 9}, june(1, 14))
    assert (len(added), removed) == (30, [])


def test_what_is_previewed_before_a_template_was_made_is_as_if_it_always_was() -> None:
    template = on_weekdays(recurrence=SUNDAYS)
    assert previewed(template, june(7, 12) - 14 * DAY)[0] == june(8) - 14 * DAY
    assert previewed(template, june(1, 12) + MINUTE, count=1) == [june(8)]
    assert previewed(template, june(1, 12) - 4 * HOUR, count=1) == [june(1)]
