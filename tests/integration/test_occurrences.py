"""What the recurrence manager asks of jobs: occurrences made, withdrawn and counted."""

from dataclasses import replace

import pytest

from jobs import lifecycle, queries
from jobs.engine import Engine
from jobs.models import Job
from jobs.occurrence_rows import NewOccurrence
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.occurrences import EVERY_STATUS, HOUR, found, missed, planned, queue, rows_of

pytestmark = pytest.mark.django_db
ENGINE = Engine()


def new_occurrence(**overrides):
    values = {
        "template_id": new_id(),
        "occurrence_at": NOW + HOUR,
        "run_at": NOW + HOUR,
        "kind": "python",
        "handler": "demo.noop",
        "lane": "async",
        "payload": {"handler": "demo.noop", "arguments": {}},
        "priority": 5,
        "max_attempts": 3,
        "timeout": 60.0,
    }
    if "merchant_id" not in overrides:
        values["merchant_id"] = make_merchant().id
    return NewOccurrence(**{**values, **overrides})


class TestCreate:
    def test_every_column_is_stored(self):
        new = new_occurrence(
            run_at=NOW + 2 * HOUR,
            backoff={"strategy": "fixed", "base": 1},
            name="Report",
            tags=["a", "b"],
            metadata={"x": 1},
            expires_at=NOW + 9 * HOUR,
            missed_at=NOW + 3 * HOUR,
            occurrence_note="Moved from Sat 3 Oct 09:00: weekend.",
            origin="backfill",
        )
        assert lifecycle.create_occurrences([new]) == [new.id]
        job = Job.objects.get(id=new.id)
        assert (job.status, job.scheduled_at, job.attempt, job.gate) == (
            "scheduled",
            new.run_at,
            0,
            "",
        )
        for name in (
            *("merchant_id", "template_id", "occurrence_at", "run_at", "kind", "handler", "lane"),
            *("payload", "priority", "max_attempts", "timeout", "backoff", "name", "tags"),
            *("metadata", "expires_at", "missed_at", "overlap", "occurrence_note", "origin"),
        ):
            assert getattr(job, name) == getattr(new, name), name

    def test_an_occurrence_that_has_a_job_is_left_as_it_is(self):
        first = new_occurrence()
        lifecycle.create_occurrences([first])
        before = rows_of(first)
        again = replace(first, id=new_id(), name="other", priority=9)
        later = replace(first, id=new_id(), occurrence_at=NOW + 2 * HOUR)
        twice = replace(later, id=new_id())

        created = lifecycle.create_occurrences([again, later, twice])

        assert len(created) == 1
        assert created[0] in {later.id, twice.id}
        assert rows_of(first) == before
        assert Job.objects.count() == 2

    def test_a_finished_occurrence_is_not_made_again(self):
        done = planned(new_id(), status="succeeded")
        again = new_occurrence(
            merchant_id=done.merchant_id,
            template_id=done.template_id,
            occurrence_at=done.occurrence_at,
        )
        assert lifecycle.create_occurrences([again]) == []

    def test_runs_without_a_nominal_moment_never_conflict(self):
        one = new_occurrence(occurrence_at=None, origin="run_now")
        other = replace(one, id=new_id())
        assert set(lifecycle.create_occurrences([one, other])) == {one.id, other.id}

    @pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running", "wait"])
    def test_an_overlap_policy_shuts_the_gate(self, overlap):
        new = new_occurrence(overlap=overlap, run_at=NOW)
        lifecycle.create_occurrences([new])
        assert Job.objects.get(id=new.id).gate == "shut"
        assert queue() == set()

    def test_any_number_is_one_statement(self, django_assert_num_queries):
        new = new_occurrence()
        many = [replace(new, id=new_id(), occurrence_at=NOW + n * SECOND) for n in range(500)]
        with django_assert_num_queries(1):
            assert len(lifecycle.create_occurrences(many)) == 500

    def test_none_is_none(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert lifecycle.create_occurrences([]) == []


class TestWithdraw:
    def test_only_plans_of_these_templates_go(self):
        template, other = new_id(), new_id()
        plans = [
            planned(template, 0),
            planned(template, 1, status="queued"),
            planned(template, 2, overlap="skip"),
            planned(template, 3, overlap="wait", gate="held"),
            planned(other, 0),
        ]
        stay = [
            *(planned(template, 10 + n, status=s) for n, s in enumerate(EVERY_STATUS[3:])),
            planned(template, 30, attempt=1),
            planned(template, 31, origin="backfill"),
            planned(template, 32, origin="run_now"),
            planned(template, 33, occurrence_at=None),
            planned(new_id()),
            make_job(),
        ]
        before = rows_of(*stay)

        gone = lifecycle.withdraw(template_ids=[template, other])

        assert sorted(gone) == sorted((job.template_id, job.occurrence_at) for job in plans)
        assert not rows_of(*plans)
        assert rows_of(*stay) == before

    @pytest.mark.parametrize("status", ["failed", "cancelled", "skipped"])
    def test_what_a_person_restarted_stays(self, status):
        job, plan = planned(new_id(), status=status, attempt=0), planned(new_id())
        lifecycle.restart(job_ids=[job.id], now=NOW, by="someone")
        lifecycle.withdraw(template_ids=[job.template_id, plan.template_id])
        (row,) = rows_of(job, plan)
        assert (row["id"], row["status"], row["origin"]) == (job.id, "scheduled", "person")

    @pytest.mark.parametrize("changes", [{"run_at": NOW + HOUR}, {"priority": 9}])
    def test_what_a_person_changed_stays_and_cannot_be_missed(self, changes):
        job = missed(missed_at=NOW + SECOND)
        plan = missed(template_id=job.template_id, occurrence_at=NOW + HOUR)
        assert lifecycle.edit(job_id=job.id, changes=changes)
        assert lifecycle.withdraw(template_ids=[job.template_id]) == [
            (plan.template_id, plan.occurrence_at)
        ]
        (row,) = rows_of(job)
        assert (row["origin"], found(NOW + HOUR)) == ("person", [])

    def test_what_a_person_put_forward_stays(self):
        job = planned(new_id(), scheduled_at=NOW + HOUR)
        lifecycle.advance(job_ids=[job.id], now=NOW)
        assert lifecycle.withdraw(template_ids=[job.template_id]) == []
        assert rows_of(job)[0]["origin"] == "person"

    @pytest.mark.parametrize("origin", ["", "backfill", "run_now"])
    def test_who_made_other_jobs_is_not_forgotten_when_a_person_restarts_them(self, origin):
        job = planned(new_id(), status="cancelled", origin=origin)
        lifecycle.restart(job_ids=[job.id], now=NOW, by="someone")
        lifecycle.edit(job_id=job.id, changes={"priority": 9})
        assert rows_of(job)[0]["origin"] == origin

    def test_a_withdrawn_jobs_message_is_void_and_its_occurrence_can_be_made_anew(self):
        job = planned(new_id())
        (queued,) = lifecycle.queue_due(lane="async", now=NOW, limit=9, lease=60)
        lifecycle.withdraw(template_ids=[job.template_id])
        anew = new_occurrence(
            merchant_id=job.merchant_id,
            template_id=job.template_id,
            occurrence_at=job.occurrence_at,
        )
        assert lifecycle.create_occurrences([anew]) == [anew.id]
        claimed = lifecycle.claim(
            tickets=[(queued.job_id, queued.ticket)], worker_id=make_worker().id, engine=ENGINE
        )
        assert claimed == []

    def test_many_templates_are_one_statement(self, django_assert_num_queries):
        jobs = [planned(new_id()) for _ in range(20)]
        with django_assert_num_queries(1):
            gone = lifecycle.withdraw(template_ids=[job.template_id for job in jobs])
        assert len(gone) == 20


def test_the_waiting_jobs_of_a_deleted_template_are_cancelled_and_running_ones_finish():
    template = new_id()
    waiting = [
        *(planned(template, n, status=s) for n, s in enumerate(("scheduled", "queued", "blocked"))),
        planned(template, 10, status="retryable"),
        planned(template, 11, origin="backfill", overlap="wait", gate="held"),
        planned(template, 12, origin="run_now", occurrence_at=None),
    ]
    stay = [
        *(
            planned(template, 20 + n, status=s)
            for n, s in enumerate(("running", *EVERY_STATUS[5:]))
        ),
        planned(new_id()),
        make_job(),
    ]
    before = rows_of(*stay)
    moved = lifecycle.cancel_plans(template_id=template, now=NOW)
    assert {job.job_id for job in moved} == {job.id for job in waiting}
    assert {row["status"] for row in rows_of(*waiting)} == {"cancelled"}
    assert rows_of(*stay) == before


def test_runs_of_a_template_are_counted_foretold_and_listed():
    one, two = new_id(), new_id()
    runs = [planned(one, n, status=s) for n, s in enumerate(("queued", "running", "retryable"))]
    later = planned(one, 10, scheduled_at=NOW + 2 * HOUR)
    sooner = planned(one, 11, scheduled_at=NOW + HOUR, overlap="wait")
    done = planned(one, 12, status="succeeded")
    planned(new_id(), status="running")
    assert queries.active_runs([one, two]) == {one: 3}
    assert list(queries.upcoming(one)) == [runs[0], sooner, later]
    assert list(queries.last_runs(one)) == [done, sooner, later, *reversed(runs)]
