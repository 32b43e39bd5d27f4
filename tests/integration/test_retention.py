"""What nobody keeps any more is dropped by the week; who keeps less than others is pruned before."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import transaction

from jobs import partitions
from jobs.archiver import archive, outlook, pruning
from jobs.models import AnyJob, ArchivedJob, Dependency, Execution, Job
from jobs.partitions import first_id
from jobs.retention import Retention
from tenants.identifiers import new_id
from tests.factories.admin import make_execution
from tests.factories.jobs import NOW, make_job, make_merchant
from tests.integration.archive_kit import (
    DAY,
    RETENTION,
    drop_archive,
    ended,
    is_archived,
    tables_like,
)
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions(transactional_db):
    """Let other sessions see what this one stores."""
    yield
    drop_archive()


def attempt(days, **values):
    """Store an attempt that ended so many days before NOW, in the week of its end."""
    moment = NOW - days * DAY
    partitions.make_week(partitions.week_of(partitions.History.EXECUTIONS, moment))
    return make_execution(
        values.pop("job", None) or make_job(), id=_id_of(moment), finished_at=moment, **values
    )


def _id_of(moment):
    return type(first_id(moment))(int=first_id(moment).int | (new_id().int & (2**74 - 1)))


def kept():
    return set(AnyJob.objects.values_list("pk", flat=True))


def test_a_week_is_dropped_when_all_of_it_is_older_than_anybody_keeps():
    # NOW is a Monday, the retention 30 days: the week from 27 April to 3 May ends 29 days ago.
    gone = [ended(days) for days in (37, 42)]
    stays = [ended(days) for days in (35, 29, 2)]
    first = archive(NOW, RETENTION)
    assert first.moved == 5
    assert set(first.dropped) == {
        f"jobs_archivedjob_{monday}_retired_20260601120000" for monday in ("20260420",)
    }
    assert kept() == {job.pk for job in stays}
    assert not any(Job.objects.filter(pk=job.pk).exists() for job in gone)
    assert tables_like("%\\_retired\\_%") == set()


def test_executions_are_dropped_by_the_week_as_well():
    old, young = attempt(40), attempt(20)
    done = archive(NOW, RETENTION)
    assert list(Execution.objects.values_list("pk", flat=True)) == [young.pk]
    assert [name[:24] for name in done.dropped] == [f"jobs_execution_{'20260420'}_"]
    assert not Execution.objects.filter(pk=old.pk).exists()
    assert tables_like("jobs\\_execution\\_20260420%") == set()


def test_a_week_stays_while_one_merchant_keeps_it_and_others_are_pruned():
    brief = make_merchant(keep_jobs_days=5)
    middle = make_merchant(keep_jobs_days=20)
    default = make_merchant()
    jobs = {
        (merchant, days): ended(days, merchant=merchant)
        for merchant in (brief, middle, default)
        for days in (2, 14, 24)
    }
    done = archive(NOW, RETENTION)
    assert (done.pruned_jobs, done.dropped) == (3, ())
    left = {place for place, job in jobs.items() if job.pk in kept()}
    assert left == {(brief, 2), (middle, 2), (middle, 14), *((default, d) for d in (2, 14, 24))}
    assert archive(NOW, RETENTION).pruned_jobs == 0


def test_no_merchant_keeps_longer_than_the_platform():
    greedy = make_merchant(keep_jobs_days=3_650)
    job = ended(60, merchant=greedy)
    archive(NOW, RETENTION)
    assert job.pk not in kept()


def test_executions_have_a_time_of_their_own_also_where_no_week_was_made():
    brief, default = make_merchant(keep_executions_days=3), make_merchant()
    job, other = make_job(merchant=brief), make_job(merchant=default)
    gone = attempt(13, job=job)
    lost_week = make_execution(job, id=_id_of(NOW - 800 * DAY))
    stays = [attempt(2, job=job), attempt(13, job=other)]
    done = archive(NOW, RETENTION)
    assert done.pruned_executions == 2
    assert set(Execution.objects.values_list("pk", flat=True)) == {one.pk for one in stays}
    assert {gone.pk, lost_week.pk}.isdisjoint({one.pk for one in stays})


def test_pruning_goes_on_in_the_next_step_after_a_bounded_number_of_rows(monkeypatch):
    monkeypatch.setattr(pruning, "PRUNE_LIMIT", 2)
    monkeypatch.setattr(pruning, "PRUNE_STEPS", 1)
    make_merchant()
    brief = make_merchant(keep_jobs_days=1)
    for _ in range(5):
        ended(14, merchant=brief)
    steps = [archive(NOW, RETENTION) for _ in range(4)]
    assert [step.pruned_jobs for step in steps] == [2, 2, 1, 0]
    assert [step.more for step in steps] == [True, True, False, False]


def test_dependencies_go_when_neither_of_their_jobs_is_kept():
    shop = make_merchant()
    old_id = first_id(NOW - 50 * DAY)

    def arrow(number, parent, child):
        Dependency.objects.create(
            id=type(old_id)(int=old_id.int + number),
            parent=parent,
            child=child,
            name=f"p{number}",
            needs="success",
            outcome="met",
        )

    gone, gone_too, stays = (ended(days, merchant=shop) for days in (40, 40, 10))
    arrow(1, gone, gone_too)
    arrow(2, gone, stays)
    assert archive(NOW, RETENTION).pruned_dependencies == 0
    done = archive(NOW, RETENTION)
    assert done.pruned_dependencies == 1
    assert list(Dependency.objects.values_list("child_id", flat=True)) == [stays.pk]


def test_an_open_dead_letters_job_outlives_every_retention():
    failed = ended(400, status="failed")
    archive(NOW, RETENTION)
    assert not is_archived(failed)


def test_a_long_reader_is_not_waited_for_and_the_week_goes_the_next_time(sessions):
    ended(60)
    archive(NOW, Retention(archive_after=86_400, days=90))
    with transaction.atomic():
        assert ArchivedJob.objects.count() == 1
        done = OtherSession(lambda: archive(NOW, RETENTION)).result()
        assert (done.blocked, done.more, done.dropped) == (True, True, ())
        assert ArchivedJob.objects.count() == 1
    assert len(archive(NOW, RETENTION).dropped) == 1


def test_a_killed_archivers_detached_week_is_dropped_by_the_next(monkeypatch):
    ended(60)
    with monkeypatch.context() as patch:
        patch.setattr("jobs.archiver.retiring.drop", lambda name: False)
        detached = archive(NOW, RETENTION).detached
    assert detached == ("jobs_archivedjob_20260330",)
    assert len(tables_like("%\\_retired\\_%")) == 1
    assert archive(NOW + DAY, RETENTION).dropped == (
        "jobs_archivedjob_20260330_retired_20260601120000",
    )


def test_a_dry_run_tells_and_changes_nothing(settings):
    settings.TASKFLOW_RETENTION = RETENTION
    young = ended(2)
    seen = outlook.look_ahead(NOW, RETENTION)
    assert (seen.to_move, seen.to_move_at_least, list(seen.due)) == (1, False, [])
    old = ended(60)
    archive(NOW, Retention(archive_after=86_400, days=90))
    assert [week.name for week in outlook.look_ahead(NOW, RETENTION).due] == [
        "jobs_archivedjob_20260330"
    ]
    out = StringIO()
    call_command("archive", "--dry-run", stdout=out)
    assert "To be dropped: jobs_archivedjob_20260330" in out.getvalue()
    assert kept() == {young.pk, old.pk}


def test_the_command_does_all_of_it_and_tells_what(settings, monkeypatch):
    settings.TASKFLOW_RETENTION = RETENTION
    monkeypatch.setattr("jobs.archiver.stepping.database_now", lambda: NOW)
    ended(2)
    ended(60)
    out = StringIO()
    call_command("archive", stdout=out)
    assert "2 jobs archived" in out.getvalue()
    assert "dropped jobs_archivedjob_20260330_retired_20260601120000" in out.getvalue()


def test_a_turn_that_is_over_asks_for_another_one_from_the_same_place(settings, monkeypatch):
    from jobs import tasks
    from jobs.archiver import moving

    settings.TASKFLOW_RETENTION = RETENTION
    asked = []
    monkeypatch.setattr("jobs.archiver.stepping.database_now", lambda: NOW)
    monkeypatch.setattr(moving, "MOVE_LIMIT", 1)
    monkeypatch.setattr(moving, "MOVE_STEPS", 1)
    monkeypatch.setattr(tasks, "ARCHIVER_TURN", -1.0)
    monkeypatch.setattr(
        tasks.archive, "apply_async", lambda args, queue: asked.append((args[0], queue))
    )
    jobs = [ended(days) for days in (4, 3, 2)]
    tasks.archive()
    assert is_archived(jobs[0])
    assert not is_archived(jobs[1])
    while len(asked) < 10 and asked[-1][0] is not None:
        before = len(asked)
        tasks.archive(asked[-1][0])
        if len(asked) == before:
            break
    assert [is_archived(job) for job in jobs] == [True] * 3
    assert {queue for _, queue in asked} == {"control"}


@pytest.mark.parametrize("days", [0, 3_651])
def test_a_merchants_days_are_within_bounds(days):
    merchant = make_merchant(keep_jobs_days=3_650, keep_executions_days=1)
    merchant.keep_jobs_days = days
    with pytest.raises(ValidationError, match="keep_jobs_days"):
        merchant.full_clean()


def test_the_weeks_of_history_are_named_by_their_mondays():
    monday = partitions.week_of(partitions.History.JOBS, NOW + timedelta(days=6, hours=11))
    assert (monday.name, monday.starts) == ("jobs_archivedjob_20260601", NOW.replace(hour=0))
    assert partitions.week_named("jobs_job") is None
