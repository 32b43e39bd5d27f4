"""Finished jobs go to the archive, and come back for a restart; others stay where they are."""

import pytest
from django.db import DatabaseError, connection, transaction

from jobs import lifecycle, queries
from jobs.archiver import archive
from jobs.archiver.moving import Moved
from jobs.graph import graph_of
from jobs.lifecycle import BEGINNING
from jobs.models import AnyJob, ArchivedJob, DeadLetter, Dependency, Job, UniqueClaim
from jobs.operations import steer
from jobs.partitions import ensure_archive
from tenants.identifiers import new_id
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant
from tests.integration.archive_kit import DAY, RETENTION, drop_archive, ended, is_archived
from tests.integration.dependencies.kit import child_of, settle_all
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions(transactional_db):
    """Let other sessions see what this one stores."""
    yield
    drop_archive()


def walk(limit=1_000, after=BEGINNING):
    return lifecycle.archive(
        before=NOW - DAY, now=NOW, after=after, limit=limit, make_room=ensure_archive
    )


def test_jobs_that_ended_long_enough_ago_are_moved_and_all_others_stay():
    old = [ended(status=status) for status in ("succeeded", "cancelled", "skipped")]
    young = ended(0.9)
    at_work = [
        make_job(status=status) for status in ("scheduled", "queued", "running", "retryable")
    ]
    before = {row["id"]: row for row in Job.objects.values()}

    assert archive(NOW, RETENTION).moved == 3

    assert [is_archived(job) for job in old] == [True] * 3
    assert [is_archived(job) for job in [young, *at_work]] == [False] * 5
    assert {row["id"]: row for row in AnyJob.objects.values()} == before


def test_nothing_to_do_moves_nothing():
    assert archive(NOW, RETENTION).moved == 0
    assert not archive(NOW, RETENTION).more


def test_a_job_with_an_open_dead_letter_stays_until_somebody_has_closed_it():
    failed = ended(status="failed")
    archive(NOW, RETENTION)
    assert not is_archived(failed)
    DeadLetter.objects.filter(job=failed).update(resolution="discarded", resolved_at=NOW)
    archive(NOW, RETENTION)
    assert is_archived(failed)
    assert queries.job_of(DeadLetter.objects.get(job=failed)) == failed


def test_a_job_stays_while_one_that_depends_on_it_has_not_ended():
    shop = make_merchant()
    parent, other = ended(merchant=shop), ended(merchant=shop)
    child = make_job(status="blocked", merchant=shop)
    for one in (parent, other):
        Dependency.objects.create(parent=one, child=child, name="p", needs="success", outcome="met")
    grandchild = ended(merchant=shop)
    Dependency.objects.create(
        parent=parent, child=grandchild, name="p", needs="success", outcome="met"
    )
    archive(NOW, RETENTION)
    assert [is_archived(job) for job in (parent, other, grandchild)] == [False, False, True]
    Job.objects.filter(pk=child.pk).update(status="cancelled", finalized_at=NOW)
    archive(NOW, RETENTION)
    assert [is_archived(job) for job in (parent, other, child)] == [True, True, False]
    assert {job.pk for job in graph_of(grandchild).jobs} == {
        one.pk for one in (parent, other, child, grandchild)
    }


@pytest.mark.parametrize(
    "column", [{"awaited": True}, {"concurrency_key": "k", "holds_place": True}]
)
def test_a_job_stays_until_it_has_told_others_of_its_end(column):
    job = ended(**column)
    archive(NOW, RETENTION)
    assert not is_archived(job)


@pytest.mark.parametrize(("until", "stays"), [(NOW + SECOND, True), (NOW - SECOND, False)])
def test_a_job_stays_as_long_as_it_holds_its_unique_key_for_a_period(until, stays):
    job = ended(unique_key="order-17", unique_scope="period")
    UniqueClaim.objects.create(
        merchant=job.merchant,
        key="order-17",
        job_id=job.pk,
        scope="period",
        until=until,
        look_at=until,
    )
    archive(NOW, RETENTION)
    assert is_archived(job) is not stays


def test_a_walk_passes_over_what_stays_and_meets_it_once():
    stuck = [ended(5 - 0.1 * number, status="failed") for number in range(3)]
    behind = [ended(2 - 0.1 * number) for number in range(3)]
    first = walk(limit=2)
    second = walk(limit=2, after=first.place)
    third = walk(limit=2, after=second.place)
    assert [one.moved for one in (first, second, third)] == [0, 1, 2]
    assert walk(limit=2, after=third.place).place is None
    assert [is_archived(job) for job in [*stuck, *behind]] == [False] * 3 + [True] * 3


def test_jobs_of_several_weeks_lie_in_the_weeks_of_their_ends():
    for days in (2, 9, 400):
        ended(days)
    assert walk().moved == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM jobs_archivedjob")
        found = {row[0] for row in cursor.fetchall()}
    assert found == {
        f"jobs_archivedjob_{monday}" for monday in ("20260525", "20260518", "20250421")
    }


