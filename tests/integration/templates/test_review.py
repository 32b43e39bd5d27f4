"""A person decides about what did not run: what runs then, in what order, and what is noted."""

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from jobs import lifecycle
from jobs.models import Job
from jobs.operations.fields import InvalidFields
from templates_app.models import Cause, SkippedOccurrence, Template
from templates_app.operations.review import NothingToReview, Reviewed, review
from templates_app.operations.templates import (
    TemplateGone,
    delete_template,
    edit_template,
    pause_template,
)
from tests.factories.actors import somebody
from tests.factories.jobs import make_job
from tests.factories.templates import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    cron,
    every,
    june,
    make_avoiding_template,
    make_template,
)
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock
from tests.integration.templates.ticking import expand_all, expand_until_calm

pytestmark = pytest.mark.django_db
BACK = NOW + HOUR + 10 * MINUTE
SATURDAY = june(6, 12)


def decide(row: SkippedOccurrence, choice: str, now: datetime = BACK) -> Reviewed:
    return review(row, {"choice": choice}, now=now, by=somebody("Ana"))


def not_run(
    template: Template, first: datetime, last: datetime | None = None, **fields: Any
) -> SkippedOccurrence:
    values = {"cause": "missed", "reason": "Missed in an outage.", **fields}
    return SkippedOccurrence.objects.create(
        template=template,
        merchant=template.merchant,
        first_at=first,
        last_at=last or first,
        **values,
    )


def weekly_on_a_closed_saturday(**fields: Any) -> Template:
    """Return a template of Saturday noon, whose runs its calendar moves to Monday."""
    return make_avoiding_template(
        recurrence=cron("0 12 * * SAT"), on_closed="next_business_day", **fields
    )


def job_of(template: Template, at: datetime) -> Job:
    return Job.objects.get(template_id=template.id, occurrence_at=at)


def test_run_that_overlapped_waits_for_the_one_that_is_still_going() -> None:
    template, bystander = make_template(overlap="skip"), make_job()
    common = {"template_id": template.id, "merchant": template.merchant, "origin": "template"}
    going = make_job(status="running", occurrence_at=NOW - HOUR, overlap="skip", **common)
    lifecycle.settle_overlaps(now=NOW + HOUR, limit=100)
    row = SkippedOccurrence.objects.get(cause=Cause.OVERLAP)

    ran = decide(row, "run_all").ran

    assert ran is not None
    assert (ran.restarted, ran.created) == (1, 0)
    lifecycle.settle_overlaps(now=BACK, limit=100)
    job = job_of(template, NOW + HOUR)
    assert (job.status, job.gate, job.origin) == ("scheduled", "held", "person")
    Job.objects.filter(id=going.id).update(status="succeeded", finalized_at=BACK)
    lifecycle.settle_overlaps(now=BACK, limit=100)
    job.refresh_from_db()
    assert job.gate == ""
    bystander.refresh_from_db()
    assert bystander.status == "scheduled"


@pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running"])
def test_schedule_does_not_wait_for_what_is_made_up_for(overlap: str) -> None:
    template = make_template(recurrence=every(10), overlap=overlap, misfire="skip")
    expand_all(BACK)
    row = SkippedOccurrence.objects.get(cause=Cause.MISSED)
    decide(row, "run_all")
    lifecycle.settle_overlaps(now=BACK, limit=100)
    expand_until_calm(BACK + 9 * MINUTE)
    Job.objects.filter(template_id=template.id, occurrence_at=BACK).update(
        status="succeeded", finalized_at=BACK
    )
    lifecycle.settle_overlaps(now=BACK, limit=100)
    assert job_of(template, NOW + 10 * MINUTE).gate == ""
    lifecycle.settle_overlaps(now=BACK + 10 * MINUTE, limit=100)
    live = job_of(template, BACK + 10 * MINUTE)
    assert (live.status, live.gate) == ("scheduled", "")
    made_up = Job.objects.filter(template_id=template.id, origin="person")
    assert {job.status for job in made_up} == {"scheduled"}
    assert sorted(job.gate for job in made_up) == ["", *["held"] * 5]


def test_decision_is_not_undone_by_an_edit_of_the_template() -> None:
    template = make_template(misfire="skip")
    expand_all(BACK)
    row = SkippedOccurrence.objects.get()
    decide(row, "run_all")
    edit_template(template, {"recurrence": cron("30 * * * *")}, now=BACK + SECOND)
    job = job_of(template, NOW + HOUR)
    assert (job.status, job.scheduled_at) == ("scheduled", BACK)
    row.refresh_from_db()
    assert row.resolution == "run_all"


