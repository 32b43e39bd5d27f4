"""What the recurrence manager asks of jobs: occurrences made, missed, withdrawn, cancelled."""

from dataclasses import replace

import pytest

from jobs import lifecycle, populator, queries
from jobs.engine import Engine
from jobs.models import Job
from jobs.rows import Missed, NewOccurrence
from jobs.waiting_reason import waiting_reason
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine()
HOUR = 3600 * SECOND
EVERY_STATUS = (
    "blocked",
    "scheduled",
    "queued",
    "running",
    "retryable",
    "succeeded",
    "failed",
    "cancelled",
    "skipped",
)


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


def planned(template, number=0, **overrides):
    values = {"template_id": template, "occurrence_at": NOW + number * SECOND, "origin": "template"}
    return make_job(**{**values, **overrides})


def missed(**overrides):
    values = {"missed_at": NOW, "scheduled_at": NOW - HOUR}
    return planned(overrides.pop("template_id", new_id()), **{**values, **overrides})


def rows_of(*jobs):
    return list(Job.objects.filter(id__in=[job.id for job in jobs]).order_by("id").values())


def found(now=NOW, limit=100):
    return [row.job_id for row in lifecycle.find_missed(now=now, limit=limit)]


def queue(now=NOW):
    return {job.job_id for job in lifecycle.queue_due(lane="async", now=now, limit=100, lease=60)}


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


class TestMissed:
    def test_those_are_found_that_nobody_queued_in_time(self):
        late = missed(missed_at=NOW - SECOND)
        just = missed()
        others = [
            missed(missed_at=NOW + SECOND),
            missed(missed_at=None),
            missed(attempt=1),
            missed(merchant=make_merchant(active=False)),
            *(missed(status=status) for status in EVERY_STATUS if status != "scheduled"),
        ]
        assert found() == [late.id, just.id]
        assert found(limit=1) == [late.id]
        assert len(others) == 12
        (row, _) = lifecycle.find_missed(now=NOW, limit=9)
        assert row == Missed(
            job_id=late.id,
            merchant_id=late.merchant_id,
            template_id=late.template_id,
            occurrence_at=late.occurrence_at,
            scheduled_at=late.scheduled_at,
            missed_at=NOW - SECOND,
        )

    def test_those_of_some_templates_are_found_among_all(self):
        job, other = missed(), missed()
        later = NOW + SECOND
        missed(template_id=job.template_id, occurrence_at=later, missed_at=later)
        found = lifecycle.find_missed_of(template_ids=[job.template_id, new_id()], now=NOW)
        assert [row.job_id for row in found] == [job.id]
        assert other.template_id != job.template_id

    def test_a_missed_job_is_not_queued_and_others_are(self):
        missed()
        others = [
            make_job(),
            missed(missed_at=NOW + SECOND),
            missed(attempt=1),
            missed(status="retryable"),
        ]
        assert queue() == {job.id for job in others}

    def test_what_is_queued_is_not_missed_until_its_message_is_lost(self):
        job = missed(missed_at=NOW + SECOND)
        queue()
        assert found(NOW + HOUR) == []
        lifecycle.requeue_lost_messages(before=NOW + HOUR, limit=9)
        assert found(NOW + HOUR) == [job.id]

    def test_a_released_job_runs(self):
        job, other = missed(), missed()
        assert [m.job_id for m in lifecycle.release_missed(job_ids=[job.id])] == [job.id]
        assert queue() == {job.id}
        assert found() == [other.id]

    def test_a_released_job_with_a_policy_asks_its_siblings_anew(self):
        template = new_id()
        job = missed(template_id=template, overlap="skip")
        planned(template, -60, status="running")
        lifecycle.settle_overlaps(now=NOW, limit=10)
        assert rows_of(job)[0]["status"] == "scheduled"
        lifecycle.release_missed(job_ids=[job.id])
        lifecycle.settle_overlaps(now=NOW, limit=10)
        assert rows_of(job)[0]["status"] == "skipped"

    def test_an_opened_job_that_was_missed_goes_behind_its_gate_again(self):
        template = new_id()
        first = planned(template, overlap="wait", missed_at=NOW + SECOND)
        lifecycle.settle_overlaps(now=NOW, limit=10)
        second = planned(template, 1, overlap="wait")
        later = NOW + 2 * SECOND
        lifecycle.settle_overlaps(now=later, limit=10)
        lifecycle.release_missed(job_ids=[first.id])
        lifecycle.settle_overlaps(now=later, limit=10)
        assert queue(later) == {second.id}
        assert rows_of(first)[0]["gate"] == "held"

    def test_skipping_ends_only_what_never_started(self):
        job, reason = missed(), "Missed: the platform was down at 09:00." + "x" * 300
        others = [missed(attempt=1), *(missed(status=s) for s in EVERY_STATUS if s != "scheduled")]
        stranger = missed()
        before = rows_of(*others, stranger)
        ids = [job.id, *(other.id for other in others)]

        moved = lifecycle.skip(reasons=dict.fromkeys(ids, reason), now=NOW)

        job.refresh_from_db()
        assert [m.job_id for m in moved] == [job.id]
        assert (job.status, job.finalized_at, job.skip_reason) == ("skipped", NOW, reason[:200])
        assert rows_of(*others, stranger) == before

    def test_a_person_who_runs_it_now_has_decided(self):
        job = missed()
        lifecycle.advance(job_ids=[job.id], now=NOW)
        assert found() == []
        assert queue() == {job.id}

    def test_a_restarted_job_cannot_be_missed(self):
        job = missed(status="cancelled", skip_reason="A later run fell due.")
        lifecycle.restart(job_ids=[job.id], now=NOW, by="someone")
        job.refresh_from_db()
        assert (found(), job.skip_reason) == ([], "")
        assert queue() == {job.id}

    def test_missed_jobs_keep_the_populator_asleep_and_the_platform_healthy(self):
        make_worker()
        missed()
        assert populator.next_due(NOW) is None
        assert queries.oldest_due(NOW) == {}
        assert queries.due_ahead_of(make_job(priority=0), NOW) == 0


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


