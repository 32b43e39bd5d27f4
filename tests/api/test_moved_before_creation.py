"""A template has no past: what its calendars move to before it was made does not run."""

import pytest

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations.templates import edit_template
from tests.factories.templates import DAY, HOUR, MINUTE, NOW, cron, make_calendar, make_template

SATURDAY = NOW + 4 * DAY + 18 * HOUR  # 06:00
SATURDAYS = cron("0 9 * * SAT")
BACKWARDS = ["previous_open", "previous_business_day"]


def closed_on_weekends(merchant, now=SATURDAY, **fields):
    weekend = str(make_calendar(merchant=merchant).pk)
    body = {"recurrence": SATURDAYS, "avoid": [weekend], "on_closed": BACKWARDS[1], **fields}
    return make_template(merchant=merchant, now=now, **body)


def run_times(template):
    return list(
        Job.objects.filter(template_id=template.pk)
        .order_by("run_at")
        .values_list("run_at", flat=True)
    )


@pytest.mark.parametrize("misfire", ["skip", "run_once", "run_all"])
@pytest.mark.parametrize("policy", BACKWARDS)
def test_what_moves_to_before_the_creation_is_skipped_with_its_reason(merchant, policy, misfire):
    older = closed_on_weekends(merchant, SATURDAY - 2 * DAY, on_closed=policy)
    before = run_times(older)
    template = closed_on_weekends(merchant, on_closed=policy, misfire=misfire)
    assert run_times(template)[0] > SATURDAY
    [row] = SkippedOccurrence.objects.filter(template=template)
    assert (row.cause, row.first_at, row.occurrences) == ("closed", SATURDAY + 3 * HOUR, 1)
    assert row.reason.startswith("Saturday; moved to Fri 5 Jun ")
    assert row.reason.endswith(", before the template was made")
    assert before[0] < SATURDAY
    assert run_times(older) == before
    assert not SkippedOccurrence.objects.filter(template=older).exists()


def test_a_move_to_a_minute_before_the_creation_is_within_no_grace(merchant):
    midnight = SATURDAY - 6 * HOUR
    template = closed_on_weekends(merchant, midnight + MINUTE, on_closed="previous_open")
    assert run_times(template)[0] == midnight + 7 * DAY - MINUTE


def test_an_edit_does_not_bring_back_what_moves_to_before_the_creation(merchant):
    template = closed_on_weekends(merchant)
    planned = run_times(template)
    edit_template(template, {"tags": ["a"]}, now=SATURDAY + HOUR)
    assert run_times(template) == planned
    assert SkippedOccurrence.objects.filter(template=template).count() == 1


def test_once_its_calendars_are_gone_the_occurrence_runs_in_its_place(merchant):
    template = closed_on_weekends(merchant)
    edit_template(template, {"avoid": []}, now=SATURDAY + HOUR)
    assert run_times(Template.objects.get(pk=template.pk))[0] == SATURDAY + 3 * HOUR
    assert not SkippedOccurrence.objects.filter(template=template).exists()