def test_too_many_to_run_at_once_are_refused_with_a_way_out() -> None:
    template = make_template(recurrence=every(10, "seconds"))
    first = NOW - 3 * DAY
    row = not_run(template, first, NOW - HOUR, occurrences=25_000)
    with pytest.raises(InvalidFields) as fault:
        decide(row, "run_all")
    [problem] = fault.value.problems
    until = first + 9_999 * 10 * SECOND
    assert (problem.pointer, problem.code) == ("/choice", "too_many")
    assert problem.detail == (
        '"choice" asks for more than 10,000 occurrences. Run the last one, or backfill the range in '
        f"pieces, the first up to {until:%FT%TZ}; then dismiss this."
    )
    row.refresh_from_db()
    assert row.resolved_at is None
    decide(row, "run_last")
    [job] = Job.objects.filter(template_id=template.id, origin="person")
    assert job.occurrence_at == NOW - HOUR


def test_last_run_of_a_row_that_ends_between_two_occurrences_is_found() -> None:
    template = make_template()
    row = not_run(template, NOW - 40 * DAY, NOW - 90 * MINUTE, occurrences=50_000)
    decide(row, "run_last")
    [job] = Job.objects.filter(template_id=template.id, origin="person")
    assert job.occurrence_at == NOW - 2 * HOUR


@pytest.mark.parametrize("choice", ["run_all", "run_last"])
def test_missed_run_that_a_calendar_had_moved_is_found_by_the_moment_its_recurrence_names(
    choice: str,
) -> None:
    template = weekly_on_a_closed_saturday(misfire="skip", misfire_window=3600)
    monday = SATURDAY + 2 * DAY
    Job.objects.filter(template_id=template.id).delete()
    row = not_run(template, SATURDAY)
    done = decide(row, choice, monday + DAY)
    assert done.ran is not None
    assert done.ran.created == 1
    assert job_of(template, monday).origin == "person"


def test_run_that_a_calendar_moves_into_the_future_is_left_to_the_schedule() -> None:
    template = weekly_on_a_closed_saturday()
    row = not_run(template, SATURDAY)
    with pytest.raises(NothingToReview, match="none of its occurrences is planned"):
        decide(row, "run_all", SATURDAY + HOUR)
    assert Job.objects.get(template_id=template.id).origin == "template"


def test_run_that_a_pause_withdrew_can_be_made_up_for_in_the_pause() -> None:
    template = make_template()
    pause_template(template, {}, now=NOW + MINUTE, by=somebody("Ana"))
    SkippedOccurrence.objects.all().delete()
    row = not_run(template, NOW + HOUR, cause=Cause.PAUSED)
    ran = decide(row, "run_all").ran
    assert ran is not None
    assert ran.created == 1
    assert job_of(template, NOW + HOUR).status == "scheduled"


@pytest.mark.parametrize("cause", [Cause.CLOSED, Cause.WINDOW, Cause.CLOCK_CHANGE, Cause.MERGED])
def test_what_was_not_to_run_has_nothing_to_review(cause: str) -> None:
    row = not_run(make_template(), NOW - HOUR, cause=cause)
    with pytest.raises(NothingToReview):
        decide(row, "run_all")
    row.refresh_from_db()
    assert row.resolved_at is None


@pytest.mark.parametrize("choice", ["run_all", "run_last"])
def test_decision_that_has_nothing_run_is_not_noted(choice: str) -> None:
    template = make_template()
    off_beat = not_run(template, NOW - HOUR + MINUTE)
    done = not_run(template, NOW - 2 * HOUR)
    make_job(
        status="succeeded",
        template_id=template.id,
        merchant=template.merchant,
        occurrence_at=NOW - 2 * HOUR,
    )
    with pytest.raises(NothingToReview, match="none of its occurrences is planned"):
        decide(off_beat, choice)
    with pytest.raises(NothingToReview, match="has a job already"):
        decide(done, choice)
    for row in (off_beat, done):
        row.refresh_from_db()
        assert row.resolved_at is None
        decide(row, "dismiss")
        row.refresh_from_db()
        assert row.resolution == "dismiss"
    assert not Job.objects.filter(origin="person").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("choice", ["run_all", "dismiss"])
def test_template_that_is_deleted_meanwhile_has_nothing_to_decide(choice: str) -> None:
    template = make_template()
    row = not_run(template, NOW - HOUR)
    with transaction.atomic():
        delete_template(template, now=NOW)
        deciding = OtherSession(lambda: decide(row, choice))
        wait_until_one_waits_for_a_lock()
    with pytest.raises(TemplateGone):
        deciding.result()
    assert set(Job.objects.values_list("status", flat=True)) == {"cancelled"}


@pytest.mark.django_db(transaction=True)
def test_template_that_is_deleted_during_a_decision_has_its_runs_cancelled() -> None:
    template = make_template()
    row = not_run(template, NOW - HOUR)
    with transaction.atomic():
        decide(row, "run_all")
        deleting = OtherSession(lambda: delete_template(template, now=NOW))
        wait_until_one_waits_for_a_lock()
    deleting.result()
    jobs = Job.objects.filter(template_id=template.id)
    assert {job.status for job in jobs} == {"cancelled"}
    assert len(jobs) == 2