class TestMakeUp:
    def make_up(self, template, dues, overlap="wait"):
        return lifecycle.make_up(
            template_id=template, dues=dues, origin="backfill", overlap=overlap
        )

    @pytest.mark.parametrize(("overlap", "gate"), [("wait", "shut"), ("", "")])
    def test_each_skipped_occurrence_is_due_when_it_is_told(self, overlap, gate):
        template = new_id()
        jobs = [
            planned(template, n, status="skipped", skip_reason="Missed.", overlap="skip")
            for n in range(3)
        ]
        stranger = planned(new_id(), 1, status="skipped")
        before = rows_of(jobs[0], stranger)
        dues = {job.occurrence_at: NOW + HOUR * place for place, job in enumerate(jobs[1:])}

        moved = self.make_up(template, dues, overlap)

        assert {job.job_id for job in moved} == {job.id for job in jobs[1:]}
        for job in jobs[1:]:
            job.refresh_from_db()
            assert (job.status, job.finalized_at, job.skip_reason) == ("scheduled", None, "")
            assert (job.scheduled_at, job.origin) == (dues[job.occurrence_at], "backfill")
            assert (job.overlap, job.gate) == (overlap, gate)
        assert rows_of(jobs[0], stranger) == before

    @pytest.mark.parametrize("status", EVERY_STATUS[:-1])
    def test_what_was_not_skipped_is_left_alone(self, status):
        job = planned(new_id(), status=status)
        before = rows_of(job)
        assert self.make_up(job.template_id, {job.occurrence_at: NOW}) == []
        assert rows_of(job) == before

    def test_deadline_that_has_passed_is_lifted(self):
        template = new_id()
        late = planned(template, 0, status="skipped", expires_at=NOW)
        good = planned(template, 1, status="skipped", expires_at=NOW + 2 * HOUR)
        self.make_up(template, {late.occurrence_at: NOW + HOUR, good.occurrence_at: NOW + HOUR})
        assert [row["expires_at"] for row in rows_of(late, good)] == [None, NOW + 2 * HOUR]


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


class TestWaitingReason:
    def test_a_missed_job_tells_who_decides(self):
        assert waiting_reason(missed(), now=NOW) == (
            "It was due at 2026-06-01T11:00:00Z, during an outage; "
            "the template's misfire policy decides within seconds."
        )

    @pytest.mark.parametrize(
        ("overlap", "words"),
        [
            ("wait", "one after another"),
            ("queue_one", "still going"),
            ("cancel_running", "it was cancelled"),
        ],
    )
    def test_a_held_job_tells_what_it_waits_for(self, overlap, words):
        job = planned(new_id(), overlap=overlap, gate="held")
        assert words in str(waiting_reason(job, now=NOW))

    def test_a_gated_job_that_is_not_due_waits_for_its_time(self):
        job = planned(new_id(), overlap="wait", scheduled_at=NOW + HOUR)
        assert waiting_reason(job, now=NOW) == "Due in 1 hour, at 2026-06-01T13:00:00Z."

    def test_without_a_populator_nothing_is_decided(self):
        make_worker()
        job = planned(new_id(), overlap="wait")
        assert "No populator" in str(waiting_reason(job, now=NOW))