def test_what_somebody_has_locked_is_left_for_the_next_time(sessions):
    held, free = ended(), ended()
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=held.pk)
        assert OtherSession(lambda: archive(NOW, RETENTION)).result().moved == 1
        assert is_archived(free)
    assert archive(NOW, RETENTION).moved == 1


def test_a_second_archiver_does_nothing_while_the_first_works(sessions, monkeypatch):
    ended()
    answers = []

    def meanwhile(*_):
        answers.append(OtherSession(lambda: archive(NOW, RETENTION)).result())
        return Moved(moved=walk().moved, place=None, blocked=False)

    monkeypatch.setattr("jobs.archiver.move", meanwhile)
    assert archive(NOW, RETENTION).moved == 1
    assert answers[0].busy
    monkeypatch.undo()
    assert not archive(NOW, RETENTION).busy


@pytest.mark.parametrize("status", ["failed", "cancelled", "skipped"])
def test_an_archived_job_comes_back_when_it_is_retried(status):
    job, bystander = ended(status=status), ended()
    DeadLetter.objects.update(resolution="discarded", resolved_at=NOW)
    archive(NOW, RETENTION)
    steer.retry(AnyJob.objects.get(pk=job.pk), now=NOW, by=somebody())
    assert not is_archived(job)
    job.refresh_from_db()
    assert (job.status, job.scheduled_at, job.finalized_at) == ("scheduled", NOW, None)
    assert is_archived(bystander)


def test_an_archived_job_that_succeeded_is_refused_in_plain_words():
    job = ended()
    archive(NOW, RETENTION)
    seen = AnyJob.objects.get(pk=job.pk)
    for verb in (
        lambda: steer.retry(seen, now=NOW, by=somebody()),
        lambda: steer.cancel(seen, now=NOW),
        lambda: steer.run_now(seen, now=NOW),
        lambda: steer.edit(seen, changes={"name": "x"}),
    ):
        with pytest.raises(steer.WrongStatus, match="The job is succeeded"):
            verb()


def test_only_the_merchants_own_jobs_are_brought_back():
    job = ended()
    archive(NOW, RETENTION)
    assert lifecycle.recall([job.pk], merchant_id=make_merchant().pk) == set()
    assert is_archived(job)
    assert lifecycle.recall([job.pk], merchant_id=job.merchant_id) == {job.pk}
    assert not is_archived(job)


def test_a_new_job_may_depend_on_an_archived_one():
    parent, bystander = ended(), ended()
    archive(NOW, RETENTION)
    child = child_of(parent)
    settle_all()
    assert Job.objects.get(pk=child.pk).status == "scheduled"
    assert is_archived(bystander)


def test_a_job_of_somebody_else_that_is_archived_is_no_parent():
    stranger = ended()
    archive(NOW, RETENTION)
    own = make_job()
    with pytest.raises(lifecycle.MissingParents):
        child_of(own, stranger)
    assert is_archived(stranger)


def test_the_view_shows_all_columns_of_a_job():
    columns = {field.column for field in Job._meta.concrete_fields}
    with connection.cursor() as cursor:
        for table in ("jobs_anyjob", "jobs_archivedjob"):
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            assert {column.name for column in cursor.description} == columns


def test_a_templates_newest_jobs_are_found_in_both_places():
    template = new_id()
    old = ended(template_id=template, occurrence_at=NOW - 2 * DAY)
    young = make_job(template_id=template, occurrence_at=NOW)
    archive(NOW, RETENTION)
    assert list(queries.last_runs(template)) == [young, old]


def test_writing_through_the_view_is_refused_by_postgresql():
    job = ended()
    with pytest.raises(DatabaseError, match="cannot update view"), transaction.atomic():
        AnyJob.objects.filter(pk=job.pk).update(name="changed")
    assert ArchivedJob.objects.count() == 0


def test_a_reader_who_holds_the_archive_for_long_is_not_waited_for(sessions):
    job = ended()
    with transaction.atomic():
        assert ArchivedJob.objects.count() == 0
        done = OtherSession(lambda: archive(NOW, RETENTION)).result()
    assert (done.moved, done.blocked, done.more) == (0, True, True)
    assert archive(NOW, RETENTION, place=done.place).moved == 1
    assert is_archived(job)


def test_the_newest_of_both_places_come_by_their_indexes_without_a_sort():
    shop = make_merchant()
    for days in (2, 9, 16):
        ended(days, merchant=shop)
    archive(NOW, RETENTION)
    make_job(merchant=shop)
    with connection.cursor() as cursor:
        for way in ("sort", "bitmapscan", "seqscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    for jobs in (AnyJob.objects.of(shop), AnyJob.objects.filter(template_id=new_id())):
        plan = jobs.order_by("-pk")[:50].explain()
        assert "Merge Append" in plan
        assert "Sort  (" not in plan
        assert plan.count("Index Scan") >= 4
